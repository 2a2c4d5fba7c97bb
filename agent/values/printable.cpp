#include "agent/values/printable.h"

#include <fmt/format.h>

#include <cstdint>

namespace agent {
namespace {

struct Character {
  std::size_t length = 1;
  std::uint32_t code = 0;
  bool valid = false;
};

// The UTF-8 character at the start of `text` (RFC 3629: no overlong forms, no surrogates).
Character decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return {1, first, true};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return {};
  std::uint32_t code = first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fU);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
  return {length, code, true};
}

// Characters that change how their neighbours are shown, or show nothing at all.
bool misleads(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad || code == 0x61c ||
         code == 0x180e || (code >= 0x200b && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
         code == 0xfeff || (code >= 0xfff9 && code <= 0xfffb) ||
         (code >= 0xe0000 && code <= 0xe007f);
}

void append_escaped(std::string_view bytes, std::string& out) {
  for (const char c : bytes) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
}

}  // namespace

std::string printable(std::string_view bytes) {
  return printable(bytes, std::string::npos);
}

std::string printable(std::string_view bytes, std::size_t columns) {
  std::string out;
  std::size_t used = 0;
  std::size_t room_for_dots = 0;  // length of out while "..." still fits behind it
  while (!bytes.empty()) {
    const auto character = decode(bytes);
    const auto raw = bytes.substr(0, character.length);
    const bool escape = !character.valid || misleads(character.code);
    const std::size_t width = escape ? 4 * raw.size() : 1;
    if (used + 3 <= columns) room_for_dots = out.size();
    if (used + width > columns) {
      out.resize(room_for_dots);
      return out + "...";
    }
    if (escape) {
      append_escaped(raw, out);
    } else {
      out.append(raw);
    }
    used += width;
    bytes.remove_prefix(character.length);
  }
  return out;
}

std::string as_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const auto character = decode(bytes);
    if (character.valid) {
      out.append(bytes.substr(0, character.length));
    } else {
      const auto byte = static_cast<unsigned char>(bytes[0]);
      out.push_back(static_cast<char>(0xc0U | byte >> 6));
      out.push_back(static_cast<char>(0x80U | (byte & 0x3fU)));
    }
    bytes.remove_prefix(character.length);
  }
  return out;
}

}  // namespace agent
