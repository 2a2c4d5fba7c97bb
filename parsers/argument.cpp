#include "parsers/argument.h"

#include <algorithm>

namespace parsers {

std::optional<std::size_t> address_length(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '\\':
        ++i;
        break;
      case '"':
        quoted = !quoted;
        break;
      case '>':
        if (!quoted) return i;
        break;
      case ' ':
      case '<':
      case '(':
        if (!quoted) return std::nullopt;
        break;
      default:
        break;
    }
  }
  return std::nullopt;
}

std::size_t argument_length(std::string_view text) {
  const auto limit = std::min(text.size(), kMaxArgument);
  bool quoted = false;
  int comments = 0;
  for (std::size_t i = 0; i < limit; ++i) {
    const char c = text[i];
    if (c == '\\') {
      ++i;
    } else if (comments > 0) {
      // Quotes mean nothing inside a comment (parse.c skip_comment).
      if (c == '(') ++comments;
      if (c == ')') --comments;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == '(') {
      ++comments;
    } else if (!quoted && c == ':' && text.substr(i).starts_with(": ")) {
      return i;
    }
  }
  return limit;
}

bool in_closed_quotes(std::string_view argument, std::size_t at) {
  bool quoted = false;
  bool covers = false;
  for (std::size_t i = 0; i < argument.size(); ++i) {
    if (i == at) covers = quoted;
    if (argument[i] == '\\') {
      ++i;
      if (i == at) covers = quoted;
    } else if (argument[i] == '"') {
      quoted = !quoted;
      if (covers && i > at) return true;
    }
  }
  return false;
}

}  // namespace parsers
