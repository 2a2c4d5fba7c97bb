#include "parsers/entries/tagged.h"

#include <algorithm>
#include <charconv>

#include "parsers/fields/host_field.h"
#include "parsers/scan/scan.h"

namespace parsers {
namespace {

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

std::optional<std::uint64_t> take_number(Cursor& cursor) {
  const auto word = cursor.token();
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (word.empty() || error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

bool is_mac(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const std::size_t padding = !last ? 0 : text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
    unsigned bits = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const int value = j >= 4 - padding ? 0 : base64_value(text[i + j]);
      if (value < 0) return std::nullopt;
      bits = bits << 6 | static_cast<unsigned>(value);
    }
    // The bits that padding leaves over must be zero, or two spellings would mean one id.
    if ((padding == 1 && (bits & 0xff) != 0) || (padding == 2 && (bits & 0xffff) != 0)) {
      return std::nullopt;
    }
    out.push_back(static_cast<char>(bits >> 16 & 0xff));
    if (padding < 2) out.push_back(static_cast<char>(bits >> 8 & 0xff));
    if (padding < 1) out.push_back(static_cast<char>(bits & 0xff));
  }
  return out;
}

std::optional<Tagged> parse_tagged(std::string_view payload) {
  Cursor cursor{payload};
  Tagged tagged;
  if (!cursor.eat(kTaggedStart) || !cursor.eat("auth=")) return std::nullopt;
  const auto authenticator = cursor.token();
  if (authenticator.empty() || !cursor.eat(" id=")) return std::nullopt;
  const auto id = cursor.token();
  if (authenticator != "-") {
    tagged.authenticator = authenticator;
    tagged.id = decode_base64(id);
    if (!tagged.id) return std::nullopt;
  } else if (id != "-") {
    return std::nullopt;
  }
  if (!cursor.eat(" host=")) return std::nullopt;
  const auto host = cursor.token();
  if (host != "-") {
    if (!is_ip_address(host)) return std::nullopt;
    tagged.host = host;
  }
  if (!cursor.eat(" rcpt=")) return std::nullopt;
  auto recipient = decode_base64(cursor.token());
  if (!recipient || !cursor.eat(" at=")) return std::nullopt;
  tagged.recipient = std::move(*recipient);
  const auto at = take_number(cursor);
  if (!at || !cursor.eat(" pid=")) return std::nullopt;
  const auto pid = take_number(cursor);
  if (!pid || !cursor.eat(" n=")) return std::nullopt;
  const auto count = take_number(cursor);
  if (!count) return std::nullopt;
  tagged.at_microseconds = *at;
  tagged.pid = *pid;
  tagged.count = *count;
  tagged.signed_part = payload.substr(0, payload.size() - cursor.rest.size());
  if (cursor.eat(" mac=")) {
    tagged.mac = cursor.token();
    if (!is_mac(tagged.mac)) return std::nullopt;
  }
  if (!cursor.rest.empty()) return std::nullopt;
  return tagged;
}

}  // namespace parsers
