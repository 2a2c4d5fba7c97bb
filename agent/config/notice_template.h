// Notices in the words of the site: a text with {names} in it, each of which is replaced by what it
// stands for. "{{" and "}}" are braces.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace agent {

// The names there are, in the order they are explained in.
[[nodiscard]] const std::vector<std::string>& template_names();

// "" if the text is good; else what is wrong, with the nearest name: "{usr} is no name (did you
// mean {identity}?); accepted: ..."
[[nodiscard]] std::string template_problem(std::string_view text);

// `values` need not hold every name: those it lacks are empty.
[[nodiscard]] std::string fill_template(
    std::string_view text, const std::vector<std::pair<std::string, std::string>>& values);

}  // namespace agent
