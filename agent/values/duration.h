// parse_duration() and duration_text(): durations as people write them in the configuration and on
// the command line.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace agent {

// Parses "90s", "1h30m", "2d", "1w"; returns nullopt for anything else, also for a number without
// its unit, and for more than a century.
std::optional<std::chrono::seconds> parse_duration(std::string_view text);
// Returns "1h30m" for 5400 s.
std::string duration_text(std::chrono::seconds duration);

}  // namespace agent
