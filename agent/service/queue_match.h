// sent_by(): which messages of the queue are a sender's, by what Exim keeps in the spool and never
// by mail addresses.
#pragma once

#include <string_view>

#include "actions/exim/exim_queue.h"
#include "agent/core/config.h"
#include "agent/core/identity_tables.h"

namespace agent {

// Returns true if the sender has submitted the message. user: the client authenticated with this id
// (local mail carries its login as id, but no authenticator). relay: it came from this address or
// network without authentication. local: the login submitted it on this machine. With `map`, also
// the name that the message's id or host stands for.
[[nodiscard]] bool sent_by(const actions::QueuedMessage& message, IdentityKind kind,
                           std::string_view identity, const IdentityMap& map);

}  // namespace agent
