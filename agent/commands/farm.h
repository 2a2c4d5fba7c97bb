// What status, list and evidence show of the farm. They ask its server; the service need not run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/commands/command.h"
#include "agent/core/identity_tables.h"

namespace agent {

Exit show_farm(const Invocation& invocation);
Exit list_farm(const Invocation& invocation);

// Returns what the farm knows about an identity, as sentences: the latest statement on each list,
// and the count of each host in the window of each rule. If the farm can't be asked, a sentence
// says so. Empty without a farm.
struct FarmSays {
  IdentityKind kind;
  std::string text;
};
[[nodiscard]] std::vector<FarmSays> ask_farm(const Config& config,
                                             const std::shared_ptr<const IdentityTables>& tables,
                                             const std::string& identity);

}  // namespace agent
