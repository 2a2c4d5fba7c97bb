#include "agent/archive/log_selection.h"

#include <algorithm>

#include "agent/core/attribution.h"

namespace agent {

bool Selection::admits(const Signalled& signalled) const {
  if (!holds(signalled.time)) return false;
  if (host) {
    const auto address =
        signalled.event.host ? IpAddress::parse(*signalled.event.host) : std::optional<IpAddress>();
    if (!address || !host->contains(*address)) return false;
  }
  return is_user(signalled.charge.identity);
}

bool Selection::admits(const Decision& decision) const {
  const auto of_host = [&](const HostCount& counted) {
    const auto address = IpAddress::parse(counted.host);
    return address && host->contains(*address);
  };
  return holds(decision.time) && is_user(decision.identity) &&
         (!host || std::any_of(decision.hosts.begin(), decision.hosts.end(), of_host));
}

// By name; an address also by the network that it is charged in, and the other way round.
bool Selection::is_user(std::string_view identity) const {
  if (!user || folded(identity) == *user) return true;
  const auto asked = Network::parse(*user), found = Network::parse(identity);
  return asked && found && (asked->contains(found->base) || found->contains(asked->base)) &&
         asked->base.v6 == found->base.v6;
}

}  // namespace agent
