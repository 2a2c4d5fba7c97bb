// What the pure core needs to know of this machine, asked once at the edge.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "agent/core/config.h"
#include "agent/core/network.h"
#include "agent/core/pipeline.h"

namespace agent {

// relay.own as addresses: "@[]" becomes those of all interfaces, as in Exim's host lists.
std::vector<IpAddress> own_addresses(const std::vector<std::string>& own);

// Everything Pipeline wants, from the config and this machine; or what is wrong with the config
// that only the machine knows (an unknown time zone, a pattern that RE2 refuses).
std::variant<PipelineOptions, std::string> pipeline_options_for(const Config& config);

// This machine's name, "localhost" if it has none.
[[nodiscard]] std::string host_name();

}  // namespace agent
