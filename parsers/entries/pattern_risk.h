// A look at a [[pattern]] with an attacker's eyes.
#pragma once

#include <string>
#include <string_view>

namespace parsers {

// Why a client's text might take the place of the group that names who is charged; empty if nothing
// suggests it. A pattern that is not anchored, or by a "|" only on one side, finds its words inside
// somebody else's text; ahead of the last of the groups user and host, a repetition that passes
// over blanks may swallow fields. `regex` must be one that RE2 accepts.
[[nodiscard]] std::string pattern_risk(std::string_view regex);

}  // namespace parsers
