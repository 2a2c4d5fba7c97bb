// How long ago a time was, or how long it is until then, as people say it: "3 h ago", "22 h left".
#pragma once

#include <string>

#include "agent/values/zone.h"

namespace agent {

// Returns the largest whole unit that fits: "45 s", "12 min", "3 h", "5 d"; days begin at 48 h.
[[nodiscard]] std::string rough_text(std::chrono::seconds length);

// Returns "3 h ago", "in 3 h" for a time ahead of `now`, and "now" for `now` itself.
[[nodiscard]] std::string ago_text(Instant then, Instant now);

// Returns "22 h left", or "over" if the end is not ahead of `now`.
[[nodiscard]] std::string left_text(Instant end, Instant now);

}  // namespace agent
