// LOG arguments -> files: names as they are, globs, directories, "-", each with "host:" before it
// where the logs of several hosts are read side by side.
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

// A name that exists is taken as it is, whatever it looks like. Of a directory every file is taken
// (not those of its own directories). Exim's reject and panic logs hold lines that stand in the
// main log too: they are left out where main logs are read.
[[nodiscard]] NamedLogs name_logs(std::span<const std::string> arguments);

}  // namespace agent
