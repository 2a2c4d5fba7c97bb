// How an identity stands on this machine at the moment of asking, beside what the logs say.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "actions/exim/exim_queue.h"

namespace agent {

struct OnThisHost {
  std::vector<std::string> listed;             // "LIST: data" for each line that blocks it now
  std::vector<actions::QueuedMessage> frozen;  // in Exim's queue, the oldest first
  std::vector<std::string> farm;               // what the farm has of it, sentences
  std::string note;                            // what is known of the queue, as a sentence or two
};

}  // namespace agent
