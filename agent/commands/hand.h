// hand(): who gives a command.
#pragma once

#include <string>

namespace agent {

// Returns the login of who sits at the keyboard, as far as it can be told: behind sudo the one that
// has called it.
[[nodiscard]] std::string hand();

}  // namespace agent
