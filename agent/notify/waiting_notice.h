#pragma once

#include <cstdint>

#include "agent/notify/notice.h"

namespace agent {

// A notice that no transport has accepted yet.
struct WaitingNotice {
  Notice notice;
  // The number of hand-overs whose outcome is unknown because the service stopped meanwhile.
  std::uint32_t unknown = 0;
  bool operator==(const WaitingNotice&) const = default;
};

}  // namespace agent
