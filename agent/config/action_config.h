// Reads the tables of [[action]].
#pragma once

#include "agent/config/config_reader.h"

namespace agent {

// Call it after [notify] and the rules were read: an action takes its mail server from there, and
// may name rules only that there are.
void read_actions(SectionReader& top, Config& config, Problems& problems);

}  // namespace agent
