// LogTrust: settings of Exim that let somebody forge or hide what stands in its log. The service at
// its start, check and status find them by the same rules.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actions/exim/exim_settings.h"
#include "agent/config/frozen_keeping.h"

namespace agent {

struct LogDoubt {
  std::string setting;     // Exim's name of it
  bool forgeable = false;  // whole lines can be forged by people who log in; else single fields
  std::string what;        // raw: make it printable before showing it
  std::string advice;
};

// Returns the settings that are doubtful. `settings`: as actions/exim/exim_settings.h reads them.
// Pure.
[[nodiscard]] std::vector<LogDoubt> log_doubts(const actions::EximSettings& settings);

struct LogTrust {
  bool exim_there = false;             // there is such a program
  std::optional<std::string> why_not;  // its settings could not be read
  std::string spool;                   // spool_directory; empty: not known
  bool junk_helo = false;              // the HELO may be any text
  std::vector<LogDoubt> doubts;
  FrozenKeeping keeping;  // of frozen mail
};

// Asks the program `exim`, for two seconds at most, so that nothing waits for an Exim that hangs.
[[nodiscard]] LogTrust ask_exim(const std::string& exim);

}  // namespace agent
