// Durations as people write them in the configuration and on the command line.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace agent {

// "90s", "1h30m", "2d", "1w" -> seconds; nullopt if it is anything else (a number without its unit
// too) or over a century.
std::optional<std::chrono::seconds> parse_duration(std::string_view text);
// 5400 s -> "1h30m"
std::string duration_text(std::chrono::seconds duration);

}  // namespace agent
