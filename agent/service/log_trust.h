// Settings of Exim that let somebody write into its log what is not so, or hide what is. Found by
// the service at its start, by check and by status, all by the same rules.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actions/exim/exim_settings.h"

namespace agent {

struct LogDoubt {
  std::string setting;     // Exim's name of it
  bool forgeable = false;  // whole lines can be forged by people who log in; else single fields
  std::string what;        // raw: make it printable before showing it
  std::string advice;
};

// `settings` as actions/exim_settings.h gives them. Pure.
[[nodiscard]] std::vector<LogDoubt> log_doubts(const actions::EximSettings& settings);

struct LogTrust {
  bool exim_there = false;             // there is such a program
  std::optional<std::string> why_not;  // its settings could not be read
  std::string spool;                   // spool_directory; empty: not known
  bool junk_helo = false;              // the HELO may be any text
  std::vector<LogDoubt> doubts;
};

// Asks `exim`; takes two seconds at most, so that nothing waits for an Exim that hangs.
[[nodiscard]] LogTrust ask_exim(const std::string& exim);

}  // namespace agent
