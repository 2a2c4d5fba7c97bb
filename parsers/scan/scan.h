// The cursor of a strict left-to-right scan, which only moves forward.
#pragma once

#include <string_view>

#include "parsers/scan/byte_set.h"

namespace parsers {

// Returns text.starts_with(word). That calls memcmp however short the word is; here the compiler
// makes a comparison or two of it if it knows the word. For 9 to 15 bytes it would make the call,
// too; so two overlapping comparisons of 8 bytes replace it.
[[gnu::always_inline]] inline bool begins(std::string_view text, std::string_view word) {
  if (text.size() < word.size()) return false;
  if (word.size() > 8 && word.size() < 16) {
    const auto end = word.size() - 8;
    return __builtin_memcmp(text.data(), word.data(), 8) == 0 &&
           __builtin_memcmp(text.data() + end, word.data() + end, 8) == 0;
  }
  return __builtin_memcmp(text.data(), word.data(), word.size()) == 0;
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
  // Takes the text up to the next blank or the end; may be empty.
  std::string_view token() {
    const auto end = find_near(rest, ' ');
    const auto word = rest.substr(0, end);
    rest.remove_prefix(word.size());
    return word;
  }
  // Takes the text up to `stop`, and drops `stop`; returns false and does not move if it is
  // missing.
  bool until(char stop, std::string_view& out) {
    const auto end = find_near(rest, stop);
    if (end == std::string_view::npos) return false;
    out = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return true;
  }
};

}  // namespace parsers
