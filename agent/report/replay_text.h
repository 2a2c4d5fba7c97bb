// Decisions of a replay with what was accepted around them, for people and programs.
#pragma once

#include <string>
#include <vector>

#include "agent/core/decision.h"
#include "agent/core/zone.h"
#include "agent/output/output_row.h"
#include "agent/report/block_effect.h"

namespace agent {

// A table for each rule that decided, at most 80 columns wide. `outflow`: decided() was told the
// same decisions in the same order; null: without what was accepted.
[[nodiscard]] std::string replay_text(const std::vector<Decision>& decisions,
                                      const BlockEffect* outflow, const Zone& zone);

// hosts, messages_before, recipients_before, messages_after, recipients_after, refused_after.
void add_account(OutputRow& record, const Decision& decision, const BlockEffect::Account& account);

// "198.51.100.7 (90), 198.51.100.8 (10) and 3 others"
[[nodiscard]] std::string hosts_text(const Decision& decision, std::size_t most);

}  // namespace agent
