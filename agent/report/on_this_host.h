// The current state of an identity on this machine, beside what the logs say.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actions/exim/exim_queue.h"
#include "agent/values/zone.h"

namespace agent {

// A line that blocks the identity now.
struct BlockedHere {
  std::string list;  // path
  std::string rule;
  std::string data;               // of the line, as it stands there
  std::optional<std::string> by;  // "exiwarden", or who did it by hand; nullopt: it does not say
  std::optional<Instant> since;   // nullopt: it does not say
  std::optional<Instant> until;   // nullopt: until somebody frees it
};

struct OnThisHost {
  std::vector<BlockedHere> listed;
  std::vector<actions::QueuedMessage> frozen;  // in Exim's queue, the oldest first
  std::optional<Instant> frozen_until;         // Exim bounces the oldest of them then
  std::vector<std::string> farm;               // what the farm knows about it, as sentences
  std::string note;  // what is known about the queue, in a sentence or two
};

}  // namespace agent
