// Reading of [farm].
#pragma once

#include "agent/config/config_reader.h"

namespace agent {

// After the rules: what hosts share goes by the names of the lists' files.
void read_farm(SectionReader& in, Config& config);

}  // namespace agent
