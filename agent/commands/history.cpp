// history: what the service remembers of blocks and their ends.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "agent/commands/command.h"
#include "agent/commands/list_scope.h"
#include "agent/commands/selection.h"
#include "agent/history/history_samples.h"
#include "agent/history/history_store.h"
#include "agent/output/complain.h"
#include "agent/output/terminal.h"
#include "agent/output/text_table.h"
#include "agent/values/duration.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

std::optional<std::string_view> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string_view>(text);
}

OutputRow row_of(const HistoryEntry& entry, const Zone& zone) {
  OutputRow row;
  const auto number = [&](const char* name, std::optional<std::uint64_t> value) {
    value ? row.add(name, *value) : row.add_optional(name, std::nullopt);
  };
  const auto until = entry.until ? std::optional(zone.text(*entry.until)) : std::nullopt;
  row.add("time", zone.text(entry.time))
      .add("event", name_of(entry.event))
      .add_optional("rule", unless_empty(entry.rule))
      .add_optional("identity_kind",
                    entry.kind ? std::optional(name_of(*entry.kind)) : std::nullopt)
      .add_optional("identity", unless_empty(entry.identity));
  number("count", entry.count);
  number("limit", entry.limit);
  number("period", entry.period ? std::optional(static_cast<std::uint64_t>(entry.period->count()))
                                : std::nullopt);
  row.add_optional("until", until)
      .add_optional("by", unless_empty(entry.by))
      .add_optional("reason", unless_empty(entry.reason));
  return row.add_json("samples", entry.samples.empty() ? "[]" : entry.samples);
}

class HistoryTable {
 public:
  HistoryTable(const Zone& zone, bool with_samples)
      : zone_(zone),
        with_samples_(with_samples),
        table_({{"identity"}, {"time"}, {"event"}, {"why"}, {"rule"}, {"by"}}) {}

  void add(const HistoryEntry& entry) {
    ++counts_[static_cast<std::size_t>(entry.event)];
    std::string why;
    if (entry.count) why = std::to_string(*entry.count);
    if (entry.event == HistoryEvent::watched && entry.limit)
      why += fmt::format(" of {}", *entry.limit);
    if (entry.count && entry.period) why += " in " + duration_text(*entry.period);
    table_.row({entry.identity.empty() ? "-" : printable(entry.identity),
                zone_.short_text(entry.time), std::string(name_of(entry.event)),
                why.empty() ? "-" : why, entry.rule.empty() ? "-" : printable(entry.rule, 16),
                entry.by.empty() ? "-" : printable(entry.by, 24)});
    std::string note;
    if (entry.until && entry.event != HistoryEvent::ended)
      note = "until " + zone_.short_text(*entry.until);
    if (!entry.reason.empty()) note += (note.empty() ? "" : "; ") + printable(entry.reason);
    if (!note.empty()) table_.note(note);
    if (with_samples_ && !entry.samples.empty()) evidence_ = entry;
  }

  void print() const {
    std::string sum;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] > 0)
        sum +=
            fmt::format("{}{} {}", sum.empty() ? "" : ", ", grouped(counts_[i]), kHistoryEvents[i]);
    }
    fmt::print("{}\n{}\n", table_.text(), sum);
    if (!evidence_) return;
    TextTable samples({{"refused"}, {"at"}, {"from"}}, 2);
    for (const auto& sample : samples_in(evidence_->samples)) {
      samples.row({printable(sample.recipient), printable(sample.time), printable(sample.host)});
      samples.note(printable(sample.reason, 160));
    }
    fmt::print("\nBefore {} was {} at {}:\n{}", printable(evidence_->identity),
               name_of(evidence_->event), zone_.short_text(evidence_->time), samples.text());
  }

 private:
  const Zone& zone_;
  bool with_samples_;
  TextTable table_;
  std::optional<HistoryEntry> evidence_;  // the newest entry that has samples
  std::array<std::uint64_t, kHistoryEvents.size()> counts_{};
};

std::optional<std::string> option(const Invocation& invocation, const char* name) {
  if (invocation.options.count(name) == 0) return std::nullopt;
  return invocation.options[name].as<std::string>();
}

// Returns false if an option is wrong; that is said.
bool take_time(const Invocation& invocation, const char* name, const Zone& zone,
               std::optional<Instant>& out) {
  const auto text = option(invocation, name);
  if (!text) return true;
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  out = parse_time(*text, zone, now);
  if (out) return true;
  complain(
      fmt::format("--{}: no time \"{}\"; accepted: 2026-11-23, \"2026-11-23 10:00\", "
                  "yesterday, 30d",
                  name, printable(*text)));
  return false;
}

}  // namespace

Exit run_history(const Invocation& invocation) {
  const auto zone = Zone::named(invocation.config.log.timezone).value_or(Zone::utc());
  HistoryQuery query;
  if (!take_time(invocation, "since", zone, query.since) ||
      !take_time(invocation, "until", zone, query.until))
    return kUsage;
  query.rule = option(invocation, "rule");
  if (const auto event = option(invocation, "event")) {
    query.event = history_event_named(*event);
    if (!query.event) {
      complain(fmt::format("--event: no event \"{}\"; accepted: {}", printable(*event),
                           fmt::join(kHistoryEvents, ", ")));
      return kUsage;
    }
  }
  // As given, and by the name that it stands for; a relay in the form in which it is listed.
  for (const auto& list : lists_of(invocation.config)) {
    for (const auto& identity : invocation.arguments) {
      for (auto& form : forms_of(list, identity)) query.identities.push_back(std::move(form));
    }
  }
  for (const auto& identity : invocation.arguments) query.identities.push_back(identity);
  auto& names = query.identities;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());

  HistoryTable table(zone, !invocation.arguments.empty());
  if (invocation.output == Output::csv) fmt::print("{}\n", row_of({}, zone).csv_header());
  bool any = false;
  const auto read =
      read_history(invocation.config.state.directory, query, [&](const HistoryEntry& entry) {
        any = true;
        if (invocation.output == Output::text) return table.add(entry);
        const auto row = row_of(entry, zone);
        fmt::print("{}\n", invocation.output == Output::csv ? row.csv() : row.json());
      });
  if (!read && read.error().code == actions::Errc::not_found) {
    complain(fmt::format("there is no history in {} yet; has the service ever run?",
                         printable(invocation.config.state.directory)));
    return kNoInput;
  }
  if (!read) return complain_of(read.error());
  if (any && invocation.output == Output::text) table.print();
  if (!any) complain("the history has nothing of that");
  return any ? kDone : kNo;
}

}  // namespace agent
