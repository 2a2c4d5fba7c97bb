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
  std::size_t begin = 0,
              end = 0;  // bytes in the file, with continuation lines and the last newline
};

// What Exim would find, in its order; the first of equal keys wins. Comments, blank lines and lines
// that Exim can't see (behind a NUL) are in no entry.
[[nodiscard]] std::vector<ListEntry> read_list(std::string_view content);

// lsearch's comparison: same length, ASCII letters in either case.
[[nodiscard]] bool same_key(std::string_view a, std::string_view b);

// Equal for keys that same_key() takes for the same, and for no others.
[[nodiscard]] std::string folded_key(std::string_view key);

// The text that Exim reads as exactly this key. nullopt: no line can hold it (an empty key never
// matches, a NUL ends Exim's view of the line, more than kMaxKey bytes would not leave room for
// it).
[[nodiscard]] std::optional<std::string> quoted_key(std::string_view key);
inline constexpr std::size_t kMaxKey = 1000;

// "key: data\n"; data is cut and cleaned so that it stays one line. Nothing if the key can't be.
[[nodiscard]] std::optional<std::string> list_line(std::string_view key, std::string_view data);

}  // namespace actions
