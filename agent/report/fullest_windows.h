// How near to their limits the windows of a checkpoint are. Pure.
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
};

// The fullest windows first, by their share of the limit, at most `most`. Seen at the log time of
// the state's newest event. Who is in the list of a rule is left out: its window decides nothing.
[[nodiscard]] std::vector<FullWindow> fullest_windows(const Checkpoint& state, const Config& config,
                                                      std::size_t most);

}  // namespace agent
