// Keys and lines of Exim's lsearch files, exactly as Exim reads them. Source: lookups/lsearch.c and
// string.c string_dequote, string_interpret_escape.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace actions {

struct ListEntry {
  std::string key;   // as Exim compares it: dequoted
  std::string data;  // after the key and its colon, without surrounding blanks
  // Bytes in the file, with continuation lines and the last newline.
  std::size_t begin = 0, end = 0;
};

// Returns the entries that Exim would find, in its order; the first of equal keys wins. Comments,
// blank lines and lines that Exim can't see (behind a NUL) are in no entry.
[[nodiscard]] std::vector<ListEntry> read_list(std::string_view content);

// Compares as lsearch does: same length, ASCII letters in either case.
[[nodiscard]] bool same_key(std::string_view a, std::string_view b);

// Returns the folded form of a key: equal for keys that same_key() finds the same, and for no
// others.
[[nodiscard]] std::string folded_key(std::string_view key);

// Returns the text that Exim reads as exactly this key. Returns nullopt if no line can hold it (an
// empty key never matches, a NUL ends Exim's view of the line, and more than kMaxKey bytes do not
// fit).
[[nodiscard]] std::optional<std::string> quoted_key(std::string_view key);
inline constexpr std::size_t kMaxKey = 1000;

// Returns "key: data\n"; data is cut and cleaned so that it stays one line. Returns nullopt if no
// line can hold the key.
[[nodiscard]] std::optional<std::string> list_line(std::string_view key, std::string_view data);

}  // namespace actions
