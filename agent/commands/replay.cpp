// replay: what the rules would have decided on these logs, by the service's own code.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "agent/archive/log_names.h"
#include "agent/commands/ask_this_host.h"
#include "agent/commands/command.h"
#include "agent/commands/reading.h"
#include "agent/commands/report_files.h"
#include "agent/commands/trial_rule.h"
#include "agent/core/attribution.h"
#include "agent/output/complain.h"
#include "agent/output/decision_text.h"
#include "agent/report/block_effect.h"
#include "agent/report/dossier_collector.h"
#include "agent/report/entries.h"
#include "agent/report/replay_text.h"

namespace agent {
namespace {

constexpr std::size_t kMaxDossiers = 300;  // the rest is in the decisions themselves

// Collects what was accepted from each sender, beside the decisions.
class Beside {
 public:
  explicit Beside(const ReadPlan& plan)
      : plan_(plan), attribution_(plan.config, plan.options.own, plan.options.tables) {}

  void prepare(Pipeline& pipeline) {
    pipeline.on_arrival([&](Instant time, const std::string&, std::string_view message_id,
                            const parsers::Arrival& arrival) {
      if (!plan_.selection.holds(time)) return;
      const auto charge = attribution_.charge(arrival);
      const auto kind = identity_of(charge.verdict);
      if (kind) outflow.accepted(message_id, *kind, charge.identity);
    });
    pipeline.on_signal([&](const Signalled& signalled) {
      const auto signal = signal_of(signalled.event.kind);
      const auto kind = identity_of(signalled.charge.verdict);
      if (kind && signal && is_refusal(*signal) && *signal != Signal::bounced) {
        outflow.refused(*kind, signalled.charge.identity);
      }
    });
  }
  void file(std::size_t log, const std::string& name, const FilePlace& from) {
    reader(log).start_file(name, from.offset, from.line);
  }
  void bytes(std::size_t log, std::span<const char> bytes) {
    reader(log).feed(bytes, [&](const Entry& entry) { outflow.entry(entry.prefix); });
  }

  BlockEffect outflow;

 private:
  EntryReader& reader(std::size_t log) {
    return readers_.try_emplace(log, plan_.options.not_after).first->second;
  }

  const ReadPlan& plan_;
  Attribution attribution_;
  std::map<std::size_t, EntryReader> readers_;
};

// A page on everybody who was decided on, from a second reading.
Exit report(const Invocation& invocation, ReadPlan& plan, const std::vector<Decision>& decisions,
            bool partial) {
  const Zone zone = plan.options.zone;
  DossierCollector gather(plan);
  for (const auto& decision : decisions) {
    if (gather.dossiers().size() == kMaxDossiers) break;
    gather.add(decision.identity_kind, decision.identity);
  }
  ReportContext context;
  auto hooks = gather.hooks();
  hooks.quiet = true;
  hooks.note = [&](const std::string& text) { context.notes.push_back(text); };
  const auto exit = decisions.empty() ? kDone : read_logs(invocation, plan, false, hooks).exit;
  std::vector<const Dossier*> dossiers;
  std::set<std::string> files;
  for (const auto& dossier : gather.dossiers()) {
    if (dossier->decisions.empty()) continue;  // the logs changed meanwhile
    dossiers.push_back(dossier.get());
    files.insert(dossier->files.begin(), dossier->files.end());
  }
  context.config = &plan.config;
  context.zone = &zone;
  context.digests = digests_of(files);
  context.selection = selection_text(invocation, plan);
  context.partial = partial || exit != kDone;
  if (invocation.options.count("logs-only") == 0 && !dossiers.empty()) {
    const auto queue = queue_now(plan.config);
    for (const auto* dossier : dossiers) {
      context.standing.emplace(dossier, on_this_host(*dossier, plan.config, *plan.options.tables,
                                                     queue, plan.options.zone));
    }
  }
  return write_report(invocation.options["report"].as<std::string>(), dossiers, context);
}

// Standard input, a fifo, a terminal: what is read once is gone.
bool reads_a_pipe(const Invocation& invocation) {
  const auto named = name_logs(invocation.arguments);
  return std::any_of(named.logs.begin(), named.logs.end(), [](const LogName& log) {
    std::error_code error;
    return log.path == "-" || (std::filesystem::exists(log.path, error) &&
                               !std::filesystem::is_regular_file(log.path, error));
  });
}

}  // namespace

Exit run_replay(const Invocation& given) {
  const auto trial = with_trial_rule(given);
  if (!trial) {
    complain(trial.error());
    return kUsage;
  }
  const auto& invocation = trial.value();
  auto planned = read_plan(invocation);
  if (!planned) return planned.error();
  auto& plan = planned.value();
  const Zone zone = plan.options.zone;
  const bool text = invocation.output == Output::text;
  const bool summary =
      text ? invocation.options.count("brief") == 0 : invocation.options.count("summary") > 0;

  const bool reported = invocation.options.count("report") > 0;
  if (reported && reads_a_pipe(invocation)) {
    complain("--report reads the logs twice: give files, not a pipe");
    return kUsage;
  }

  std::vector<Decision> decisions;  // kept for what is known at the end only
  std::uint64_t made = 0;
  bool header = invocation.output == Output::csv;
  const auto print = [&](const OutputRow& record) {
    if (header) fmt::print("{}\n", record.csv_header());
    header = false;
    fmt::print("{}\n", invocation.output == Output::csv ? record.csv() : record.json());
  };

  std::optional<Beside> beside;
  ReadHooks hooks;
  if (summary) {
    plan.options.submissions = true;
    beside.emplace(plan);
    hooks.bytes = [&](std::size_t log, std::span<const char> bytes) { beside->bytes(log, bytes); };
    hooks.file = [&](std::size_t log, const std::string& name, const FilePlace& from) {
      beside->file(log, name, from);
    };
  }
  hooks.prepare = [&](Pipeline& pipeline) {
    if (beside) beside->prepare(pipeline);
    pipeline.on_decision([&](Decision&& decision) {
      if (decision.mode == RuleMode::block) ++made;
      if (beside) beside->outflow.decided(decision);
      if (!text && !summary) print(row_of(decision, zone));
      if (text || summary || reported) {
        decisions.push_back(std::move(decision));
      }
    });
  };
  const auto read = read_logs(invocation, plan, !text && !summary, hooks);
  const auto exit = read.exit;

  const bool unread = exit == kNoInput || exit == kBadData || exit == kIoError;
  if (text && unread && decisions.empty()) {
    fmt::print("{}", kNoVerdict);
  } else if (text && exit != kUsage) {
    fmt::print("{}", replay_text(decisions, beside ? &beside->outflow : nullptr, zone));
  } else if (summary) {
    for (std::size_t i = 0; i < decisions.size(); ++i) {
      auto record = row_of(decisions[i], zone);
      add_account(record, decisions[i], beside->outflow.account(i));
      print(record);
    }
  }
  if (reported && (exit == kInterrupted || read.nothing)) {
    complain("no page was written");
  } else if (reported && exit != kUsage) {
    const auto written = report(invocation, plan, decisions, exit != kDone);
    if (written != kDone) return written;
  }
  say_coverage(read);
  if (exit != kDone) return exit;
  return made > 0 && invocation.options.count("fail-on-block") > 0 ? kNo : kDone;
}

}  // namespace agent
