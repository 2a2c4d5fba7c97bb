// What a checkpoint keeps of the farm.
#pragma once

#include <cstdint>
#include <string>

namespace agent {

// Of the farm: a word that is known, as text, and whether it holds in the lists here.
struct SavedFarmStatement {
  std::string name, record;
  bool applied = false;
  bool operator==(const SavedFarmStatement&) const = default;
};
// How things stand with it; none without one.
struct SavedFarm {
  bool connected = false;
  std::string fault;
  std::uint64_t waiting = 0, dropped = 0, ahead = 0, late = 0;
  bool operator==(const SavedFarm&) const = default;
};

}  // namespace agent
