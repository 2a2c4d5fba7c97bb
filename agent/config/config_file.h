// Reads the TOML file into a checked Config, or lists all that is wrong with it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "actions/result.h"
#include "agent/core/config.h"

namespace agent {

// Returns the configuration that an empty file gives.
[[nodiscard]] Config default_config();

// "exiwarden.toml:12:3: rule[1].limit: is ..."
std::string describe(const ConfigProblem& problem);

// Returns a Config, or every problem found (never an empty list). `file` only names the text in
// problems.
actions::Result<Config, std::vector<ConfigProblem>> parse_config(std::string_view text,
                                                                 const std::string& file);
// Does the same for a file on disk; an unreadable file is a problem, too.
actions::Result<Config, std::vector<ConfigProblem>> load_config(const std::string& path);

}  // namespace agent
