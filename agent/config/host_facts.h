// Facts of this machine that the pure core needs, asked once at the edge.
#pragma once

#include <string>
#include <vector>

#include "actions/result.h"
#include "agent/core/config.h"
#include "agent/core/pipeline.h"
#include "agent/values/network.h"

namespace agent {

// Returns relay.own as addresses: "@[]" becomes those of all interfaces, as in Exim's host lists.
std::vector<IpAddress> own_addresses(const std::vector<std::string>& own);

// Returns all that Pipeline needs, from the configuration and this machine; or a fault of the
// configuration that only this machine can find (an unknown time zone, a pattern that RE2 refuses).
actions::Result<PipelineOptions, std::string> pipeline_options_for(const Config& config);

// Returns this machine's name, or "localhost" if it has none.
[[nodiscard]] std::string host_name();

}  // namespace agent
