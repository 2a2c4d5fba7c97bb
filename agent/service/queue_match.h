// Which messages of the queue are a sender's: by what Exim keeps in the spool, never by addresses.
#pragma once

#include <string_view>

#include "actions/exim/exim_queue.h"
#include "agent/core/config.h"
#include "agent/core/identity_tables.h"

namespace agent {

// user: the client authenticated with this id (local mail carries its login as id, but no
// authenticator). relay: it came from this address or network without authentication. local: the
// login submitted it on this machine. By `map`, also who the id or host of the message stands for.
[[nodiscard]] bool sent_by(const actions::QueuedMessage& message, IdentityKind kind,
                           std::string_view identity, const IdentityMap& map);

}  // namespace agent
