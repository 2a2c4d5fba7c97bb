// Writes the configuration as TOML again: every key, as it is in force.
#pragma once

#include <string>
#include <string_view>

#include "agent/config/config_file.h"
#include "agent/core/config.h"

namespace agent {

// Returns TOML from which parse_config() gives `config` again.
[[nodiscard]] std::string effective_config(const Config& config);
// Returns the same without the secrets in it, for people, who may pass it on.
[[nodiscard]] std::string shown_config(Config config);

// Returns a TOML basic string, quoted and escaped.
[[nodiscard]] std::string toml_string(std::string_view text);

// Returns one [[rule]] of it.
[[nodiscard]] std::string rule_text(const Rule& rule);
// Returns the same without the keys that have their built-in values: name, identity, limit, period,
// and what differs.
[[nodiscard]] std::string short_rule_text(const Rule& rule, const std::string& state_directory);

}  // namespace agent
