// Asks this machine what it knows about an identity beside its logs: the lists that hold it, and
// its mail in Exim's queue. It changes nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/config/frozen_keeping.h"
#include "agent/core/config.h"
#include "agent/core/identity_tables.h"
#include "agent/report/dossier.h"
#include "agent/report/on_this_host.h"

namespace agent {

struct QueueNow {
  std::optional<std::vector<actions::QueuedMessage>> messages;  // nullopt: the queue can't be read
  std::string problem;                                          // why
  FrozenKeeping keeping = {};                                   // of what is frozen
};
// Asks Exim, once for any number of identities. A missing Exim is a `problem`, not an error.
[[nodiscard]] QueueNow queue_now(const Config& config);

[[nodiscard]] OnThisHost on_this_host(const Dossier& dossier, const Config& config,
                                      const IdentityTables& tables, const QueueNow& queue,
                                      const Zone& zone);

}  // namespace agent
