#include "agent/core/counting.h"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/core/attribution.h"
#include "agent/core/digest.h"

namespace agent {
namespace {

constexpr char tag(IdentityKind kind) {
  switch (kind) {
    case IdentityKind::user:
      return 'u';
    case IdentityKind::relay:
      return 'r';
    case IdentityKind::local:
      return 'l';
  }
  return '?';
}

// So far may logs, and the writers of one, be apart in their stamps.
constexpr std::chrono::hours kApart{1};
// Evidence is for people: no field needs more than this.
constexpr std::size_t kMaxSampleField = 400;
std::string cut(std::string_view text) {
  return std::string(text.substr(0, kMaxSampleField));
}

// rule.watch as a count; 0: none.
std::uint32_t watch_level(const Rule& rule, std::uint32_t limit) {
  return rule.watch == 0 ? 0
                         : static_cast<std::uint32_t>(std::max<std::uint64_t>(
                               1, (std::uint64_t{limit} * rule.watch + 99) / 100));
}

bool listens_to(const Rule& rule, Signal signal) {
  return std::find(rule.signals.begin(), rule.signals.end(), signal) != rule.signals.end();
}

}  // namespace

std::string subject_key(IdentityKind kind, std::string_view identity) {
  std::string key;
  write_subject_key(kind, identity, key);
  return key;
}

void write_subject_key(IdentityKind kind, std::string_view identity, std::string& out) {
  out.clear();
  out += tag(kind);
  out += ':';
  append_folded(identity, out);
}

std::uint64_t recipient_digest(std::string_view recipient) {
  const auto value = sha256_number(folded(recipient));
  return value == 0 ? 1 : value;
}

Counting::Counting(const Config& config)
    : rules_(config.rules), max_identities_(config.state.max_identities) {
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const auto& rule = rules_[i];
    limits_.emplace_back(rule);
    longest_period_ = std::max(longest_period_, rule.period);
    auto list = std::find_if(lists_.begin(), lists_.end(),
                             [&](const List& known) { return known.path == rule.list; });
    if (list == lists_.end()) list = lists_.insert(lists_.end(), {rule.identity, rule.list});
    memory_.resize(lists_.size());
    auto& memory = memory_[static_cast<std::size_t>(list - lists_.begin())];
    if (!rule.block_for.empty()) memory = std::max(memory, rule.repeat_within);
    list_of_rule_.push_back(static_cast<std::size_t>(list - lists_.begin()));
    slot_of_rule_.push_back(slots(rule.identity)++);

    const int prefix = rule.identity != IdentityKind::relay ? 0
                       : rule.ipv6_prefix != 0              ? rule.ipv6_prefix
                                                            : config.relay.ipv6_prefix;
    auto group = std::find_if(groups_.begin(), groups_.end(), [&](const Group& known) {
      return known.kind == rule.identity && known.ipv6_prefix == prefix;
    });
    if (group == groups_.end()) group = groups_.insert(groups_.end(), {rule.identity, prefix, {}});
    group->rules.push_back(i);
    if (rule.identity == IdentityKind::relay) relays_.rules.push_back(i);
  }
}

void Counting::add(const Occurrence& event, const OnDecision& on_decision,
                   const OnDecision& on_watch) {
  if (!newest_ || event.time > *newest_) newest_ = event.time;
  if (event.kind == IdentityKind::relay) {
    const auto address = IpAddress::parse(event.identity);
    if (!address || !address->v6) {
      // The same identity however IPv6 is grouped.
      add_to(relays_, address ? address->text() : std::string(event.identity), event, on_decision,
             on_watch);
      return;
    }
    for (const auto& group : groups_) {
      if (group.kind != IdentityKind::relay) continue;
      add_to(group, Network::around(*address, group.ipv6_prefix).text(), event, on_decision,
             on_watch);
    }
    return;
  }
  for (const auto& group : groups_) {
    if (group.kind == event.kind) add_to(group, event.identity, event, on_decision, on_watch);
  }
}

