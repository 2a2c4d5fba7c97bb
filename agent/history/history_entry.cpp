#include "agent/history/history_entry.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/core/attribution.h"
#include "agent/core/list_lines.h"
#include "agent/history/history_samples.h"

namespace agent {

std::optional<HistoryEvent> history_event_named(std::string_view name) {
  const auto* found = std::find(kHistoryEvents.begin(), kHistoryEvents.end(), name);
  if (found == kHistoryEvents.end()) return std::nullopt;
  return static_cast<HistoryEvent>(found - kHistoryEvents.begin());
}

std::optional<IdentityKind> identity_kind_named(std::string_view name) {
  for (const auto kind :
       {IdentityKind::user, IdentityKind::relay, IdentityKind::local, IdentityKind::host}) {
    if (name == name_of(kind)) return kind;
  }
  return std::nullopt;
}

// An identity may hold any bytes, and stands last.
std::string HistoryEntry::key() const {
  return fmt::format("{} {} {} {}\n{}", name_of(event), time.time_since_epoch().count(),
                     kind ? name_of(*kind) : "-", rule, folded(identity));
}

HistoryEntry entry_of(HistoryEvent event, const Decision& decision, const Zone& zone) {
  HistoryEntry entry;
  entry.event = event;
  entry.time = decision.time;
  entry.rule = decision.rule;
  entry.kind = decision.identity_kind;
  entry.identity = decision.identity;
  entry.count = decision.count;
  entry.limit = decision.limit;
  entry.period = decision.period;
  entry.until = decision.until;
  entry.by = kByService;
  entry.samples = samples_json(decision.samples, zone);
  return entry;
}

std::string first_rule_of(const Config& config, std::string_view list) {
  const auto rule = std::find_if(config.rules.begin(), config.rules.end(), [&](const Rule& one) {
    return one.mode == RuleMode::block && one.list == list;
  });
  return rule == config.rules.end() ? std::string() : rule->name;
}

HistoryEntry entry_of_line(const std::string& rule, IdentityKind kind, const std::string& key,
                           const std::string& data, Instant otherwise) {
  const auto line = read_list_data(data);
  HistoryEntry entry;
  entry.time = line.since.value_or(otherwise);
  entry.rule = rule;
  entry.kind = kind;
  entry.identity = key;
  entry.count = line.count;
  entry.period = line.period;
  entry.until = line.until;
  entry.by = !line.by                  ? std::string(kByEdit)
             : *line.by == "exiwarden" ? std::string(kByService)
                                       : *line.by;
  entry.reason = line.reason.value_or("");
  return entry;
}

}  // namespace agent
