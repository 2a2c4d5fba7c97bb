// Pages that can be mailed, printed and opened anywhere: one file, no script, nothing from outside.
// A policy in the page forbids whatever a hole in the escaping might let in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace agent {

// Any bytes as text of a page or of an attribute in double quotes: printable() and then escaped.
// At most `columns` characters, with "..." where something was cut.
[[nodiscard]] std::string html_text(std::string_view bytes, std::size_t columns = 500);

// A whole page. `body` is HTML; `title` any bytes.
[[nodiscard]] std::string html_page(std::string_view title, std::string_view body);

// A table; cells are HTML already. Columns whose title begins with '#' (not shown) hold numbers.
[[nodiscard]] std::string html_table(const std::vector<std::string>& titles,
                                     const std::vector<std::vector<std::string>>& rows);

}  // namespace agent
