#include "agent/counting.h"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/attribution.h"
#include "agent/digest.h"

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

void Counting::add(const Occurrence& event, const OnDecision& on_decision) {
  if (!newest_ || event.time > *newest_) newest_ = event.time;
  if (event.kind == IdentityKind::relay) {
    const auto address = IpAddress::parse(event.identity);
    if (!address || !address->v6) {
      // The same identity however IPv6 is grouped.
      add_to(relays_, address ? address->text() : std::string(event.identity), event, on_decision);
      return;
    }
    for (const auto& group : groups_) {
      if (group.kind != IdentityKind::relay) continue;
      add_to(group, Network::around(*address, group.ipv6_prefix).text(), event, on_decision);
    }
    return;
  }
  for (const auto& group : groups_) {
    if (group.kind == event.kind) add_to(group, event.identity, event, on_decision);
  }
}

void Counting::add_to(const Group& group, std::string_view identity, const Occurrence& event,
                      const OnDecision& on_decision) {
  const bool heard = std::any_of(group.rules.begin(), group.rules.end(), [&](std::size_t rule) {
    return listens_to(rules_[rule], event.signal);
  });
  if (!heard) return;
  write_subject_key(group.kind, identity, key_);
  if (subjects_.size() >= max_identities_ && subjects_.count(key_) == 0) make_room();
  auto& subject = subjects_[key_];
  if (subject.windows.empty()) subject.windows.resize(slots(group.kind));
  if (subject.fresh_since && event.time <= *subject.fresh_since) return;
  if (is_over(subject, event.time)) forget_evidence(subject);

  bool near_limit = false;
  std::vector<std::size_t> reached;
  for (const auto index : group.rules) {
    const auto& rule = rules_[index];
    if (!listens_to(rule, event.signal)) continue;
    // Who is in the list is blocked already; the window starts anew once he is freed.
    if ((subject.blocked >> list_of_rule_[index] & 1) != 0) continue;
    const auto digest = rule.count == CountBy::recipients ? recipient_digest(event.recipient) : 0;
    const auto limit = limits_[index].of(std::string_view(key_).substr(2));
    const auto count =
        subject.windows[slot_of_rule_[index]].add(event.time, digest, limit, rule.period);
    near_limit = near_limit || count >= (limit + 1) / 2;
    if (count < limit) continue;
    if (event.first_start && event.time <= *event.first_start - rule.period) continue;
    reached.push_back(index);
  }
  remember(subject, event, near_limit);

  for (const auto index : reached) {
    const auto list = list_of_rule_[index];
    if ((subject.blocked >> list & 1) != 0) continue;  // an earlier rule with the same list
    if (subject.windows[slot_of_rule_[index]].empty()) continue;  // its decision was taken back
    subject.blocked |= std::uint64_t{1} << list;
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
    decision.limit = limits_[index].of(std::string_view(key_).substr(2));
    decision.period = rule.period;
    decision.place = {std::string(event.file), event.line, event.offset};
    decision.hosts = subject.hosts;
    decision.other_hosts = subject.other_hosts;
    decision.samples = subject.samples;
    on_decision(std::move(decision));
  }
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

void Counting::set_blocked(std::size_t list, std::string_view key) {
  auto& subject = subjects_[subject_key(lists_[list].kind, key)];
  subject.blocked |= std::uint64_t{1} << list;
}

void Counting::set_freed(std::size_t list, std::string_view key, std::optional<Instant> since) {
  const auto name = subject_key(lists_[list].kind, key);
  if (!since && subjects_.count(name) == 0) return;
  auto& subject = subjects_[name];
  subject.blocked &= ~(std::uint64_t{1} << list);
  for (std::size_t rule = 0; rule < rules_.size(); ++rule) {
    if (list_of_rule_[rule] == list && !subject.windows.empty()) {
      subject.windows[slot_of_rule_[rule]].clear();
    }
  }
  forget_evidence(subject);
  subject.fresh_since = since;
}

bool Counting::is_blocked(std::size_t list, std::string_view key) const {
  const auto found = subjects_.find(subject_key(lists_[list].kind, key));
  return found != subjects_.end() && (found->second.blocked >> list & 1) != 0;
}

std::vector<std::string> Counting::blocked(std::size_t list) const {
  std::vector<std::string> keys;
  for (const auto& [key, subject] : subjects_) {
    if ((subject.blocked >> list & 1) != 0 && key[0] == tag(lists_[list].kind)) {
      keys.push_back(key.substr(2));
    }
  }
  std::sort(keys.begin(), keys.end());
  return keys;
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

void Counting::expire(Instant now) {
  constexpr std::chrono::hours kImplausible{24};
  const auto past = now - kApart;
  for (auto it = subjects_.begin(); it != subjects_.end();) {
    for (auto& window : it->second.windows) {
      if (!window.empty() && window.newest() > now + kImplausible) window.clear();
    }
    const auto& subject = it->second;
    const bool fresh = subject.fresh_since && *subject.fresh_since > past - longest_period_;
    it = subject.blocked == 0 && !fresh && is_over(subject, past) ? subjects_.erase(it)
                                                                  : std::next(it);
  }
}

Counting::Layout Counting::layout() const {
  Layout layout;
  for (const auto& rule : rules_) layout.rules.emplace_back(rule.identity, rule.name);
  for (const auto& list : lists_) layout.lists.push_back(list.path);
  return layout;
}

void Counting::restore(Subjects subjects, const Layout& saved, std::optional<Instant> newest) {
  newest_ = newest;
  subjects_ = std::move(subjects);
  if (saved == layout()) return;
  for (auto& [key, subject] : subjects_) {
    auto windows = std::move(subject.windows);
    const auto blocked = subject.blocked;
    subject.windows.clear();
    subject.blocked = 0;
    std::array<std::size_t, 3> slot{};  // of the saved rules, by kind
    for (const auto& [kind, name] : saved.rules) {
      const auto from = slot[static_cast<std::size_t>(kind)]++;
      if (key[0] != tag(kind) || from >= windows.size()) continue;
      for (std::size_t i = 0; i < rules_.size(); ++i) {
        if (rules_[i].identity != kind || rules_[i].name != name) continue;
        subject.windows.resize(slots(kind));
        subject.windows[slot_of_rule_[i]] = std::move(windows[from]);
      }
    }
    for (std::size_t from = 0; from < saved.lists.size() && from < kMaxLists; ++from) {
      for (std::size_t to = 0; to < lists_.size(); ++to) {
        if (lists_[to].path == saved.lists[from] && (blocked >> from & 1) != 0) {
          subject.blocked |= std::uint64_t{1} << to;
        }
      }
    }
  }
}

}  // namespace agent
