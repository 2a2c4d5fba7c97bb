// open_farm(): opens the farm that a configuration asks for.
#pragma once

#include <memory>
#include <string>

#include "agent/farm/link.h"

namespace agent {

// Returns null if farm.url is empty. `machine`: what the host is called if farm.host is empty.
[[nodiscard]] std::unique_ptr<FarmLink> open_farm(const Config& config, const std::string& machine);

}  // namespace agent
