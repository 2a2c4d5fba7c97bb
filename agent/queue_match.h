// Which messages of the queue are a sender's: by what Exim keeps in the spool, never by addresses.
#pragma once

#include <string_view>

#include "actions/exim_queue.h"
#include "agent/config.h"

namespace agent {

// user: the client authenticated with this id (local mail carries its login as id, but no
// authenticator). relay: it came from this address or network without authentication. local: the
// login submitted it on this machine.
[[nodiscard]] bool sent_by(const actions::QueuedMessage& message, IdentityKind kind,
                           std::string_view identity);

}  // namespace agent
