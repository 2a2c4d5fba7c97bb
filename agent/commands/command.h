// A command, and the table of all commands: main.cpp finds the command that is asked for, reads its
// options, loads the configuration and calls it. Help, parsing and the manual page all come from
// this table.
#pragma once

#include <boost/program_options.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/core/config.h"
#include "agent/output/exit_codes.h"
#include "agent/output/output_row.h"

namespace agent {

struct Invocation {
  Config config;
  std::string config_path;  // empty: built-in defaults
  Output output = Output::text;
  std::vector<std::string> arguments;  // LOG..., or whatever the command takes
  boost::program_options::variables_map options;
};

struct Command {
  enum class NeedsConfig { yes, or_defaults, none };

  const char* name;
  const char* arguments;  // "LOG..."; "" if it takes none
  const char* summary;    // one line
  const char* help;       // what it does, where it differs from the obvious
  NeedsConfig config;
  // Adds the options beyond the common ones.
  void (*add_options)(boost::program_options::options_description& options);
  Exit (*run)(const Invocation& invocation);
};

std::span<const Command> commands();

Exit run_events(const Invocation& invocation);
Exit run_replay(const Invocation& invocation);
Exit run_explain(const Invocation& invocation);
Exit run_evidence(const Invocation& invocation);
Exit run_tune(const Invocation& invocation);
Exit run_service(const Invocation& invocation);
Exit run_list(const Invocation& invocation);
Exit run_block(const Invocation& invocation);
Exit run_unblock(const Invocation& invocation);
Exit run_exempt(const Invocation& invocation);
Exit run_history(const Invocation& invocation);
Exit run_status(const Invocation& invocation);
Exit run_release(const Invocation& invocation);
Exit run_init(const Invocation& invocation);
Exit run_check(const Invocation& invocation);

}  // namespace agent