void Counting::add_to(const Group& group, std::string_view identity, const Occurrence& event,
                      const OnDecision& on_decision, const OnDecision& on_watch) {
  const bool heard = std::any_of(group.rules.begin(), group.rules.end(), [&](std::size_t rule) {
    return listens_to(rules_[rule], event.signal);
  });
  if (!heard) return;
  write_subject_key(group.kind, identity, key_);
  if (subjects_.size() >= max_identities_ && subjects_.count(key_) == 0) make_room();
  auto& subject = subjects_[key_];
  if (subject.windows.empty()) subject.windows.resize(slots(group.kind));
  if (subject.fresh_since && event.time <= *subject.fresh_since) return;
  for (auto& term : subject.terms) {
    if (!term.until || event.time < *term.until) continue;
    ended_.push_back({*term.until, term.list, key_.substr(2)});
    end_of_term(subject, term, key_);
  }
  if (is_over(subject, event.time)) {
    forget_evidence(subject);
    subject.watched = 0;
  }

  bool near_limit = false;
  std::vector<std::size_t> reached, watched;
  for (const auto index : group.rules) {
    const auto& rule = rules_[index];
    if (!listens_to(rule, event.signal)) continue;
    // Who is in the list is blocked already; the window starts anew once he is freed.
    if ((subject.blocked >> list_of_rule_[index] & 1) != 0) {
      if (!doubts_.empty()) count_beside(index, identity, event);
      continue;
    }
    const auto* term = find_term(subject, list_of_rule_[index]);
    if (term != nullptr && event.time < term->ended) continue;  // of the block that has ended
    const auto digest = rule.count == CountBy::recipients ? recipient_digest(event.recipient) : 0;
    const auto limit = limits_[index].of(std::string_view(key_).substr(2));
    const auto count =
        subject.windows[slot_of_rule_[index]].add(event.time, digest, limit, rule.period);
    if (on_counted_) tell(index, subject, identity, event, digest, limit);
    near_limit = near_limit || count >= (limit + 1) / 2;
    const auto level = watch_level(rule, limit);
    const auto bit = std::uint64_t{1} << slot_of_rule_[index];
    if (std::uint64_t{2} * count < level) subject.watched &= ~bit;
    const bool near = level > 0 && count >= level && (subject.watched & bit) == 0;
    if (count < limit && !near) continue;
    if (event.first_start && event.time <= *event.first_start - rule.period) continue;
    subject.watched |= near ? bit : 0;
    (count < limit ? watched : reached).push_back(index);
  }
  remember(subject, event, near_limit);

  const auto limit_of = [&](std::size_t index) {
    return limits_[index].of(std::string_view(key_).substr(2));
  };
  for (const auto index : watched)
    on_watch(decision_of(subject, index, identity, event, limit_of(index)));
  for (const auto index : reached) {
    const auto list = list_of_rule_[index];
    if ((subject.blocked >> list & 1) != 0) continue;  // an earlier rule with the same list
    if (subject.windows[slot_of_rule_[index]].empty()) continue;  // its decision was taken back
    subject.blocked |= std::uint64_t{1} << list;
    auto decision = decision_of(subject, index, identity, event, limit_of(index));
    if (!rules_[index].block_for.empty()) start_term(subject, rules_[index], list, decision);
    on_decision(std::move(decision));
  }
}

Decision Counting::decision_of(const Subject& subject, std::size_t index, std::string_view identity,
                               const Occurrence& event, std::uint32_t limit) const {
  const auto& rule = rules_[index];
  const auto& window = subject.windows[slot_of_rule_[index]];
  Decision decision;
  decision.rule = rule.name;
  decision.identity_kind = rule.identity;
  decision.identity = std::string(identity);
  decision.list = rule.list;
  decision.time = event.time;
  decision.first = window.oldest();
  decision.count = static_cast<std::uint32_t>(window.size());
  decision.limit = limit;
  decision.period = rule.period;
  decision.place = {std::string(event.file), event.line, event.offset};
  decision.hosts.assign(subject.hosts.begin(), subject.hosts.end());
  decision.other_hosts = subject.other_hosts;
  decision.samples = subject.samples;
  return decision;
}

void Counting::remember(Subject& subject, const Occurrence& event, bool near_limit) const {
  const auto known = std::find_if(subject.hosts.begin(), subject.hosts.end(),
                                  [&](const HostCount& host) { return host.host == event.host; });
  if (known != subject.hosts.end()) {
    ++known->count;
  } else if (subject.hosts.size() < kMaxHosts) {
    subject.hosts.push_back({std::string(event.host), 1});
  } else {
    ++subject.other_hosts;
  }
  // Most people stay far below any limit: for them no text is kept.
  if (!near_limit) return;
  if (subject.samples.size() >= kMaxSamples) subject.samples.erase(subject.samples.begin());
  subject.samples.push_back({event.time.time_since_epoch().count(), cut(event.host),
                             cut(event.recipient), cut(event.reason)});
}

bool Counting::remembers(const Subject& subject, Instant now) const {
  return std::any_of(subject.terms.begin(), subject.terms.end(), [&](const Term& term) {
    return term.times > 0 && now <= term.ended + memory_[term.list];
  });
}

bool Counting::is_over(const Subject& subject, Instant now) const {
  return std::all_of(subject.windows.begin(), subject.windows.end(), [&](const Window& window) {
    return window.empty() || window.newest() <= now - longest_period_;
  });
}

void Counting::forget_evidence(Subject& subject) {
  subject.hosts.clear();
  subject.other_hosts = 0;
  subject.samples.clear();
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
      if (it->second.blocked != 0) continue;
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
  for (auto it = subjects_.begin(); it != subjects_.end();) {
    for (auto& window : it->second.windows) {
      if (!window.empty() && window.newest() > latest) window.clear();
    }
    const auto& subject = it->second;
    const bool fresh = subject.fresh_since && *subject.fresh_since > past - longest_period_;
    const bool kept =
        subject.blocked != 0 || fresh || !is_over(subject, past) || remembers(subject, past);
    it = kept ? std::next(it) : subjects_.erase(it);
  }
}

}  // namespace agent
