// A trial of one rule: replay --limit, --period and --identity, without a configuration for it.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "actions/result.h"
#include "agent/commands/command.h"

namespace agent {

// Parse "100" and "1h30m" as a rule takes them; nullopt: out of its bounds, or no such value.
[[nodiscard]] std::optional<std::uint32_t> limit_of(const std::string& word);
[[nodiscard]] std::optional<std::chrono::seconds> period_of(const std::string& word);
inline constexpr std::uint32_t kMaxLimit = 1'000'000;

// Returns the invocation with the trial as its only rule, if the options ask for one: the first
// rule of the configuration for this kind of identity, else a built-in one, with that limit and
// period for everybody. Or what is wrong with the options.
[[nodiscard]] actions::Result<Invocation, std::string> with_trial_rule(
    const Invocation& invocation);

}  // namespace agent
