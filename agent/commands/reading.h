// What events, replay and tune share: logs given on the command line, read in time order.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/exit_codes.h"
#include "agent/pipeline.h"

namespace agent {

// Feeds every log through the pipeline as one log that goes on from file to file, ordered by first
// stamp. What cannot be read is said on stderr and gives kNoInput or kBadData, but the others are
// read all the same. Chooses the year of syslog stamps by when the newest file was written.
Exit read_logs(const std::vector<std::string>& paths, const Config& config, PipelineOptions options,
               const std::function<void(Pipeline&)>& prepare);

}  // namespace agent
