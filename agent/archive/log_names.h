// The files that LOG arguments name: names as they are, globs, directories, "-", each with "host:"
// before it if the logs of several hosts are read side by side.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "actions/result.h"

namespace agent {

struct LogName {
  std::string host;   // label; empty without one
  std::string path;   // to open; "-" is standard input
  std::string shown;  // as given or found, label included
};

struct NamedLogs {
  std::vector<LogName> logs;           // no path twice
  std::vector<std::string> notes;      // what was left out, and why
  std::vector<actions::Error> errors;  // arguments that name nothing
};

// A name that exists is taken as it is, whatever it looks like. A directory stands for every file
// in it, but not for its subdirectories. Exim's reject and panic logs hold lines that stand in the
// main log too, so they are left out if main logs are read.
[[nodiscard]] NamedLogs name_logs(std::span<const std::string> arguments);

}  // namespace agent
