#include "parsers/fields/prefix.h"

#include <algorithm>

namespace parsers {
namespace {

bool is_base62(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
}

bool has_id_shape(std::string_view text, std::size_t middle, std::size_t last) {
  return text.size() == 6 + 1 + middle + 1 + last && text[6] == '-' && text[7 + middle] == '-' &&
         is_base62(text.substr(0, 6)) && is_base62(text.substr(7, middle)) &&
         is_base62(text.substr(8 + middle));
}

// "[177] " at the start, cut off together with its blank.
void take_pid(std::string_view& text) {
  if (text.empty() || text[0] != '[') return;
  std::size_t end = 1;
  while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
  if (end > 1 && end + 1 < text.size() && text[end] == ']' && text[end + 1] == ' ') {
    text.remove_prefix(end + 2);
  }
}

}  // namespace

std::string_view leading_message_id(std::string_view text) {
  if (text.size() < 7 || text[6] != '-') return {};  // said at once of most lines that matter
  const auto word = text.substr(0, text.find(' '));
  return has_id_shape(word, 6, 2) || has_id_shape(word, 11, 4) ? word : std::string_view{};
}

std::optional<Prefix> parse_after_stamp(const Stamp& stamp, std::string_view rest) {
  if (rest.empty() || rest[0] != ' ') return std::nullopt;
  rest.remove_prefix(1);
  take_pid(rest);
  Prefix prefix{stamp, leading_message_id(rest), rest};
  if (!prefix.message_id.empty()) {
    prefix.payload.remove_prefix(std::min(rest.size(), prefix.message_id.size() + 1));
  }
  return prefix;
}

std::optional<Prefix> parse_prefix(std::string_view line, StampMemory& stamps) {
  const auto stamp = stamps.take_exim_stamp(line);
  if (!stamp) return std::nullopt;
  return parse_after_stamp(*stamp, line);
}

std::optional<Prefix> parse_prefix(std::string_view line) {
  const auto stamp = take_exim_stamp(line);
  if (!stamp) return std::nullopt;
  return parse_after_stamp(*stamp, line);
}

}  // namespace parsers
