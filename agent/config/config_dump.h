// The configuration as TOML again: every key, as it is in force.
#pragma once

#include <string>
#include <string_view>

#include "agent/config/config_file.h"
#include "agent/core/config.h"

namespace agent {

// parse_config(effective_config(c)) gives c.
[[nodiscard]] std::string effective_config(const Config& config);
// The same for people, who pass it on: without the secrets in it.
[[nodiscard]] std::string shown_config(Config config);

// A TOML basic string, quoted and escaped.
[[nodiscard]] std::string toml_string(std::string_view text);

// One [[rule]] of it.
[[nodiscard]] std::string rule_text(const Rule& rule);

}  // namespace agent
