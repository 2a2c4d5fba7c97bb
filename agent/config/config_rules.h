// The parts of the configuration that say who is charged and what a limit is: [[rule]] with its
// overrides, and [[identity_map]].
#pragma once

#include "agent/config/config_reader.h"

namespace agent {

// The rules as they are written, or the built-in ones; with their lists. state.directory must be
// known by now.
void read_rules(SectionReader& top, Config& config, bool relays_given, Problems& problems);

void read_identity_maps(SectionReader& top, Config& config, Problems& problems);

}  // namespace agent
