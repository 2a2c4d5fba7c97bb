// Reads the parts of the configuration that define charges and limits: [[rule]] with its overrides,
// and [[identity_map]].
#pragma once

#include <string>
#include <vector>

#include "agent/config/config_reader.h"

namespace agent {

// Reads the rules as they are written, or takes the built-in ones, with their lists.
// state.directory must be read before.
void read_rules(SectionReader& top, Config& config, bool relays_given, Problems& problems);

// What a rule that does not say so counts, and the list it fills.
[[nodiscard]] std::vector<Signal> default_signals(IdentityKind kind);
[[nodiscard]] std::string default_list(const std::string& state_directory, IdentityKind kind);

void read_identity_maps(SectionReader& top, Config& config, Problems& problems);

}  // namespace agent
