#include "agent/state/checkpoint_fields.h"

#include <fmt/format.h>

#include <iterator>

namespace agent {

void append_field(std::string& out, std::string_view bytes) {
  if (bytes.empty()) {
    out += " %-";
    return;
  }
  out.push_back(' ');
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte >= 0x7f || byte == '%') {
      fmt::format_to(std::back_inserter(out), "%{:02x}", byte);
    } else {
      out.push_back(c);
    }
  }
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
