// SavedFarmStatement and SavedFarm: what a checkpoint keeps of the farm.
#pragma once

#include <cstdint>
#include <string>

namespace agent {

// A farm statement as saved: its encoded text, and whether this host's lists already reflect it.
struct SavedFarmStatement {
  std::string name, record;
  bool applied = false;
  bool operator==(const SavedFarmStatement&) const = default;
};
// The state of the link to the farm when the checkpoint was written.
struct SavedFarm {
  bool connected = false;
  std::string fault;
  std::uint64_t waiting = 0, dropped = 0, ahead = 0, late = 0;
  bool operator==(const SavedFarm&) const = default;
};

}  // namespace agent
