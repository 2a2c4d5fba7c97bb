// list: who is blocked.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "actions/exim/exim_settings.h"
#include "actions/posix_files.h"
#include "agent/commands/command.h"
#include "agent/commands/farm.h"
#include "agent/commands/list_scope.h"
#include "agent/commands/standing_trials.h"
#include "agent/config/frozen_keeping.h"
#include "agent/core/list_lines.h"
#include "agent/output/complain.h"
#include "agent/output/relative_time.h"
#include "agent/output/terminal.h"
#include "agent/output/text_table.h"
#include "agent/values/duration.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

// The fields of the contract, and what the data says.
OutputRow listed_row(const ScopedList& list, const actions::ListEntry& entry, const Zone& zone) {
  const auto line = read_list_data(entry.data);
  const auto time = [&](const std::optional<Instant>& at) {
    return at ? std::optional(zone.text(*at)) : std::nullopt;
  };
  const auto number = [](OutputRow& row, const char* name, std::optional<std::uint64_t> value) {
    value ? row.add(name, *value) : row.add_optional(name, std::nullopt);
  };
  auto row = row_of(list, entry);
  row.add("identity_kind", name_of(list.kind))
      .add_optional("since", time(line.since))
      .add_optional("by", line.by);
  number(row, "count", line.count);
  number(
      row, "period",
      line.period ? std::optional(static_cast<std::uint64_t>(line.period->count())) : std::nullopt);
  row.add_optional("until", time(line.until))
      .add_optional("reason", line.reason)
      .add("mode", name_of(list.path.empty() ? RuleMode::trial : RuleMode::block));
  return row;
}

// One row for each entry: who, since when, why, by which rule, how long.
class ListTable {
 public:
  ListTable(const Zone& zone, Instant now)
      : zone_(zone),
        now_(now),
        table_({{"blocked"}, {"since"}, {""}, {"why"}, {"rule"}, {"ends"}}) {}

  void add(const ScopedList& list, const actions::ListEntry& entry) {
    const auto line = read_list_data(entry.data);
    const bool counted = line.count && line.period;
    table_.row({printable(entry.key), line.since ? zone_.short_text(*line.since) : "unknown",
                line.since ? ago_text(*line.since, now_) : "",
                counted   ? fmt::format("{} in {}", *line.count, duration_text(*line.period))
                : line.by ? "by hand"
                          : "foreign",
                printable(rule_of(list, entry.data), 16),
                line.until ? left_text(*line.until, now_) : "-"});
    std::string note;
    if (line.by && !counted) note = "by " + printable(*line.by);
    if (line.reason) note += (note.empty() ? "" : ": ") + printable(*line.reason);
    if (!line.by) note = printable(entry.data);
    table_.note(note);
  }
  [[nodiscard]] std::string text() const { return table_.empty() ? "" : table_.text() + "\n"; }

 private:
  const Zone& zone_;
  Instant now_;
  TextTable table_;
};

// "2 blocked in PATH"; the path is broken off whole if the line is too long.
std::string sum_of(const ScopedList& list, std::size_t entries, bool exists,
                   const Terminal& terminal) {
  if (list.path.empty()) {
    const auto who = entries > 0 ? grouped(entries) : std::string("nobody");
    return fmt::format("{} on trial by rule {}: blocked in no list\n",
                       terminal.painted(Paint::bold, who), printable(list.rules.front(), 40));
  }
  const auto count = entries > 0 ? grouped(entries) + " blocked"
                     : exists    ? std::string("nobody blocked")
                                 : std::string("nobody blocked (file not created yet)");
  const auto path = printable(list.path);
  const bool fits = text_columns(count) + 4 + text_columns(path) <= kTextWidth;
  return fmt::format("{} in{}{}\n", terminal.painted(Paint::bold, count), fits ? " " : "\n    ",
                     path);
}

