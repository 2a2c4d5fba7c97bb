// The options that select a part of the results: --since, --until, --user, --host, --timezone, the
// same for events, replay, tune and evidence. Everything in the logs still counts, so that they
// select a part of the decisions and never change a decision.
#pragma once

#include <boost/program_options.hpp>
#include <optional>
#include <string>
#include <utility>

#include "actions/result.h"
#include "agent/archive/log_selection.h"
#include "agent/commands/command.h"
#include "agent/values/zone.h"

namespace agent {

void add_selection_options(boost::program_options::options_description& options);

// Returns the plan of a command that reads logs, or the exit code if an option is wrong (reported).
[[nodiscard]] actions::Result<ReadPlan, Exit> read_plan(const Invocation& invocation);

// Parses "2026-11-23", "2026-11-23 10:00[:00]", "2026-11-23T10:00:00[+01:00|Z]", "today" and
// "yesterday" (their midnight), "30d" (so long before `now`); without a zone in it, `zone`.
[[nodiscard]] std::optional<Instant> parse_time(std::string text, const Zone& zone, Instant now);
// Parses "2026-10": the beginning of that month, and of the next.
[[nodiscard]] std::optional<std::pair<Instant, Instant>> parse_month(const std::string& text,
                                                                     const Zone& zone);

}  // namespace agent
