// Finds [[pattern]] expressions that a client's text could abuse.
#pragma once

#include <string>
#include <string_view>

namespace parsers {

// Returns why a client's text might take the place of the group that names the charged identity;
// empty if nothing suggests it. A pattern that is not anchored, or that a "|" leaves unanchored on
// one side, finds its words inside a client's text; ahead of the last of the groups user and host,
// a repetition that passes over blanks may swallow fields. `regex` must be one that RE2 accepts.
[[nodiscard]] std::string pattern_risk(std::string_view regex);

}  // namespace parsers
