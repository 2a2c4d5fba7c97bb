#include "agent/core/counting.h"

#include <algorithm>
#include <utility>

#include "agent/values/network.h"

namespace agent {
namespace {

// So far may logs, and the writers of one, be apart in their stamps.
constexpr std::chrono::hours kApart{1};

}  // namespace

Counting::Counting(const Config& config)
    : table_(config),
      undecided_(table_.rules().size()),
      max_identities_(config.state.max_identities) {}

void Counting::restore(Subjects subjects, const Layout& saved, std::optional<Instant> newest) {
  newest_ = newest;
  subjects_ = std::move(subjects);
  if (saved != layout()) carry_over(subjects_, saved, table_);
  terms_.restore(subjects_);
  doubtful_.clear();
}

// Events into windows.

void Counting::add(const Occurrence& event, const OnDecision& on_decision,
                   const OnDecision& on_watch) {
  if (!newest_ || event.time > *newest_) newest_ = event.time;
  if (is_by_address(event.kind)) {
    const auto address = IpAddress::parse(event.identity);
    if (!address || !address->v6) {
      // The same identity however IPv6 is grouped.
      add_to(event.kind == IdentityKind::relay ? table_.relays() : table_.any_hosts(),
             address ? address->text() : std::string(event.identity), event, on_decision, on_watch);
      return;
    }
    for (const auto& group : table_.groups()) {
      if (group.kind != event.kind) continue;
      add_to(group, Network::around(*address, group.ipv6_prefix).text(), event, on_decision,
             on_watch);
    }
    return;
  }
  for (const auto& group : table_.groups()) {
    if (group.kind == event.kind) add_to(group, event.identity, event, on_decision, on_watch);
  }
}

void Counting::add_to(const RuleTable::Group& group, std::string_view identity,
                      const Occurrence& event, const OnDecision& on_decision,
                      const OnDecision& on_watch) {
  const auto& rules = table_.rules();
  const auto listens = [&](std::size_t rule) { return rules[rule].listens_to(event.signal); };
  const auto minds = [&](std::size_t rule) { return rules[rule].minds(event.signal); };
  if (std::none_of(group.rules.begin(), group.rules.end(), minds)) return;
  key_.assign(group.kind, identity);
  if (subjects_.size() >= max_identities_ && subjects_.count(key_) == 0) make_room();
  auto& subject = subjects_[key_];
  if (subject.windows.empty()) subject.windows.resize(table_.slots(group.kind));
  if (subject.fresh_since && event.time <= *subject.fresh_since) return;
  end_past_terms(subject, event.time);
  if (subject.is_over(event.time - table_.longest_period())) {
    subject.forget_evidence();
    subject.watched = 0;
  }

  bool near_limit = false;
  std::vector<std::size_t> reached, watched;
  bool heard = false;
  for (const auto rule : group.rules) {
    if (!listens(rule)) {
      if (minds(rule)) note_accepted(subject, rule, event);
      continue;
    }
    heard = true;
    const auto change = add_to_window(subject, rule, identity, event);
    near_limit = near_limit || change.half;
    if (change.reached) {
      reached.push_back(rule);
    } else if (change.near) {
      watched.push_back(rule);
    }
  }
  if (heard) subject.remember(event, near_limit);

  for (const auto rule : watched) {
    const auto limit = rules[rule].limits.of(key_.id);
    on_watch(rules[rule].decision(subject, identity, event, limit));
  }
  for (const auto rule : reached) {
    if (auto decision = block(subject, rule, identity, event)) on_decision(std::move(*decision));
  }
}

Counting::Change Counting::add_to_window(Subject& subject, std::size_t rule,
                                         std::string_view identity, const Occurrence& event) {
  const auto& state = table_.rules()[rule];
  // Listed senders are not counted; their windows start anew when they are released.
  if (subject.in_list(state.list)) {
    if (!doubtful_.empty()) doubtful_.add(table_, rule, key_, identity, event);
    return {};
  }
  const auto* term = subject.find_term(state.list);
  if (term != nullptr && event.time < term->ended) return {};  // of the block that has ended
  const auto limit = state.limits.of(key_.id);
  std::uint32_t count = 0;
  each_counted(state.rule, event, [&](std::uint64_t value) {
    count = state.window_of(subject).add(event.time, value, limit, state.rule.period);
    if (on_counted_) tell_counted(rule, subject, identity, event, value, limit);
  });
  Change change;
  if (count == 0) return change;  // the event has none of what is counted
  if (state.rule.min_share > 0) state.share_of(subject).add(event.time, 1, 0, state.rule.period);
  change.half = count >= (limit + 1) / 2;
  const auto level = state.watch_level(limit);
  const auto bit = state.slot_bit();
  if (std::uint64_t{2} * count < level) subject.watched &= ~bit;
  const bool near = level > 0 && count >= level && (subject.watched & bit) == 0;
  if (count < limit && !near) return change;
  if (state.rule.min_share > 0 && !state.share_of(subject).reaches(state.rule.min_share))
    return change;
  if (!state.may_decide(event)) {
    if (count >= limit) note_undecided(subject, rule);
    return change;
  }
  if (near) subject.watched |= bit;
  change.near = near;
  change.reached = count >= limit;
  return change;
}

// What was accepted from it, for a rule that is held to a share of that.
void Counting::note_accepted(Subject& subject, std::size_t rule, const Occurrence& event) const {
  const auto& state = table_.rules()[rule];
  if (subject.in_list(state.list)) return;
  const auto* term = subject.find_term(state.list);
  if (term != nullptr && event.time < term->ended) return;
  state.share_of(subject).add(event.time, 0, std::max<std::uint32_t>(event.recipients, 1),
                              state.rule.period);
}

// Returns nullopt if an earlier rule with the same list has blocked it, or its decision was taken
// back.
std::optional<Decision> Counting::block(Subject& subject, std::size_t rule,
                                        std::string_view identity, const Occurrence& event) {
  const auto& state = table_.rules()[rule];
  if (subject.in_list(state.list) || state.window_of(subject).empty()) return std::nullopt;
  subject.put_into_list(state.list);
  for (std::size_t i = 0; subject.undecided != 0 && i < table_.rules().size(); ++i) {
    const auto& other = table_.rules()[i];
    if (other.list != state.list || (subject.undecided & other.slot_bit()) == 0) continue;
    subject.undecided &= ~other.slot_bit();
    if (undecided_[i] > 0) --undecided_[i];
  }
  auto decision = state.decision(subject, identity, event, state.limits.of(key_.id));
  terms_.start(subject, key_.id, state, decision);
  return decision;
}

void Counting::note_undecided(Subject& subject, std::size_t rule) {
  const auto bit = table_.rules()[rule].slot_bit();
  if ((subject.undecided & bit) != 0) return;
  subject.undecided |= bit;
  ++undecided_[rule];
}

bool Counting::has_undecided() const {
  return std::any_of(undecided_.begin(), undecided_.end(),
                     [](std::uint64_t senders) { return senders > 0; });
}

std::vector<Counting::Undecided> Counting::take_undecided() {
  std::vector<Undecided> taken;
  for (std::size_t i = 0; i < undecided_.size(); ++i) {
    const auto senders = std::exchange(undecided_[i], 0);
    const auto& rule = table_.rules()[i].rule;
    if (senders > 0) taken.push_back({rule.name, rule.limit, rule.period, senders});
  }
  return taken;
}

// Who is blocked, until when, and how it ends.

Subject* Counting::find(std::size_t list, std::string_view key) {
  const auto found = subjects_.find(key_of(list, key));
  return found == subjects_.end() ? nullptr : &found->second;
}

const Subject* Counting::find(std::size_t list, std::string_view key) const {
  const auto found = subjects_.find(key_of(list, key));
  return found == subjects_.end() ? nullptr : &found->second;
}

void Counting::set_blocked(std::size_t list, std::string_view key) {
  subjects_[key_of(list, key)].put_into_list(list);
}

void Counting::set_freed(std::size_t list, std::string_view key, std::optional<Instant> since) {
  const auto name = key_of(list, key);
  if (!since && subjects_.count(name) == 0) return;
  auto& subject = subjects_[name];
  subject.take_from_list(list);
  clear_windows(subject, list);
  terms_.forget(subject, name.id, list);
  subject.fresh_since = since;
}

bool Counting::is_blocked(std::size_t list, std::string_view key) const {
  const auto* subject = find(list, key);
  return subject != nullptr && subject->in_list(list);
}

std::vector<std::string> Counting::blocked(std::size_t list) const {
  std::vector<std::string> keys;
  const auto kind = lists()[list].kind;
  for (const auto& [key, subject] : subjects_) {
    if (subject.in_list(list) && key.kind == kind) keys.push_back(key.id);
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

void Counting::set_end(std::size_t list, std::string_view key, std::optional<Instant> until) {
  const auto subject = subjects_.find(key_of(list, key));
  if (subject == subjects_.end() || !subject->second.in_list(list)) return;
  terms_.set_end(subject->second, subject->first.id, list, until);
}

std::optional<Instant> Counting::end_of(std::size_t list, std::string_view key) const {
  const auto* subject = find(list, key);
  const auto* term = subject == nullptr ? nullptr : subject->find_term(list);
  return term == nullptr ? std::nullopt : term->until;
}

void Counting::set_times(std::size_t list, std::string_view key, std::uint32_t times) {
  if (auto* subject = find(list, key)) subject->term_of(list).times = times;
}

void Counting::end(const End& block) {
  terms_.forget(block);
  auto* subject = find(block.list, block.key);
  if (subject == nullptr) return;
  auto* term = subject->find_term(block.list);
  if (term != nullptr && term->until == block.until) end_term(*subject, *term, block.key);
}

// By log time, in which the event at hand stands.
void Counting::end_past_terms(Subject& subject, Instant now) {
  for (auto& term : subject.terms) {
    if (!term.until || now < *term.until) continue;
    ended_.push_back({*term.until, term.list, key_.id});
    end_term(subject, term, key_.id);
  }
}

void Counting::end_term(Subject& subject, BlockTerm& term, std::string_view key) {
  terms_.finish(term, key);
  subject.take_from_list(term.list);
  clear_windows(subject, term.list);
}

void Counting::clear_windows(Subject& subject, std::size_t list) const {
  for (const auto& state : table_.rules()) {
    if (state.list != list || subject.windows.empty()) continue;
    state.window_of(subject).clear();
    if (state.slot < subject.shares.size()) subject.shares[state.slot].clear();
    subject.watched &= ~state.slot_bit();
  }
  // A trial leaves everything to the other rules as it was.
  if (!table_.is_trial(list)) subject.forget_evidence();
}

// Blocks that may be over.

void Counting::doubt(std::size_t list, Keys keys, std::optional<Instant> since) {
  doubtful_.set(list, std::move(keys), since);
}

std::optional<Decision> Counting::free_doubted(std::size_t list, std::string_view key,
                                               std::optional<Instant> since) {
  const auto name = key_of(list, key);
  auto counted = doubtful_.take(list, name);
  // A block whose end has come meanwhile was over before anybody freed its sender.
  if (!is_blocked(list, key)) return std::nullopt;
  set_freed(list, key, since);
  if (!counted) return std::nullopt;
  auto& [beside, rule, decided] = *counted;
  auto& subject = subjects_[name];
  if (subject.windows.empty()) subject.windows.resize(beside.windows.size());
  for (const auto& state : table_.rules()) {
    if (state.list == list) state.window_of(subject) = std::move(state.window_of(beside));
  }
  subject.hosts = std::move(beside.hosts);
  subject.further_refusals = beside.further_refusals;
  subject.further_others = beside.further_others;
  subject.samples = std::move(beside.samples);
  if (on_counted_) each_live(name, on_counted_);
  if (!decided) return std::nullopt;
  subject.put_into_list(list);
  terms_.start(subject, name.id, table_.rules()[rule], *decided);
  return std::move(decided);
}

// What others who count with this host are told of its windows, and what they tell.

void Counting::tell_counted(std::size_t rule, const Subject& subject, std::string_view identity,
                            const Occurrence& event, std::uint64_t recipient,
                            std::uint32_t limit) const {
  const auto& state = table_.rules()[rule];
  // What may decide nothing here must not do so elsewhere. A trial is this host's own.
  if (!state.may_decide(event) || state.rule.mode == RuleMode::trial) return;
  const auto same = state.window_of(subject).count_of(event.time);
  if (same == 0) return;  // too late for its window
  on_counted_({rule, key_.id, identity, event.time, recipient != 0 ? recipient : same - 1, limit});
}

void Counting::each_live(const SubjectKey& key, const OnCounted& callback) const {
  const auto found = subjects_.find(key);
  if (found == subjects_.end()) return;
  const auto& subject = found->second;
  for (std::size_t rule = 0; rule < table_.rules().size(); ++rule) {
    const auto& state = table_.rules()[rule];
    if (key.kind != state.rule.identity || state.rule.mode == RuleMode::trial) continue;
    if (subject.in_list(state.list) || state.slot >= subject.windows.size()) continue;
    const auto times = state.window_of(subject).times();
    const auto recipients = state.window_of(subject).recipients();
    const auto limit = state.limits.of(key.id);
    std::uint64_t in_second = 0;
    for (std::size_t i = 0; i < times.size(); ++i) {
      in_second = i > 0 && times[i] == times[i - 1] ? in_second + 1 : 0;
      callback({rule, key.id, key.id, Instant(std::chrono::seconds(times[i])),
                recipients.empty() ? in_second : recipients[i], limit});
    }
  }
}

void Counting::add_evidence(IdentityKind kind, std::string_view key, Decision& decision) const {
  const auto known = std::find_if(table_.rules().begin(), table_.rules().end(),
                                  [&](const auto& one) { return one.rule.name == decision.rule; });
  const auto& rule = known == table_.rules().end() ? Rule() : known->rule;
  decision.what = counted_noun(rule, decision.count);
  decision.refusals = counts_refusals(rule);
  const auto found = subjects_.find(subject_key(kind, key));
  if (found != subjects_.end()) found->second.add_evidence(rule, decision);
}

void Counting::set_freed_by_others(std::size_t list, std::string_view key, Instant since) {
  const auto& rules = table_.rules();
  std::vector<Window> later(rules.size());
  auto* subject = find(list, key);
  for (std::size_t i = 0; subject != nullptr && i < rules.size(); ++i) {
    if (rules[i].list != list || subject->windows.empty()) continue;
    auto times = rules[i].window_of(*subject).times();
    auto recipients = rules[i].window_of(*subject).recipients();
    const auto before =
        std::upper_bound(times.begin(), times.end(), since.time_since_epoch().count()) -
        times.begin();
    times.erase(times.begin(), times.begin() + before);
    if (!recipients.empty()) recipients.erase(recipients.begin(), recipients.begin() + before);
    later[i].restore(times, recipients);
  }
  set_freed(list, key, since);
  for (std::size_t i = 0; subject != nullptr && i < rules.size(); ++i) {
    if (!later[i].empty()) rules[i].window_of(*subject) = std::move(later[i]);
  }
}

// Forgetting.

bool Counting::remembers_terms(const Subject& subject, Instant now) const {
  return std::any_of(subject.terms.begin(), subject.terms.end(), [&](const BlockTerm& term) {
    return term.times > 0 && now <= term.ended + table_.repeat_within(term.list);
  });
}

void Counting::make_room() {
  constexpr std::size_t kLookAt = 16;
  auto least = subjects_.end();
  std::size_t least_events = 0;
  std::size_t seen = 0;
  // At most once around: all may be blocked, and those stay.
  for (std::size_t i = 0; i < subjects_.bucket_count() && seen < kLookAt; ++i) {
    next_bucket_ = (next_bucket_ + 1) % subjects_.bucket_count();
    for (auto it = subjects_.begin(next_bucket_); it != subjects_.end(next_bucket_); ++it) {
      if ((it->second.blocked & table_.list_bits()) != 0) continue;
      ++seen;
      std::size_t events = 0;
      for (const auto& window : it->second.windows) events += window.size();
      if (least != subjects_.end() && events >= least_events) continue;
      least = subjects_.find(it->first);
      least_events = events;
    }
  }
  if (least == subjects_.end()) return;
  subjects_.erase(least);
  ++crowded_out_;
}

void Counting::expire(Instant now, std::optional<Instant> shown) {
  // A log whose zone is not the one it is read by is ahead by up to 14 hours, but all of it.
  constexpr std::chrono::hours kImplausible{24};
  constexpr std::chrono::minutes kAhead{10};
  auto latest = now + kImplausible;
  if (shown) latest = std::min(latest, std::max(now, *shown) + kAhead);
  const auto past = now - kApart;
  const auto begun = past - table_.longest_period();
  for (auto it = subjects_.begin(); it != subjects_.end();) {
    for (auto& window : it->second.windows) {
      if (!window.empty() && window.newest() > latest) window.clear();
    }
    const auto& subject = it->second;
    const bool fresh = subject.fresh_since && *subject.fresh_since > begun;
    const bool kept =
        subject.blocked != 0 || fresh || !subject.is_over(begun) || remembers_terms(subject, past);
    it = kept ? std::next(it) : subjects_.erase(it);
  }
}

}  // namespace agent
