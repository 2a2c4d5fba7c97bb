// A terminal and the text for it: colours only there and never with NO_COLOR, lines no wider than
// it. Output into a file or a pipe is whole and plain.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace agent {

enum class Paint { red, yellow, green, bold };

class Terminal {
 public:
  // Finds out what standard output, or error, is: a terminal or not, its width (COLUMNS, else 80),
  // NO_COLOR, TERM=dumb.
  static Terminal standard_output();
  static Terminal standard_error();
  // For tests. Without a width, lines are never cut.
  Terminal(bool colours, std::size_t columns) : colours_(colours), columns_(columns) {}

  [[nodiscard]] std::string painted(Paint paint, std::string_view text) const;
  // Returns `text`, printable already, cut with "..." if it is wider than what `used` columns
  // leave.
  [[nodiscard]] std::string fitted(std::string_view text, std::size_t used = 0) const;
  // Returns `text`, which may be painted, on as many lines as the terminal needs, broken between
  // words. The first one has `begin` columns before it already, the others are indented; a word
  // that is too long for that, such as a path, stands whole on a line of its own.
  [[nodiscard]] std::string wrapped(std::string_view text, std::size_t indent,
                                    std::size_t begin = 0) const;

 private:
  bool colours_ = false;
  std::size_t columns_ = 0;  // 0: no limit
};

}  // namespace agent
