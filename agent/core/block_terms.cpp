#include "agent/core/block_terms.h"

#include <algorithm>

namespace agent {

void BlockTerms::start(Subject& subject, std::string_view key, const RuleState& state,
                       Decision& decision) {
  const auto& steps = state.rule.block_for;
  const bool trial = state.rule.mode == RuleMode::trial;
  if (steps.empty() && !trial) return;
  auto& term = subject.term_of(state.list);
  if (term.times > 0 && decision.time > term.ended + state.rule.repeat_within) term.times = 0;
  auto length = kForever;
  if (steps.empty()) {
    term.times = 1;
  } else {
    length = steps[std::min<std::size_t>(term.times, steps.size() - 1)];
    decision.times = ++term.times;
  }
  if (length == kForever && !trial) return;
  term.until = decision.until = decision.time + (length == kForever ? kTrialLength : length);
  ends_.insert({*term.until, state.list, std::string(key)});
}

void BlockTerms::set_end(Subject& subject, std::string_view key, std::size_t list,
                         std::optional<Instant> until) {
  if (subject.find_term(list) == nullptr && !until) return;
  auto& term = subject.term_of(list);
  unlist(term, key);
  term.until = until;
  if (until) ends_.insert({*until, list, std::string(key)});
}

void BlockTerms::finish(BlockTerm& term, std::string_view key) {
  unlist(term, key);
  term.ended = *std::exchange(term.until, std::nullopt);
}

void BlockTerms::forget(Subject& subject, std::string_view key, std::size_t list) {
  const auto* term = subject.find_term(list);
  if (term == nullptr) return;
  unlist(*term, key);
  subject.terms.erase(subject.terms.begin() + (term - subject.terms.data()));
}

void BlockTerms::unlist(const BlockTerm& term, std::string_view key) {
  if (term.until) ends_.erase({*term.until, term.list, std::string(key)});
}

void BlockTerms::restore(const Subjects& subjects) {
  ends_.clear();
  for (const auto& [key, subject] : subjects) {
    for (const auto& term : subject.terms) {
      if (term.until) ends_.insert({*term.until, term.list, key.id});
    }
  }
}

std::vector<BlockEnd> BlockTerms::due(Instant now) const {
  std::vector<BlockEnd> due;
  for (const auto& end : ends_) {
    if (end.until > now) break;
    due.push_back(end);
  }
  return due;
}

std::optional<Instant> BlockTerms::next() const {
  return ends_.empty() ? std::nullopt : std::optional(ends_.begin()->until);
}

}  // namespace agent
