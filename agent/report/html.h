// The parts of HTML pages that can be mailed, printed and opened anywhere: one file, no script,
// nothing from outside. A policy in the page forbids whatever a hole in the escaping might let in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/values/zone.h"

namespace agent {

// Returns any bytes as text of a page or of an attribute in double quotes: printable(), then
// escaped. At most `columns` characters, with "..." if something was cut.
[[nodiscard]] std::string html_text(std::string_view bytes, std::size_t columns = 500);

// Returns a whole page. `body` is HTML; `title` may be any bytes.
[[nodiscard]] std::string html_page(std::string_view title, std::string_view body);

// Returns several lines of any bytes, each as html_text() gives it and with a newline.
[[nodiscard]] std::string html_lines(std::string_view text, std::size_t columns = 300);

// Returns "2026-11-23 10:00:00 +01:00", which no browser breaks over two lines.
[[nodiscard]] std::string html_time(const Zone& zone, Instant time);

// Returns a figure in large type. `kind`: "bad", "good", "lead" or ""; the rest is HTML already.
[[nodiscard]] std::string html_card(std::string_view kind, std::string_view figure,
                                    std::string_view words);

// Returns a table; cells are HTML already. Columns whose title begins with '#' (not shown) hold
// numbers.
[[nodiscard]] std::string html_table(const std::vector<std::string>& titles,
                                     const std::vector<std::vector<std::string>>& rows);

}  // namespace agent
