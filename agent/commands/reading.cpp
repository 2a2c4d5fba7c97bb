#include "agent/commands/reading.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <utility>

#include "agent/archive/interrupt.h"
#include "agent/archive/log_catalog.h"
#include "agent/archive/log_merge.h"
#include "agent/archive/log_names.h"
#include "agent/archive/progress.h"
#include "agent/config/spelling.h"
#include "agent/output/complain.h"
#include "agent/output/terminal.h"
#include "agent/report/coverage.h"

namespace agent {
namespace {

Exit exit_of(const actions::Error& error) {
  switch (error.code) {
    case actions::Errc::not_found:
    case actions::Errc::denied:
      return kNoInput;
    case actions::Errc::malformed:
      return kBadData;
    default:
      return kIoError;
  }
}

// Talk on stderr, and what it means for the exit code: of several faults the gravest.
class Talk {
 public:
  void note(const std::string& text) {
    if (keep) keep(text);
    say(text);
  }
  void say(const std::string& text) {
    if (quiet) return;
    if (progress != nullptr) progress->hide();
    complain(text);
  }
  void error(const actions::Error& error) {
    note(error.what);
    exit = std::max(exit, exit_of(error));
  }
  Exit exit = kDone;
  bool quiet = false;
  std::function<void(const std::string&)> keep;  // may be empty
  Progress* progress = nullptr;
};

bool keep_label(NamedLogs& named, const std::string& label) {
  std::set<std::string> known;
  for (const auto& log : named.logs) {
    if (!log.host.empty()) known.insert(log.host);
  }
  if (known.count(label) == 0) {
    complain(fmt::format("--host: \"{}\" is no address, no network{}{}", label,
                         known.empty()
                             ? ", and no log has a label (mx1:/var/log/exim4/mainlog)"
                             : fmt::format(" and no label of a log ({})", fmt::join(known, ", ")),
                         did_you_mean(nearest(label, {known.begin(), known.end()}))));
    return false;
  }
  std::erase_if(named.logs, [&](const LogName& log) { return log.host != label; });
  return true;
}

}  // namespace

void say_coverage(const ReadResult& read) {
  std::fflush(stdout);
  for (const auto& line : read.coverage)
    fmt::print(stderr, "{}\n", Terminal::standard_error().wrapped("exiwarden: " + line, 4));
}

ReadResult read_logs(const Invocation& invocation, ReadPlan& plan, bool prints_meanwhile,
                     const ReadHooks& hooks) {
  if (invocation.arguments.empty()) {
    complain("no LOG given; \"-\" is standard input");
    return {kUsage};
  }
  auto named = name_logs(invocation.arguments);
  if (plan.selection.label && !keep_label(named, *plan.selection.label)) return {kUsage};

  const Interrupt interrupt;
  Talk talk;
  talk.quiet = hooks.quiet;
  talk.keep = hooks.note;
  const LogInput::Patience patience{
      [&](const std::string& what) {
        talk.say(what == "-" ? "waiting for standard input" : what + ": waiting for it");
      },
      Interrupt::requested};
  auto catalog = take_stock(std::move(named), plan.options.zone, patience);
  for (const auto& text : catalog.notes) talk.note(text);
  for (const auto& error : catalog.errors) talk.error(error);

  // A wall clock may be ahead of UTC by up to 14 hours; a day of grace is in the parser.
  plan.options.not_after = catalog.newest_written;
  Pipeline pipeline(plan.config, plan.options);
  KnownNames own_names(plan.selection.user.value_or(""));
  auto* names = hooks.names != nullptr ? hooks.names : plan.selection.user ? &own_names : nullptr;
  Coverage coverage;
  pipeline.select({[&, names](const Signalled& signalled) {
                     if (names != nullptr && identity_of(signalled.charge.verdict))
                       names->note(signalled.charge.identity);
                     if (!plan.selection.admits(signalled)) return false;
                     coverage.note(signalled);
                     return true;
                   },
                   [&](const Decision& decision) { return plan.selection.admits(decision); }});
  hooks.prepare(pipeline);

  const bool clear = ::isatty(STDOUT_FILENO) == 0 || !prints_meanwhile;
  Progress progress(catalog.size, clear && ::isatty(STDERR_FILENO) != 0);
  talk.progress = &progress;
  LogMerge merge(pipeline, std::move(catalog), plan.options.zone,
                 {[&](const std::string& text) { talk.note(text); },
                  [&](const actions::Error& error) { talk.error(error); },
                  [&](std::uint64_t taken) {
                    progress.at(taken);
                    return !Interrupt::requested();
                  },
                  patience, hooks.bytes, hooks.file});
  const bool whole = merge.run();
  progress.hide();
  if (names == &own_names && !own_names.met() && talk.exit == kDone) {
    talk.say(fmt::format("--user: nobody in these logs is \"{}\"{}", *plan.selection.user,
                         own_names.hint()));
  }
  auto lines = coverage.text(merge.extent(), pipeline.counters(), plan);
  if (whole && !Interrupt::requested()) {
    const bool nothing = talk.exit != kDone && !merge.any_entry();
    return {talk.exit, nothing, nothing ? std::vector<std::string>() : std::move(lines),
            merge.extent()};
  }
  talk.note("interrupted: the results cover only the part that was read");
  return {kInterrupted, false, std::move(lines), merge.extent()};
}

}  // namespace agent
