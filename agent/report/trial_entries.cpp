#include "agent/report/trial_entries.h"

#include <algorithm>
#include <array>

#include "agent/core/limits.h"

namespace agent {
namespace {

// A trial rule's place and window in the checkpoint.
struct Column {
  std::size_t place = 0;
  std::size_t slot = 0;
};

std::optional<Column> column_of(const Counting::Layout& layout, const Rule& rule) {
  const auto place = std::find(layout.lists.begin(), layout.lists.end(), RuleTable::place_of(rule));
  if (place == layout.lists.end()) return std::nullopt;
  std::size_t slot = 0;
  for (const auto& [kind, name] : layout.rules) {
    if (kind != rule.identity) continue;
    if (name == RuleTable::window_name(rule))
      return Column{static_cast<std::size_t>(place - layout.lists.begin()), slot};
    ++slot;
  }
  return std::nullopt;
}

// While it stands there its window is kept as it was when the rule decided.
Decision entry_of(const Rule& rule, const SubjectKey& key, const Counting::Subject& subject,
                  const Column& column) {
  Decision entry;
  entry.rule = rule.name;
  entry.mode = rule.mode;
  entry.identity_kind = rule.identity;
  entry.identity = key.id;
  entry.limit = Limits(rule).of(key.id);
  entry.period = rule.period;
  if (const auto* term = subject.find_term(column.place)) entry.until = term->until;
  if (column.slot >= subject.windows.size() || subject.windows[column.slot].empty()) return entry;
  const auto& window = subject.windows[column.slot];
  entry.time = window.newest();
  entry.first = window.oldest();
  entry.count = static_cast<std::uint32_t>(window.size());
  return entry;
}

}  // namespace

std::vector<Decision> trial_entries(const Checkpoint& state, const Config& config) {
  std::vector<Decision> entries;
  for (const auto& rule : config.rules) {
    if (rule.mode != RuleMode::trial) continue;
    const auto column = column_of(state.layout, rule);
    if (!column) continue;
    const auto begin = static_cast<std::ptrdiff_t>(entries.size());
    for (const auto& [key, subject] : state.subjects) {
      if (key.kind == rule.identity && subject.in_list(column->place))
        entries.push_back(entry_of(rule, key, subject, *column));
    }
    std::sort(entries.begin() + begin, entries.end(),
              [](const Decision& a, const Decision& b) { return a.identity < b.identity; });
  }
  return entries;
}

}  // namespace agent
