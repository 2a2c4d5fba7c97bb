// Reasons: which rejection texts mean "no such recipient". Two sets of RE2 patterns, matched
// without regard to case anywhere in the masked text (reason_text.h); `other` wins over `missing`,
// and a text that neither knows is not counted. The built-in patterns stand in reasons_default.h.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "parsers/string_hash.h"

namespace parsers {

enum class Reason : std::uint8_t { missing, other, unknown };

struct ReasonError {
  std::string pattern;
  std::string what;  // RE2's own words
};

class Reasons {
 public:
  // The word "default" in a list stands for the built-in patterns.
  static std::variant<std::shared_ptr<const Reasons>, std::vector<ReasonError>> compile(
      const std::vector<std::string>& missing, const std::vector<std::string>& other);
  static std::shared_ptr<const Reasons> defaults();

  [[nodiscard]] Reason classify(std::string_view masked) const;  // safe from several threads

  Reasons(const Reasons&) = delete;
  Reasons& operator=(const Reasons&) = delete;
  ~Reasons();

 private:
  struct Sets;
  explicit Reasons(std::unique_ptr<Sets> sets);
  std::unique_ptr<Sets> sets_;
};

// ReasonMemory: masks, classifies and remembers: servers say the same few things over and over.
class ReasonMemory {
 public:
  explicit ReasonMemory(std::shared_ptr<const Reasons> reasons) : reasons_(std::move(reasons)) {}
  Reason of(std::string_view text, std::string_view argument);

 private:
  static constexpr std::size_t kMaxAnswers = 4096;  // then all are forgotten
  Reason answer_to(std::string_view masked);

  std::shared_ptr<const Reasons> reasons_;
  StringMap<Reason> answers_;
  // The last ones that held nothing to be cut out, found by their length and first letter.
  std::array<std::pair<std::string, Reason>, 16> recent_{};
  std::string masked_;
};

}  // namespace parsers
