#pragma once

#include <cstdint>

#include "agent/notify/notice.h"

namespace agent {

// A notice that no transport has taken yet.
struct WaitingNotice {
  Notice notice;
  // Times it was handed over without our knowing what became of it: we were stopped meanwhile.
  std::uint32_t unknown = 0;
  bool operator==(const WaitingNotice&) const = default;
};

}  // namespace agent
