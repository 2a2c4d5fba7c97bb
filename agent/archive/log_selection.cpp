#include "agent/archive/log_selection.h"

#include "agent/core/attribution.h"

namespace agent {

bool Selection::admits(const Signalled& signalled) const {
  if (!holds(signalled.time)) return false;
  if (host) {
    const auto address =
        signalled.event.host ? IpAddress::parse(*signalled.event.host) : std::optional<IpAddress>();
    if (!address || !host->contains(*address)) return false;
  }
  return !user || folded(signalled.charge.identity) == *user;
}

}  // namespace agent
