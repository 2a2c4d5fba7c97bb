// The smallest tools of a strict left-to-right scan: a cursor that only moves forward.
#pragma once

#include <string_view>

namespace parsers {

// text.starts_with(word), which calls memcmp however short the word; here the compiler makes a
// comparison or two of it where it knows the word.
[[gnu::always_inline]] inline bool begins(std::string_view text, std::string_view word) {
  return text.size() >= word.size() && __builtin_memcmp(text.data(), word.data(), word.size()) == 0;
}

struct Cursor {
  std::string_view rest;

  [[nodiscard, gnu::always_inline]] bool at(std::string_view literal) const {
    return begins(rest, literal);
  }
  [[gnu::always_inline]] bool eat(std::string_view literal) {
    if (!at(literal)) return false;
    rest.remove_prefix(literal.size());
    return true;
  }
  // Up to the next blank or the end; may be empty.
  std::string_view token() {
    const auto end = rest.find(' ');
    const auto word = rest.substr(0, end);
    rest.remove_prefix(word.size());
    return word;
  }
  // Up to and without `stop`, which is eaten too; false and unmoved if it never comes.
  bool until(char stop, std::string_view& out) {
    const auto end = rest.find(stop);
    if (end == std::string_view::npos) return false;
    out = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return true;
  }
};

}  // namespace parsers
