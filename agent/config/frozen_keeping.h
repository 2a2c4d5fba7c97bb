// What Exim does by itself with frozen mail, as its settings say. Pure.
//
// Exim measures timeout_frozen_after from a message's arrival, whenever it was frozen (deliver.c):
// at the first queue run beyond it the message is cancelled, and a bounce goes to its envelope
// sender, which a spammer forges. ignore_bounce_errors_after alone ends frozen bounces.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "actions/exim/exim_settings.h"
#include "agent/values/zone.h"

namespace agent {

// What init and check advise. Long enough for a complaint to arrive while the evidence is there;
// not for ever, since what something else has frozen would pile up then.
constexpr std::chrono::days kAdvisedKeeping{30}, kLeastKeeping{14};

struct FrozenKeeping {
  std::optional<std::chrono::seconds> cancelled;  // at this age; nullopt: never
  std::optional<std::chrono::seconds> thawed;     // so long after it was frozen; nullopt: never
  std::optional<std::chrono::seconds> bounces;    // ignore_bounce_errors_after
  bool moved = false;                             // out of the queue, beyond exim's commands
};
[[nodiscard]] FrozenKeeping frozen_keeping(const actions::EximSettings& settings);

// Returns when Exim cancels a frozen message that it received at this time; nullopt: never.
[[nodiscard]] std::optional<Instant> kept_until(const FrozenKeeping& keeping, Instant received);

}  // namespace agent
