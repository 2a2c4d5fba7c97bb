// The help, the manual pages and the shells' completions, all made from the table of commands.
#pragma once

#include <string>
#include <string_view>

#include "agent/commands/command.h"

namespace agent {

inline constexpr const char* kDefaultConfig = "/etc/exiwarden/exiwarden.toml";

// Returns the options of the command and those that all have.
[[nodiscard]] boost::program_options::options_description options_of(const Command& command);

[[nodiscard]] std::string overview();
[[nodiscard]] std::string help_of(const Command& command);

// Returns exiwarden(8) as roff.
[[nodiscard]] std::string manual_page();
// Returns exiwarden.toml(5) as roff, made from the commented file that shows every key.
[[nodiscard]] std::string config_manual_page(std::string_view toml);

[[nodiscard]] std::string bash_completion();
[[nodiscard]] std::string zsh_completion();

}  // namespace agent
