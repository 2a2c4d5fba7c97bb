#include "agent/state/checkpoint_fields.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace agent {

namespace {

void append_escaped(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte >= 0x7f || byte == '%') {
      fmt::format_to(std::back_inserter(out), "%{:02x}", byte);
    } else {
      out.push_back(c);
    }
  }
}

}  // namespace

void append_field(std::string& out, std::string_view bytes) {
  if (bytes.empty()) {
    out += " %-";
    return;
  }
  out.push_back(' ');
  append_escaped(out, bytes);
}

void append_key(std::string& out, const SubjectKey& key) {
  out.push_back(' ');
  out.push_back(letter_of(key.kind));
  out.push_back(':');
  append_escaped(out, key.id);
}

void append_optional(std::string& out, const std::optional<std::string>& text) {
  if (text) return append_field(out, *text);
  out += " %.";
}

void append_optional(std::string& out, const std::optional<Instant>& time) {
  if (time) {
    append_number(out, seconds(*time));
  } else {
    out += " -";
  }
}

SubjectKey Fields::key() {
  auto field = text();
  const auto kind =
      field.size() < 2 || field[1] != ':' ? std::string_view::npos : kKindLetters.find(field[0]);
  if (kind == std::string_view::npos) throw Malformed("an unknown kind of subject");
  return {static_cast<IdentityKind>(kind), std::move(field.erase(0, 2))};
}

std::string Fields::text() {
  const auto raw = word();
  if (raw == "%-") return {};
  if (raw.find('%') == std::string_view::npos) return std::string(raw);
  std::string out;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '%') {
      out.push_back(raw[i]);
      continue;
    }
    unsigned byte = 0;
    if (i + 2 >= raw.size()) throw Malformed("a field ends inside an escape");
    const auto [end, error] = std::from_chars(raw.data() + i + 1, raw.data() + i + 3, byte, 16);
    if (error != std::errc() || end != raw.data() + i + 3) throw Malformed("a wrong escape");
    out.push_back(static_cast<char>(byte));
    i += 2;
  }
  return out;
}

}  // namespace agent
