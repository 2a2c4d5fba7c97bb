#include "agent/core/doubtful_blocks.h"

#include <algorithm>
#include <utility>

namespace agent {

void DoubtfulBlocks::set(std::size_t list, Keys keys, std::optional<Instant> since) {
  if (keys.empty()) {
    doubts_.erase(list);
    return;
  }
  auto& doubt = doubts_[list];
  if (doubt.keys.empty()) doubt.since = since;
  doubt.keys = std::move(keys);
  std::erase_if(doubt.counted,
                [&](const auto& one) { return doubt.keys.count(one.first.id) == 0; });
}

void DoubtfulBlocks::add(const RuleTable& table, std::size_t rule, const SubjectKey& key,
                         std::string_view identity, const Occurrence& event) {
  const auto& state = table.rules()[rule];
  const auto found = doubts_.find(state.list);
  if (found == doubts_.end()) return;
  // What was accepted from the sender is not known here; such a rule begins when the doubt is over.
  if (state.rule.min_share > 0) return;
  auto& doubt = found->second;
  if (doubt.since && event.time <= *doubt.since) return;
  if (doubt.keys.count(key.id) == 0) return;
  auto& beside = doubt.counted[key];
  if (beside.decided) return;  // blocked again, if it was freed
  auto& subject = beside.subject;
  if (subject.windows.empty()) subject.windows.resize(table.slots(state.rule.identity));
  if (subject.is_over(event.time - table.longest_period())) subject.forget_evidence();
  const auto limit = state.limits.of(key.id);
  std::uint32_t count = 0;
  each_counted(state.rule, event, [&](std::uint64_t value) {
    count = state.window_of(subject).add(event.time, value, limit, state.rule.period);
  });
  subject.remember(event, count >= (limit + 1) / 2);
  if (count < limit || !state.may_decide(event)) return;
  beside.rule = rule;
  beside.decided = state.decision(subject, identity, event, limit);
}

std::optional<DoubtfulBlocks::Counted> DoubtfulBlocks::take(std::size_t list,
                                                            const SubjectKey& key) {
  const auto doubt = doubts_.find(list);
  if (doubt == doubts_.end()) return std::nullopt;
  auto counted = doubt->second.counted.extract(key);
  if (counted.empty()) return std::nullopt;
  return std::move(counted.mapped());
}

bool DoubtfulBlocks::has_counted() const {
  return std::any_of(doubts_.begin(), doubts_.end(),
                     [](const auto& doubt) { return !doubt.second.counted.empty(); });
}

}  // namespace agent
