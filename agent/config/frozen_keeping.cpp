#include "agent/config/frozen_keeping.h"

#include "agent/values/duration.h"

namespace agent {
namespace {

// Exim has no word for never but zero.
std::optional<std::chrono::seconds> time_of(const actions::EximSettings& settings,
                                            const char* name) {
  const auto time = parse_duration(actions::value_of(settings, name));
  return time && *time > std::chrono::seconds(0) ? time : std::nullopt;
}

}  // namespace

FrozenKeeping frozen_keeping(const actions::EximSettings& settings) {
  return {time_of(settings, "timeout_frozen_after"), time_of(settings, "auto_thaw"),
          time_of(settings, "ignore_bounce_errors_after"),
          actions::value_of(settings, "move_frozen_messages") == "true"};
}

std::optional<Instant> kept_until(const FrozenKeeping& keeping, Instant received) {
  if (!keeping.cancelled) return std::nullopt;
  return received + *keeping.cancelled;
}

}  // namespace agent
