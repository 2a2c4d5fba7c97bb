// complain() tells the caller what is amiss, or what else is worth a sentence beside the results.
#pragma once

#include <string_view>

namespace agent {

// Prints "exiwarden: TEXT" as one line on standard error. `text` may hold any bytes: it is made
// printable here.
void complain(std::string_view text);

}  // namespace agent
