// What events, replay, tune and evidence share: the logs on the command line, read in time order.
#pragma once

#include "agent/commands/selection.h"
#include "agent/output/exit_codes.h"

namespace agent {

// Of logs of which not all could be read, "nothing happened" is no answer.
struct ReadResult {
  Exit exit = kDone;
  bool nothing = false;  // exit says why, and no log had an entry of Exim's: there are no results
};
inline constexpr const char* kNoVerdict = "No verdict: not all logs could be read as Exim's.\n";

// Reads every log that the command line names through one pipeline, as LogMerge orders them. What
// is left out, missing or cut off is said on stderr and told by the exit code (kNoInput, kBadData),
// but the others are read all the same. After Ctrl-C it comes back with kInterrupted, having said
// that the results are partial. `prints_meanwhile`: results go to stdout while it reads.
ReadResult read_logs(const Invocation& invocation, ReadPlan& plan, bool prints_meanwhile,
                     const ReadHooks& hooks);

}  // namespace agent
