// What status, list and evidence show of the farm, asked from its server; the service need not run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/commands/command.h"
#include "agent/core/identity_tables.h"

namespace agent {

Exit show_farm(const Invocation& invocation);
Exit list_farm(const Invocation& invocation);

// What the farm has of an identity now: the last word in each list, and who counted how many in the
// window of each rule. Sentences; that it can't be asked is one. None without a farm.
struct FarmSays {
  IdentityKind kind;
  std::string text;
};
[[nodiscard]] std::vector<FarmSays> ask_farm(const Config& config,
                                             const std::shared_ptr<const IdentityTables>& tables,
                                             const std::string& identity);

}  // namespace agent
