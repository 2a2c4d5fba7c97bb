// Exim's own settings, as exim -bP and exim -bV print them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "actions/result.h"

namespace actions {

// By name, as exim -bP prints them. Switches are "true" or "false".
using EximSettings = std::map<std::string, std::string>;
// Returns "" for a setting that is not set, and for one that this Exim does not have.
[[nodiscard]] std::string value_of(const EximSettings& settings, const std::string& name);

// The main option `name` of the configuration that this binary runs with.
// `stop`: ends the asking, as an error.
[[nodiscard]] Result<std::string> exim_setting(const std::string& exim, const std::string& name,
                                               const std::stop_token& stop = {});

// Returns what exim -bP answers to `question`, without the last newline: "configure_file",
// "+relay_from_hosts".
[[nodiscard]] Result<std::string> exim_answer(const std::string& exim, const std::string& question);

// Returns the value of a macro of its configuration; an error if there is no such macro.
[[nodiscard]] Result<std::string> exim_macro(const std::string& exim, const std::string& name);

// Returns all main options but hidden ones.
[[nodiscard]] Result<EximSettings> exim_settings(
    const std::string& exim, std::chrono::milliseconds deadline = std::chrono::seconds(30));

// Reads the same from exim -bP's text.
[[nodiscard]] EximSettings parse_settings(std::string_view text);

// Returns Exim's $spool_space for this directory: the KiB that are free to ordinary users.
[[nodiscard]] Result<std::uint64_t> free_space(const std::string& directory);

}  // namespace actions
