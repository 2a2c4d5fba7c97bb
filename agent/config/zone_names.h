// The names of time zones, for those who mistype one.
#pragma once

#include <string>

namespace agent {

// The zone of this machine that is most like `given`; a bare "Berlin" is "Europe/Berlin". "" for
// none.
[[nodiscard]] std::string nearest_zone(const std::string& given);

}  // namespace agent
