// Who stands on trial, as a checkpoint has it: decided on by a rule with mode = "trial", whose
// window is not full anew yet. Pure.
#pragma once

#include <vector>

#include "agent/core/decision.h"
#include "agent/state/checkpoint.h"

namespace agent {

// Returns them as decisions, by the rules' order, then by identity. Only rule, mode, identity_kind,
// identity (folded), time, first, count, limit, period and until are set.
[[nodiscard]] std::vector<Decision> trial_entries(const Checkpoint& state, const Config& config);

}  // namespace agent
