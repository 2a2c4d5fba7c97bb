#include "agent/report/fullest_windows.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "agent/core/limits.h"

namespace agent {
namespace {

// A rule of today, and where its windows and blocks stand in the checkpoint.
struct Column {
  const Rule* rule = nullptr;
  std::size_t slot = 0;  // among the windows of a subject
  std::uint64_t listed = 0;
  Limits limits;
};

std::vector<Column> columns_of(const Checkpoint& state, const Config& config) {
  std::vector<Column> columns;
  std::array<std::size_t, kIdentityKinds> slots{};
  for (const auto& [kind, name] : state.layout.rules) {
    const auto slot = slots[static_cast<std::size_t>(kind)]++;
    for (const auto& rule : config.rules) {
      if (rule.identity != kind || RuleTable::window_name(rule) != name) continue;
      std::uint64_t listed = 0;
      for (std::size_t i = 0; i < state.layout.lists.size() && i < Counting::kMaxLists; ++i) {
        if (state.layout.lists[i] == RuleTable::place_of(rule)) listed |= std::uint64_t{1} << i;
      }
      columns.push_back({&rule, slot, listed, Limits(rule)});
    }
  }
  return columns;
}

}  // namespace

std::vector<FullWindow> fullest_windows(const Checkpoint& state, const Config& config,
                                        std::size_t most) {
  std::vector<FullWindow> levels;
  if (!state.newest) return levels;
  std::optional<Instant> first_start;
  for (const auto& position : state.positions)
    first_start = std::max(first_start, position.first_start);
  for (const auto& column : columns_of(state, config)) {
    for (const auto& [key, subject] : state.subjects) {
      if (key.kind != column.rule->identity || column.slot >= subject.windows.size()) continue;
      if ((subject.blocked & column.listed) != 0) continue;
      const auto& window = subject.windows[column.slot];
      if (window.empty()) continue;
      const auto count = window.count_at(*state.newest, column.rule->period);
      if (count == 0) continue;
      const auto limit = column.limits.of(key.id);
      const bool undecided =
          count >= limit && first_start && window.newest() <= *first_start - column.rule->period;
      levels.push_back({column.rule->name, key.kind, key.id, count, limit, column.rule->period,
                        window.newest(), undecided});
    }
  }
  std::sort(levels.begin(), levels.end(), [](const FullWindow& a, const FullWindow& b) {
    const auto left = std::uint64_t{a.count} * b.limit, right = std::uint64_t{b.count} * a.limit;
    if (left != right) return left > right;
    if (a.newest != b.newest) return a.newest > b.newest;
    return std::tie(a.identity, a.rule) < std::tie(b.identity, b.rule);
  });
  if (levels.size() > most) levels.resize(most);
  return levels;
}

}  // namespace agent
