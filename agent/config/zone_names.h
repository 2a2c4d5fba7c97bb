// Finds the time zone that a mistyped name may mean.
#pragma once

#include <string>

namespace agent {

// Returns the zone of this machine that is most like `given`; a bare "Berlin" is "Europe/Berlin".
// Returns "" if none is like it.
[[nodiscard]] std::string nearest_zone(const std::string& given);

}  // namespace agent
