// The decisions of a replay with what was accepted before and after them, for people and programs.
#pragma once

#include <string>
#include <vector>

#include "agent/core/decision.h"
#include "agent/output/output_row.h"
#include "agent/report/block_effect.h"
#include "agent/values/zone.h"

namespace agent {

// Returns a table for each rule that decided, at most 80 columns wide. `outflow`: its decided() got
// the same decisions in the same order; null leaves out what was accepted.
[[nodiscard]] std::string replay_text(const std::vector<Decision>& decisions,
                                      const BlockEffect* outflow, const Zone& zone);

// Adds the fields hosts, messages_before, recipients_before, messages_after, recipients_after,
// refused_after.
void add_account(OutputRow& record, const Decision& decision, const BlockEffect::Account& account);

// Returns "198.51.100.7 (90), 198.51.100.8 (10) and 3 others"
[[nodiscard]] std::string hosts_text(const Decision& decision, std::size_t most);

}  // namespace agent
