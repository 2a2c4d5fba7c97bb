// What others are told of the windows here, and what they tell of blocks.
#include <algorithm>

#include "agent/core/counting.h"

namespace agent {

void Counting::tell(std::size_t rule, const Subject& subject, std::string_view identity,
                    const Occurrence& event, std::uint64_t recipient, std::uint32_t limit) const {
  // What may decide nothing here must not do so elsewhere.
  if (event.first_start && event.time <= *event.first_start - rules_[rule].period) return;
  const auto same = subject.windows[slot_of_rule_[rule]].count_of(event.time);
  if (same == 0) return;  // too late for its window
  on_counted_({rule, std::string_view(key_).substr(2), identity, event.time,
               recipient != 0 ? recipient : same - 1, limit});
}

void Counting::each_live(const std::string& key, const OnCounted& callback) const {
  const auto found = subjects_.find(key);
  if (found == subjects_.end()) return;
  const auto& subject = found->second;
  const auto folded_key = std::string_view(key).substr(2);
  for (std::size_t rule = 0; rule < rules_.size(); ++rule) {
    if (!key.starts_with(subject_key(rules_[rule].identity, ""))) continue;
    if ((subject.blocked >> list_of_rule_[rule] & 1) != 0) continue;
    if (slot_of_rule_[rule] >= subject.windows.size()) continue;
    const auto times = subject.windows[slot_of_rule_[rule]].times();
    const auto recipients = subject.windows[slot_of_rule_[rule]].recipients();
    const auto limit = limits_[rule].of(folded_key);
    std::uint64_t in_second = 0;
    for (std::size_t i = 0; i < times.size(); ++i) {
      in_second = i > 0 && times[i] == times[i - 1] ? in_second + 1 : 0;
      callback({rule, folded_key, folded_key, Instant(std::chrono::seconds(times[i])),
                recipients.empty() ? in_second : recipients[i], limit});
    }
  }
}

void Counting::add_evidence(IdentityKind kind, std::string_view key, Decision& decision) const {
  const auto found = subjects_.find(subject_key(kind, key));
  if (found == subjects_.end()) return;
  decision.hosts.assign(found->second.hosts.begin(), found->second.hosts.end());
  decision.other_hosts = found->second.other_hosts;
  decision.samples = found->second.samples;
}

void Counting::set_freed_by_others(std::size_t list, std::string_view key, Instant since) {
  std::vector<Window> later(rules_.size());
  const auto found = subjects_.find(subject_key(lists_[list].kind, key));
  for (std::size_t rule = 0; found != subjects_.end() && rule < rules_.size(); ++rule) {
    if (list_of_rule_[rule] != list || found->second.windows.empty()) continue;
    auto& window = found->second.windows[slot_of_rule_[rule]];
    auto times = window.times();
    auto recipients = window.recipients();
    const auto before =
        std::upper_bound(times.begin(), times.end(), since.time_since_epoch().count()) -
        times.begin();
    times.erase(times.begin(), times.begin() + before);
    if (!recipients.empty()) recipients.erase(recipients.begin(), recipients.begin() + before);
    later[rule].restore(times, recipients);
  }
  set_freed(list, key, since);
  for (std::size_t rule = 0; found != subjects_.end() && rule < rules_.size(); ++rule) {
    if (!later[rule].empty()) found->second.windows[slot_of_rule_[rule]] = std::move(later[rule]);
  }
}

void Counting::set_times(std::size_t list, std::string_view key, std::uint32_t times) {
  const auto subject = subjects_.find(subject_key(lists_[list].kind, key));
  if (subject != subjects_.end()) term_of(subject->second, list).times = times;
}

}  // namespace agent
