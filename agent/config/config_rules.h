// Reads the parts of the configuration that define charges and limits: [[rule]] with its overrides,
// and [[identity_map]].
#pragma once

#include "agent/config/config_reader.h"

namespace agent {

// Reads the rules as they are written, or takes the built-in ones, with their lists.
// state.directory must be read before.
void read_rules(SectionReader& top, Config& config, bool relays_given, Problems& problems);

void read_identity_maps(SectionReader& top, Config& config, Problems& problems);

}  // namespace agent
