// The current state of an identity on this machine, beside what the logs say.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "actions/exim/exim_queue.h"

namespace agent {

struct OnThisHost {
  std::vector<std::string> listed;             // "LIST: data" for each line that blocks it now
  std::vector<actions::QueuedMessage> frozen;  // in Exim's queue, the oldest first
  std::vector<std::string> farm;               // what the farm knows about it, as sentences
  std::string note;  // what is known about the queue, in a sentence or two
};

}  // namespace agent
