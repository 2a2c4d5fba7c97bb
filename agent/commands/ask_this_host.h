// What this machine knows about an identity beside its logs: the lists it stands in, and what of
// its mail Exim's queue holds. Only asked for, never changed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/config.h"
#include "agent/core/identity_tables.h"
#include "agent/report/dossier.h"
#include "agent/report/on_this_host.h"

namespace agent {

struct QueueNow {
  std::optional<std::vector<actions::QueuedMessage>> messages;  // nullopt: it can't be told
  std::string problem;                                          // why
};
// Asks Exim, once for any number of identities. Without an Exim that is a problem, not an error.
[[nodiscard]] QueueNow queue_now(const Config& config);

[[nodiscard]] OnThisHost on_this_host(const Dossier& dossier, const Config& config,
                                      const IdentityTables& tables, const QueueNow& queue);

}  // namespace agent
