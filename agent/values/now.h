// Now: one reading of the clocks; a turn of the engine knows no other time.
#pragma once

#include <chrono>

#include "agent/values/zone.h"

namespace agent {

struct Now {
  Instant wall{};
  std::chrono::steady_clock::time_point steady{};
};

}  // namespace agent
