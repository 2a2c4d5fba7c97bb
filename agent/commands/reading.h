// What events, replay, tune and evidence share: the logs on the command line, read in time order.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "agent/commands/known_names.h"
#include "agent/commands/selection.h"
#include "agent/exit_codes.h"
#include "agent/log_merge.h"
#include "agent/pipeline.h"

namespace agent {

// Reads every log that the command line names through one pipeline, as LogMerge orders them. What
// is left out, missing or cut off is said on stderr and told by the exit code (kNoInput, kBadData),
// but the others are read all the same. After Ctrl-C it comes back with kInterrupted, having said
// that the results are partial. `prints_meanwhile`: results go to stdout while it reads.
struct ReadHooks {
  std::function<void(Pipeline&)> prepare;
  // As in LogMerge::Watch.
  std::function<void(std::size_t log, std::span<const char> bytes)> bytes = {};
  std::function<void(std::size_t log, const std::string& file, const FilePlace& from)> file = {};
  // What there is to say about the logs: copies, gaps, damage.
  std::function<void(const std::string& text)> note = {};
  bool quiet = false;  // what there is to say about the logs was said already
  // Takes down whom the logs know, in place of read_logs(), which says so if --user is nobody.
  KnownNames* names = nullptr;
};
// Of logs of which not all could be read, "nothing happened" is no answer.
struct ReadResult {
  Exit exit = kDone;
  bool nothing = false;  // exit says why, and no log had an entry of Exim's: there are no results
};
inline constexpr const char* kNoVerdict = "No verdict: not all logs could be read as Exim's.\n";

ReadResult read_logs(const Invocation& invocation, ReadPlan& plan, bool prints_meanwhile,
                     const ReadHooks& hooks);

}  // namespace agent
