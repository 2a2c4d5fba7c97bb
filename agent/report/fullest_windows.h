// The fullest windows of a checkpoint, by how near they are to their limits. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/core/config.h"
#include "agent/state/checkpoint.h"

namespace agent {

struct FullWindow {
  std::string rule;
  IdentityKind kind = IdentityKind::user;
  std::string identity;  // folded
  std::uint32_t count = 0, limit = 0;
  std::chrono::seconds period{};
  Instant newest{};  // event in the window
  // It is full, but its events were too old to decide: their log was read for the first time.
  bool undecided = false;
};

// Returns at most `most` windows, the fullest first by their share of the limit, as of the log time
// of the state's newest event. An identity in a rule's list is left out: its window decides
// nothing.
[[nodiscard]] std::vector<FullWindow> fullest_windows(const Checkpoint& state, const Config& config,
                                                      std::size_t most);

}  // namespace agent
