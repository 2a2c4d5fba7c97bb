// Who stands on trial, in the form of lists and their lines, for commands that show both.
#pragma once

#include <utility>
#include <vector>

#include "actions/result.h"
#include "agent/commands/list_scope.h"

namespace agent {

using StandingTrial = std::pair<ScopedList, std::vector<actions::ListEntry>>;

// Returns one for each rule on trial; with `rule` that of this rule alone. Their path is empty.
// What the service saved last is what counts; if it never ran, nobody stands there.
[[nodiscard]] actions::Result<std::vector<StandingTrial>> standing_trials(
    const Config& config, const std::optional<std::string>& rule);

// Returns true if this is the name of a rule on trial, which has no list.
[[nodiscard]] bool is_on_trial(const Config& config, const std::string& rule);

}  // namespace agent
