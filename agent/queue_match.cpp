#include "agent/queue_match.h"

#include "actions/lsearch.h"
#include "agent/network.h"

namespace agent {

bool sent_by(const actions::QueuedMessage& message, IdentityKind kind, std::string_view identity) {
  switch (kind) {
    case IdentityKind::user:
      return !message.authenticator.empty() && !message.user.empty() &&
             actions::same_key(message.user, identity);
    case IdentityKind::relay: {
      const auto host = IpAddress::parse(message.host);
      const auto network = Network::parse(identity);
      return message.authenticator.empty() && host && network && network->contains(*host);
    }
    case IdentityKind::local:
      return message.host.empty() && message.authenticator.empty() && !message.login.empty() &&
             actions::same_key(message.login, identity);
  }
  return false;
}

}  // namespace agent
