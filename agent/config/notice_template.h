// Templates for notices in the site's own words: a text in which each {name} is replaced by its
// value. "{{" and "}}" are braces.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace agent {

// Returns the known names, in the order of their documentation.
[[nodiscard]] const std::vector<std::string>& template_names();

// Returns "" if the text is good, else what is wrong, with the nearest name: "{usr} is no name (did
// you mean {identity}?); accepted: ..."
[[nodiscard]] std::string template_problem(std::string_view text);

// Fills in the values. `values` need not hold every name: the missing ones are empty.
[[nodiscard]] std::string fill_template(
    std::string_view text, const std::vector<std::pair<std::string, std::string>>& values);

}  // namespace agent
