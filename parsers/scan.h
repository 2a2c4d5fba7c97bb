// The smallest tools of a strict left-to-right scan: a cursor that only moves forward.
#pragma once

#include <string_view>

namespace parsers {

struct Cursor {
  std::string_view rest;

  [[nodiscard]] bool at(std::string_view literal) const { return rest.starts_with(literal); }
  bool eat(std::string_view literal) {
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
