// A text table for people, at most 80 columns wide. Cells are printable already; a first cell that
// is too wide stands on a line of its own, so that an identity can always be copied whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace agent {

inline constexpr std::size_t kTextWidth = 80;

class TextTable {
 public:
  enum class Align { left, right };
  struct Column {
    std::string title;
    Align align = Align::left;
  };

  explicit TextTable(std::vector<Column> columns, std::size_t indent = 0)
      : columns_(std::move(columns)), indent_(indent) {}
  TextTable& row(std::vector<std::string> cells);
  // Adds text below the last row, wrapped.
  TextTable& note(std::string text);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  // Returns the title line and the rows, each ending in a newline.
  [[nodiscard]] std::string text() const;

 private:
  [[nodiscard]] std::string line(const std::vector<std::string>& cells,
                                 const std::vector<std::size_t>& widths) const;

  std::vector<Column> columns_;
  std::size_t indent_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::string> notes_;  // beside rows_; may be empty
};

// Returns the columns that a printable text takes: its characters.
[[nodiscard]] std::size_t text_columns(std::string_view text);
// 1234567 -> "1,234,567"
[[nodiscard]] std::string grouped(std::uint64_t number);
// Returns `one` if `number` is 1, else its plural: `many`, or `one` with an "s" if that is empty.
[[nodiscard]] std::string noun(std::uint64_t number, std::string_view one,
                               std::string_view many = {});
// Returns the number, grouped, and its noun: "1 message", "2,000 messages".
[[nodiscard]] std::string counted(std::uint64_t number, std::string_view one,
                                  std::string_view many = {});
// Returns a bar of '#' for `value` of `most`, at most `width` wide; at least one '#' if not zero.
[[nodiscard]] std::string bar(std::uint64_t value, std::uint64_t most, std::size_t width);
// Returns the words of `text` in lines of at most kTextWidth columns, each behind `indent` blanks.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t indent = 0);

}  // namespace agent
