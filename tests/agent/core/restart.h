// restarted(): what a restart leaves of a Counting: it goes through a checkpoint.
#pragma once

#include <utility>

#include "agent/core/counting.h"
#include "agent/state/checkpoint.h"
#include "tests/catch.h"

namespace agent {

[[nodiscard]] inline Counting restarted(const Counting& counting, const Config& config) {
  Checkpoint state;
  state.layout = counting.layout();
  state.newest = counting.newest();
  auto decoded = decode_checkpoint(encode_checkpoint(state, counting.subjects()));
  REQUIRE(decoded);
  Counting again(config);
  again.restore(std::move(decoded.value().subjects), decoded.value().layout,
                decoded.value().newest);
  return again;
}

}  // namespace agent
