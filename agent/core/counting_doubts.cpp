// Blocks that may be over: what is counted of their senders until that is certain.
#include <algorithm>
#include <utility>

#include "agent/core/counting.h"

namespace agent {

void Counting::doubt(std::size_t list, Keys keys, std::optional<Instant> since) {
  if (keys.empty()) {
    doubts_.erase(list);
    return;
  }
  auto& doubt = doubts_[list];
  if (doubt.keys.empty()) doubt.since = since;
  doubt.keys = std::move(keys);
  std::erase_if(doubt.beside,
                [&](const auto& one) { return doubt.keys.count(one.first.substr(2)) == 0; });
}

void Counting::count_beside(std::size_t index, std::string_view identity, const Occurrence& event) {
  const auto& rule = rules_[index];
  const auto found = doubts_.find(list_of_rule_[index]);
  if (found == doubts_.end()) return;
  auto& doubt = found->second;
  if (doubt.since && event.time <= *doubt.since) return;
  if (doubt.keys.count(key_.substr(2)) == 0) return;
  auto& beside = doubt.beside[key_];
  if (beside.decided) return;  // blocked again, if it was freed
  auto& subject = beside.subject;
  if (subject.windows.empty()) subject.windows.resize(slots(rule.identity));
  if (is_over(subject, event.time)) forget_evidence(subject);
  const auto limit = limits_[index].of(std::string_view(key_).substr(2));
  const auto digest = rule.count == CountBy::recipients ? recipient_digest(event.recipient) : 0;
  const auto count =
      subject.windows[slot_of_rule_[index]].add(event.time, digest, limit, rule.period);
  remember(subject, event, count >= (limit + 1) / 2);
  if (count < limit) return;
  if (event.first_start && event.time <= *event.first_start - rule.period) return;
  beside.rule = index;
  beside.decided = decision_of(subject, index, identity, event, limit);
}

std::optional<Decision> Counting::free_doubted(std::size_t list, std::string_view key,
                                               std::optional<Instant> since) {
  const auto name = subject_key(lists_[list].kind, key);
  const auto doubt = doubts_.find(list);
  auto counted = doubt == doubts_.end() ? decltype(doubt->second.beside)::node_type()
                                        : doubt->second.beside.extract(name);
  // A block whose end has come meanwhile was over before anybody freed its sender.
  if (!is_blocked(list, key)) return std::nullopt;
  set_freed(list, key, since);
  if (counted.empty()) return std::nullopt;
  auto& [freed, rule, decided] = counted.mapped();
  auto& subject = subjects_[name];
  if (subject.windows.empty()) subject.windows.resize(freed.windows.size());
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (list_of_rule_[i] == list)
      subject.windows[slot_of_rule_[i]] = std::move(freed.windows[slot_of_rule_[i]]);
  }
  subject.hosts = std::move(freed.hosts);
  subject.other_hosts = freed.other_hosts;
  subject.samples = std::move(freed.samples);
  if (on_counted_) each_live(name, on_counted_);
  if (!decided) return std::nullopt;
  subject.blocked |= std::uint64_t{1} << list;
  key_ = name;
  if (!rules_[rule].block_for.empty()) start_term(subject, rules_[rule], list, *decided);
  return std::move(decided);
}

bool Counting::counts_beside() const {
  return std::any_of(doubts_.begin(), doubts_.end(),
                     [](const auto& doubt) { return !doubt.second.beside.empty(); });
}

}  // namespace agent
