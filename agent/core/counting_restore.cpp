// What was counted under another configuration, or before a restart.
#include <utility>

#include "agent/core/counting.h"

namespace agent {

Counting::Layout Counting::layout() const {
  Layout layout;
  for (const auto& rule : rules_) layout.rules.emplace_back(rule.identity, rule.name);
  for (const auto& list : lists_) layout.lists.push_back(list.path);
  return layout;
}

void Counting::restore(Subjects subjects, const Layout& saved, std::optional<Instant> newest) {
  newest_ = newest;
  subjects_ = std::move(subjects);
  if (saved != layout()) fit(saved);
  ends_.clear();
  doubts_.clear();
  for (const auto& [key, subject] : subjects_) {
    for (const auto& term : subject.terms) {
      if (term.until) ends_.insert({*term.until, term.list, key.substr(2)});
    }
  }
}

void Counting::fit(const Layout& saved) {
  for (auto& [key, subject] : subjects_) {
    auto windows = std::move(subject.windows);
    const auto blocked = subject.blocked, watched = subject.watched;
    auto terms = std::exchange(subject.terms, {});
    subject.windows.clear();
    subject.blocked = subject.watched = 0;
    std::array<std::size_t, 3> slot{};  // of the saved rules, by kind
    for (const auto& [kind, name] : saved.rules) {
      const auto from = slot[static_cast<std::size_t>(kind)]++;
      if (!key.starts_with(subject_key(kind, "")) || from >= windows.size()) continue;
      for (std::size_t i = 0; i < rules_.size(); ++i) {
        if (rules_[i].identity != kind || rules_[i].name != name) continue;
        subject.windows.resize(slots(kind));
        subject.windows[slot_of_rule_[i]] = std::move(windows[from]);
        subject.watched |= (watched >> from & 1) << slot_of_rule_[i];
      }
    }
    for (std::size_t from = 0; from < saved.lists.size() && from < kMaxLists; ++from) {
      for (std::size_t to = 0; to < lists_.size(); ++to) {
        if (lists_[to].path == saved.lists[from] && (blocked >> from & 1) != 0) {
          subject.blocked |= std::uint64_t{1} << to;
        }
        if (lists_[to].path != saved.lists[from]) continue;
        for (const auto& term : terms) {
          if (term.list == from) subject.terms.push_back({to, term.until, term.times, term.ended});
        }
      }
    }
  }
}

}  // namespace agent