// How long the evidence lasts, where it does not last until somebody acts.
std::string frozen_mail(const Config& config, bool any_blocked) {
  if (!any_blocked) return "";
  const auto set = actions::exim_setting(config.exim.binary, "timeout_frozen_after");
  if (!set) return "";  // check says why
  const auto keeping = frozen_keeping({{"timeout_frozen_after", set.value()}});
  if (!keeping.cancelled) return "";
  return fmt::format("frozen mail: Exim bounces it {} after its arrival\n",
                     duration_text(*keeping.cancelled));
}

}  // namespace

Exit run_list(const Invocation& invocation) {
  if (invocation.options.count("farm") > 0) return list_farm(invocation);
  const auto rule = invocation.options.count("rule") > 0
                        ? std::optional(invocation.options["rule"].as<std::string>())
                        : std::nullopt;
  // A rule on trial has no list to choose.
  const auto chosen =
      rule && is_on_trial(invocation.config, *rule)
          ? actions::Result<std::vector<ScopedList>, Exit>(std::vector<ScopedList>())
          : chosen_lists(invocation);
  if (!chosen) return chosen.error();
  const bool ids = invocation.options.count("ids") > 0;
  if (ids && invocation.output != Output::text) {
    complain("list: --ids prints text only; without it, -o has \"identity\"");
    return kUsage;
  }
  const bool exact = invocation.options.count("exact") > 0;
  const bool text = invocation.output == Output::text && !ids;
  const auto zone = Zone::named(invocation.config.log.timezone).value_or(Zone::utc());
  ListTable table(zone, std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  std::string sums;
  actions::PosixFiles files;
  if (invocation.output == Output::csv && !ids)
    fmt::print("{}\n", listed_row({}, {}, zone).csv_header());
  Exit exit = kDone;
  std::vector<bool> found(invocation.arguments.size());
  std::vector<std::string> known;
  bool any_blocked = false;
  const auto show = [&](const ScopedList& list, std::vector<actions::ListEntry> entries,
                        bool exists) {
    if (!invocation.arguments.empty()) {
      const auto wanted = meant(list, entries, invocation.arguments, exact);
      for (std::size_t i = 0; i < found.size(); ++i) found[i] = found[i] || wanted.found[i];
      std::vector<actions::ListEntry> left;
      for (const auto at : wanted.entries) left.push_back(entries[at]);
      for (const auto& entry : entries) known.push_back(entry.key);
      entries = std::move(left);
    }
    if (invocation.arguments.empty() || !entries.empty())
      sums += sum_of(list, entries.size(), exists, Terminal::standard_output());
    any_blocked = any_blocked || (!list.path.empty() && !entries.empty());
    for (const auto& entry : entries) {
      if (ids) {
        fmt::print("{}\n", printable(entry.key));
      } else if (text) {
        table.add(list, entry);
      } else {
        const auto row = listed_row(list, entry, zone);
        fmt::print("{}\n", invocation.output == Output::csv ? row.csv() : row.json());
      }
    }
  };
  for (const auto& list : chosen.value()) {
    const auto view = actions::Blocklist(files, list.path, {}).read();
    if (view) {
      show(list, view.value().entries, view.value().stamp.has_value());
    } else {
      exit = complain_of(view.error());
    }
  }
  // Who stands on trial is no key that Exim knows, and nothing to unblock.
  if (!ids && invocation.options.count("list") == 0) {
    const auto trials = standing_trials(invocation.config, rule);
    if (!trials) exit = complain_of(trials.error());
    for (const auto& [list, entries] : trials ? trials.value() : std::vector<StandingTrial>())
      show(list, entries, true);
  }
  if (text) fmt::print("{}{}{}", table.text(), sums, frozen_mail(invocation.config, any_blocked));
  say_unmatched(invocation.arguments, found, known);
  if (exit != kDone) return exit;
  const bool all = std::find(found.begin(), found.end(), false) == found.end();
  return all ? kDone : kNo;
}

}  // namespace agent
