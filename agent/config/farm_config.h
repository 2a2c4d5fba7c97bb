// Reading of [farm].
#pragma once

#include "agent/config/config_reader.h"

namespace agent {

// Call it after the rules are read: what hosts share is named by the lists' files.
void read_farm(SectionReader& in, Config& config);

}  // namespace agent
