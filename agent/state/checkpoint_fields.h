// The fields of a checkpoint's lines (conf/checkpoint-format.md): written behind one another, each
// with a blank before it, and read back in the same order.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "agent/core/subject_key.h"
#include "agent/values/zone.h"

namespace agent {

inline constexpr std::string_view kStateHeader = "exiwarden-state 1\n";
inline constexpr std::string_view kStateSum = "sum ";  // before the checksum, in the last line

// Appends a field, with bytes that would end the field or the line as %HH; "%-" is an empty field.
void append_field(std::string& out, std::string_view bytes);
// Appends a text; "%." stands for nullopt.
void append_optional(std::string& out, const std::optional<std::string>& text);
// Appends a time in seconds since 1970 UTC; "-" stands for nullopt.
void append_optional(std::string& out, const std::optional<Instant>& time);

// The letters that stand for the kinds of identity, in the order of IdentityKind.
inline constexpr std::string_view kKindLetters = "urlh";
[[nodiscard]] constexpr char letter_of(IdentityKind kind) {
  return kKindLetters[static_cast<std::size_t>(kind)];
}
// Appends the key of a subject as one field: the letter of its kind, ":" and the folded id.
void append_key(std::string& out, const SubjectKey& key);

template <class T>
void append_number(std::string& out, T value) {
  std::array<char, 24> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.push_back(' ');
  out.append(digits.data(), end);
}

inline std::int64_t seconds(Instant time) {
  return time.time_since_epoch().count();
}
inline Instant instant(std::int64_t value) {
  return Instant(std::chrono::seconds(value));
}

// What Fields throws; decode_checkpoint() catches it.
struct Malformed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Fields {
 public:
  explicit Fields(std::string_view line) : rest_(line) {}

  [[nodiscard]] bool done() const { return rest_.empty(); }
  std::string_view word() {
    if (rest_.empty()) throw Malformed("a field is missing");
    const auto end = std::min(rest_.find(' '), rest_.size());
    const auto word = rest_.substr(0, end);
    rest_.remove_prefix(std::min(rest_.size(), end + 1));
    return word;
  }
  std::string text();
  SubjectKey key();
  std::optional<std::string> optional_text() {
    if (rest_ == "%." || rest_.starts_with("%. ")) {
      word();
      return std::nullopt;
    }
    return text();
  }
  template <class T = std::uint64_t>
  T number() {
    const auto raw = word();
    T value{};
    const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
    if (error != std::errc() || end != raw.data() + raw.size()) throw Malformed("a wrong number");
    return value;
  }
  std::optional<Instant> optional_time() {
    if (rest_.starts_with("- ") || rest_ == "-") {
      word();
      return std::nullopt;
    }
    return instant(number<std::int64_t>());
  }

 private:
  std::string_view rest_;
};

}  // namespace agent
