#include "agent/service/queue_match.h"

#include "actions/lists/lsearch.h"
#include "agent/values/network.h"

namespace agent {

bool sent_by(const actions::QueuedMessage& message, IdentityKind kind, std::string_view identity,
             const IdentityMap& map) {
  const auto stands_for = [&](const std::string& printed) {
    return actions::same_key(map.maps(kind) ? map.name(kind, printed) : printed, identity);
  };
  switch (kind) {
    case IdentityKind::user:
      return !message.authenticator.empty() && !message.user.empty() && stands_for(message.user);
    case IdentityKind::relay: {
      const auto host = IpAddress::parse(message.host);
      if (!message.authenticator.empty() || !host) return false;
      if (map.maps(kind) && map.name(kind, message.host) != message.host)
        return stands_for(message.host);
      const auto network = Network::parse(identity);
      return network && network->contains(*host);
    }
    case IdentityKind::host:  // its mail is that of strangers to people here
      return false;
    case IdentityKind::local:
      return message.host.empty() && message.authenticator.empty() && !message.login.empty() &&
             stands_for(message.login);
  }
  return false;
}

}  // namespace agent
