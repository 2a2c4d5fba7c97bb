#pragma once

#include <string>

namespace agent {

// A decision whose line is not in its list yet (the disk was full, the list unreadable ...).
struct PendingBlock {
  std::string list, identity, data;
  bool operator==(const PendingBlock&) const = default;
};

}  // namespace agent
