// What `init` prints for Exim's side: the lines to paste, file by file, and how to take them out
// again. Pure; plain text within 78 columns.
//
// Each step names one file and where in it: "FILE, a new file:", "FILE, at the top:" or "FILE,
// right after "LINE":"; its lines follow, indented by four. People follow it, and so does a test.
#pragma once

#include <string>

#include "agent/config/first_config.h"

namespace agent {

// Returns the lines to paste, then the commands that remain to be done.
[[nodiscard]] std::string paste_guide(const EximFacts& facts);
// Returns the reverse: what to take out, last pasted first, and how to remove the rest.
[[nodiscard]] std::string removal_guide(const EximFacts& facts);

}  // namespace agent
