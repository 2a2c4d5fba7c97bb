#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/notify/notice.h"

namespace agent {

// A notice that no transport has accepted yet.
struct WaitingNotice {
  Notice notice;
  // The number of hand-overs whose outcome is unknown because the service stopped meanwhile.
  std::uint32_t unknown = 0;
  bool operator==(const WaitingNotice&) const = default;
};

// A notice for one action.
struct ActionNotice {
  std::string action;  // its name
  Notice notice;
};

// All that goes out about one event: to the abuse desk, if that wants notices, and to the actions.
struct Announcement {
  std::optional<Notice> notice;
  std::vector<ActionNotice> actions;
  [[nodiscard]] bool empty() const { return !notice && actions.empty(); }
};

struct WaitingAction {
  std::string action;
  WaitingNotice waiting;
  bool operator==(const WaitingAction&) const = default;
};

}  // namespace agent
