// Reads the logs on a command line in the order of time, for events, replay, tune and evidence.
#pragma once

#include <string>
#include <vector>

#include "agent/commands/selection.h"
#include "agent/output/exit_codes.h"

namespace agent {

// The result of a reading. If not all logs could be read, "nothing happened" is no answer.
struct ReadResult {
  Exit exit = kDone;
  bool nothing = false;  // no log had an entry of Exim's, so there are no results; exit says why
  std::vector<std::string> coverage = {};  // what was looked at, in one or two lines; may be empty
  LogMerge::Extent extent = {};
};
// Prints on stderr what a reading looked at: the last that a command says.
void say_coverage(const ReadResult& read);
inline constexpr const char* kNoVerdict = "No verdict: not all logs could be read as Exim's.\n";

// Reads every log that the command line names through one pipeline, as LogMerge orders them. Logs
// that are left out, missing or cut off are reported on stderr and by the exit code (kNoInput,
// kBadData), and the others are read nevertheless. After Ctrl-C it reports that the results are
// partial, and returns kInterrupted. `prints_meanwhile`: results go to stdout while it reads.
ReadResult read_logs(const Invocation& invocation, ReadPlan& plan, bool prints_meanwhile,
                     const ReadHooks& hooks);

}  // namespace agent
