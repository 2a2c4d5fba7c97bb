// Who is blocked, until when, and how it ends.
#include <algorithm>
#include <utility>

#include "agent/core/counting.h"

namespace agent {

Counting::Term* Counting::find_term(Subject& subject, std::size_t list) {
  const auto found = std::find_if(subject.terms.begin(), subject.terms.end(),
                                  [&](const Term& term) { return term.list == list; });
  return found == subject.terms.end() ? nullptr : &*found;
}

Counting::Term& Counting::term_of(Subject& subject, std::size_t list) {
  auto* found = find_term(subject, list);
  return found != nullptr ? *found : subject.terms.emplace_back(Term{list, {}, 0, {}});
}

void Counting::set_blocked(std::size_t list, std::string_view key) {
  auto& subject = subjects_[subject_key(lists_[list].kind, key)];
  subject.blocked |= std::uint64_t{1} << list;
}

void Counting::set_freed(std::size_t list, std::string_view key, std::optional<Instant> since) {
  const auto name = subject_key(lists_[list].kind, key);
  if (!since && subjects_.count(name) == 0) return;
  auto& subject = subjects_[name];
  subject.blocked &= ~(std::uint64_t{1} << list);
  clear_windows(subject, list);
  // Whoever freed him has judged: the next block is the first one again.
  if (auto* term = find_term(subject, list)) {
    if (term->until) ends_.erase({*term->until, list, name.substr(2)});
    subject.terms.erase(subject.terms.begin() + (term - subject.terms.data()));
  }
  subject.fresh_since = since;
}

bool Counting::is_blocked(std::size_t list, std::string_view key) const {
  const auto found = subjects_.find(subject_key(lists_[list].kind, key));
  return found != subjects_.end() && (found->second.blocked >> list & 1) != 0;
}

std::vector<std::string> Counting::blocked(std::size_t list) const {
  std::vector<std::string> keys;
  const auto prefix = subject_key(lists_[list].kind, "");
  for (const auto& [key, subject] : subjects_) {
    if ((subject.blocked >> list & 1) != 0 && key.starts_with(prefix)) {
      keys.push_back(key.substr(2));
    }
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

void Counting::start_term(Subject& subject, const Rule& rule, std::size_t list,
                          Decision& decision) {
  auto& term = term_of(subject, list);
  if (term.times > 0 && decision.time > term.ended + rule.repeat_within) term.times = 0;
  const auto step = std::min<std::size_t>(term.times, rule.block_for.size() - 1);
  decision.times = ++term.times;
  if (rule.block_for[step] == kForever) return;
  term.until = decision.until = decision.time + rule.block_for[step];
  ends_.insert({*term.until, list, key_.substr(2)});
}

void Counting::end_of_term(Subject& subject, Term& term, const std::string& key) {
  ends_.erase({*term.until, term.list, key.substr(2)});
  term.ended = *std::exchange(term.until, std::nullopt);
  subject.blocked &= ~(std::uint64_t{1} << term.list);
  clear_windows(subject, term.list);
}

void Counting::clear_windows(Subject& subject, std::size_t list) {
  for (std::size_t rule = 0; rule < rules_.size(); ++rule) {
    if (list_of_rule_[rule] != list || subject.windows.empty()) continue;
    subject.windows[slot_of_rule_[rule]].clear();
    subject.watched &= ~(std::uint64_t{1} << slot_of_rule_[rule]);
  }
  forget_evidence(subject);
}

void Counting::set_end(std::size_t list, std::string_view key, std::optional<Instant> until) {
  const auto subject = subjects_.find(subject_key(lists_[list].kind, key));
  if (subject == subjects_.end() || (subject->second.blocked >> list & 1) == 0) return;
  auto* term = find_term(subject->second, list);
  if (term == nullptr && !until) return;
  if (term == nullptr) term = &term_of(subject->second, list);
  const auto folded_key = subject->first.substr(2);
  if (term->until) ends_.erase({*term->until, list, folded_key});
  term->until = until;
  if (until) ends_.insert({*until, list, folded_key});
}

std::optional<Instant> Counting::end_of(std::size_t list, std::string_view key) const {
  const auto subject = subjects_.find(subject_key(lists_[list].kind, key));
  if (subject == subjects_.end()) return std::nullopt;
  for (const auto& term : subject->second.terms) {
    if (term.list == list) return term.until;
  }
  return std::nullopt;
}

void Counting::end(const End& block) {
  ends_.erase(block);
  const auto subject = subjects_.find(subject_key(lists_[block.list].kind, block.key));
  if (subject == subjects_.end()) return;
  auto* term = find_term(subject->second, block.list);
  if (term != nullptr && term->until == block.until)
    end_of_term(subject->second, *term, subject->first);
}

std::vector<Counting::End> Counting::due(Instant now) const {
  std::vector<End> due;
  for (const auto& end : ends_) {
    if (end.until > now) break;
    due.push_back(end);
  }
  return due;
}

std::optional<Instant> Counting::next_end() const {
  return ends_.empty() ? std::nullopt : std::optional(ends_.begin()->until);
}

}  // namespace agent
