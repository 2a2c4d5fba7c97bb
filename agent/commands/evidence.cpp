// evidence: everything the logs say about one identity, as text or as a page.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "actions/posix_files.h"
#include "agent/archive/known_names.h"
#include "agent/commands/ask_this_host.h"
#include "agent/commands/command.h"
#include "agent/commands/farm.h"
#include "agent/commands/frozen_mail.h"
#include "agent/commands/list_scope.h"
#include "agent/commands/next_steps.h"
#include "agent/commands/reading.h"
#include "agent/commands/report_files.h"
#include "agent/commands/selection.h"
#include "agent/output/complain.h"
#include "agent/output/terminal.h"
#include "agent/report/dossier_collector.h"

namespace agent {
namespace {

// The live logs and their rotations: "mainlog" -> "mainlog*", "%D" and "%M" -> "*".
std::vector<std::string> live_logs(const Config& config) {
  std::vector<std::string> patterns;
  for (auto path : config.log.paths) {
    for (const auto* date : {"%D", "%M"}) {
      for (auto at = path.find(date); at != std::string::npos; at = path.find(date)) {
        path.replace(at, 2, 1, '*');
      }
    }
    patterns.push_back(path + "*");
  }
  return patterns;
}

void note_listed(const Config& config, KnownNames& names) {
  actions::PosixFiles files;
  for (const auto& list : lists_of(config)) {
    const auto view = actions::Blocklist(files, list.path, {}).read();
    if (!view) continue;
    for (const auto& entry : view.value().entries) names.note(entry.key);
  }
}

// Quoted lines are as long as Exim has made them.
void print_fitted(std::string_view text) {
  const auto terminal = Terminal::standard_output();
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    fmt::print("{}\n", terminal.wrapped(text.substr(at, end - at), 4));
    at = end + 1;
  }
}

}  // namespace

Exit run_evidence(const Invocation& invocation) {
  if (invocation.arguments.empty()) return no_identity("evidence");
  const auto identity = invocation.arguments.front();
  Invocation reading = invocation;
  reading.arguments.erase(reading.arguments.begin());
  if (reading.arguments.empty()) reading.arguments = live_logs(invocation.config);

  auto planned = read_plan(reading);
  if (!planned) return planned.error();
  auto& plan = planned.value();
  const Zone zone = plan.options.zone;
  std::optional<Exit> mail;  // nullopt: not asked for
  if (invocation.options.count("mail") > 0) {
    mail = copy_frozen_mail(invocation, plan.config, *plan.options.tables, zone, identity);
    if (*mail != kDone && *mail != kNo) return *mail;
  }
  DossierCollector gather(plan);
  if (Network::parse(identity)) gather.add(IdentityKind::relay, identity);
  gather.add(IdentityKind::user, identity);
  gather.add(IdentityKind::local, identity);
  ReportContext context;
  auto hooks = gather.hooks();
  hooks.note = [&](const std::string& text) { context.notes.push_back(text); };
  KnownNames names(identity);
  hooks.names = &names;
  const auto read = read_logs(reading, plan, false, hooks);
  const auto exit = read.exit;
  if (exit == kUsage) return exit;

  std::vector<const Dossier*> found;
  std::set<std::string> files;
  for (const auto& dossier : gather.dossiers()) {
    if (dossier->empty()) continue;
    found.push_back(dossier.get());
    files.insert(dossier->files.begin(), dossier->files.end());
  }
  const bool logs_only = invocation.options.count("logs-only") > 0;
  const auto farm =
      logs_only ? std::vector<FarmSays>() : ask_farm(plan.config, plan.options.tables, identity);
  if (found.empty()) {
    note_listed(invocation.config, names);
    complain(fmt::format("nothing about \"{}\" in {}{}", identity,
                         exit == kDone ? "these logs" : "what could be read: no verdict",
                         names.hint()));
    for (const auto& says : farm)
      complain(fmt::format("in the farm: {} {}", name_of(says.kind), says.text));
    say_coverage(read);
    return exit == kDone ? mail.value_or(kNo) : exit;
  }
  context.config = &plan.config;
  context.zone = &zone;
  context.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  context.digests = digests_of(files);
  context.selection = selection_text(invocation, plan);
  context.partial = exit != kDone;
  if (!logs_only) {
    const auto queue = queue_now(plan.config);
    for (const auto* dossier : found) {
      auto standing = on_this_host(*dossier, plan.config, *plan.options.tables, queue, zone);
      for (const auto& says : farm) {
        if (says.kind == dossier->kind()) standing.farm.push_back(says.text);
      }
      context.standing.emplace(dossier, std::move(standing));
    }
  }

  if (invocation.options.count("html") > 0) {
    const auto path = invocation.options["html"].as<std::string>();
    // One page, one identity: should a user and a login have the same name, the first has more.
    const auto written = write_report(path, {found.front()}, context);
    if (written != kDone) return written;
    if (invocation.output == Output::text) {
      say_coverage(read);
      return exit == kDone ? mail.value_or(kDone) : exit;
    }
  }
  for (const auto* dossier : found) {
    if (invocation.output == Output::csv) {
      fmt::print("{}", dossier_csv({dossier}, context));
    } else if (invocation.output == Output::jsonl) {
      auto record = row_of(*dossier, zone);
      if (const auto now = context.standing.find(dossier); now != context.standing.end())
        record.add("farm", now->second.farm)
            .add("frozen", now->second.frozen.size())
            .add_optional("frozen_until", now->second.frozen_until
                                              ? std::optional(zone.text(*now->second.frozen_until))
                                              : std::nullopt);
      fmt::print("{}\n", record.json());
    } else {
      print_fitted(dossier_text(*dossier, context));
      fmt::print("{}", next_steps(*dossier, context, invocation.config_path));
    }
  }
  say_coverage(read);
  return exit == kDone ? mail.value_or(kDone) : exit;
}

}  // namespace agent
