// What Exim says of itself: exim -bP, exim -bV.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "actions/result.h"

namespace actions {

// The main option `name` of the configuration that this binary runs with.
[[nodiscard]] Result<std::string> exim_setting(const std::string& exim, const std::string& name);

// What exim -bP says to `question`, without the last newline: "configure_file",
// "+relay_from_hosts".
[[nodiscard]] Result<std::string> exim_answer(const std::string& exim, const std::string& question);

// All main options. Switches are "true" or "false"; what is not set is "". Hidden ones are left
// out.
[[nodiscard]] Result<std::map<std::string, std::string>> exim_settings(
    const std::string& exim, std::chrono::milliseconds deadline = std::chrono::seconds(30));

// The same from exim -bP's text.
[[nodiscard]] std::map<std::string, std::string> parse_settings(std::string_view text);

}  // namespace actions
