#include "agent/core/rule_table.h"

namespace agent {
namespace {

void carry_windows(Subject& subject, const SubjectKey& key, const RuleTable::Layout& saved,
                   const RuleTable& table) {
  auto windows = std::move(subject.windows);
  auto shares = std::exchange(subject.shares, {});
  const auto watched = std::exchange(subject.watched, 0);
  subject.undecided = 0;
  subject.windows.clear();
  std::array<std::size_t, kIdentityKinds> slot{};  // of the saved rules, by kind
  for (const auto& [kind, name] : saved.rules) {
    const auto from = slot[static_cast<std::size_t>(kind)]++;
    if (key.kind != kind || from >= windows.size()) continue;
    for (const auto& state : table.rules()) {
      if (state.rule.identity != kind || RuleTable::window_name(state.rule) != name) continue;
      subject.windows.resize(table.slots(kind));
      state.window_of(subject) = std::move(windows[from]);
      if (state.rule.min_share > 0 && from < shares.size())
        state.share_of(subject) = std::move(shares[from]);
      subject.watched |= (watched >> from & 1) << state.slot;
    }
  }
}

void carry_blocks(Subject& subject, const RuleTable::Layout& saved, const RuleTable& table) {
  const auto blocked = std::exchange(subject.blocked, 0);
  const auto terms = std::exchange(subject.terms, {});
  for (std::size_t from = 0; from < saved.lists.size() && from < RuleTable::kMaxLists; ++from) {
    for (std::size_t to = 0; to < table.places().size(); ++to) {
      if (table.places()[to].path != saved.lists[from]) continue;
      if ((blocked >> from & 1) != 0) subject.put_into_list(to);
      for (const auto& term : terms) {
        if (term.list == from) subject.terms.push_back({to, term.until, term.times, term.ended});
      }
    }
  }
}

}  // namespace

std::uint32_t RuleState::watch_level(std::uint32_t limit) const {
  return rule.watch == 0 ? 0
                         : static_cast<std::uint32_t>(std::max<std::uint64_t>(
                               1, (std::uint64_t{limit} * rule.watch + 99) / 100));
}

Decision RuleState::decision(const Subject& subject, std::string_view identity,
                             const Occurrence& event, std::uint32_t limit) const {
  const auto& window = window_of(subject);
  Decision decision;
  decision.rule = rule.name;
  decision.mode = rule.mode;
  decision.identity_kind = rule.identity;
  decision.identity = std::string(identity);
  if (rule.mode == RuleMode::block) decision.list = rule.list;
  decision.time = event.time;
  decision.first = window.oldest();
  decision.count = static_cast<std::uint32_t>(window.size());
  decision.what = counted_noun(rule, decision.count);
  decision.refusals = counts_refusals(rule);
  decision.limit = limit;
  decision.period = rule.period;
  decision.place = {std::string(event.file), event.line, event.offset};
  subject.add_evidence(rule, decision);
  return decision;
}

std::string RuleTable::place_of(const Rule& rule) {
  if (rule.mode == RuleMode::block) return rule.list;
  return std::string("trial:").append(name_of(rule.identity)).append(":").append(rule.name);
}

std::string RuleTable::window_name(const Rule& rule) {
  if (rule.count == CountBy::attempts || rule.count == CountBy::recipients) return rule.name;
  auto name = rule.name + "\n" + std::string(name_of(rule.count));
  if (rule.count == CountBy::networks)
    name += "/" + std::to_string(rule.network_v4) + "/" + std::to_string(rule.network_v6);
  return name;
}

RuleTable::RuleTable(const Config& config) {
  find_places(config);
  for (const auto& rule : config.rules) {
    const auto index = rules_.size();
    const auto list = place_for(rule);
    auto& repeat = repeat_within_[list];
    if (!rule.block_for.empty()) repeat = std::max(repeat, rule.repeat_within);
    longest_period_ = std::max(longest_period_, rule.period);
    rules_.push_back({rule, Limits(rule), list, slots_[static_cast<std::size_t>(rule.identity)]++});
    group_for(rule, config).rules.push_back(index);
    if (rule.identity == IdentityKind::relay) relays_.rules.push_back(index);
    if (rule.identity == IdentityKind::host) any_hosts_.rules.push_back(index);
  }
}

void RuleTable::find_places(const Config& config) {
  for (const auto mode : {RuleMode::block, RuleMode::trial}) {
    for (const auto& rule : config.rules) {
      if (rule.mode != mode || place_for(rule) < places_.size()) continue;
      places_.push_back({rule.identity, place_of(rule)});
    }
    if (mode == RuleMode::block) lists_ = places_;
  }
  repeat_within_.resize(places_.size());
}

std::size_t RuleTable::place_for(const Rule& rule) const {
  const auto known = std::find_if(places_.begin(), places_.end(),
                                  [&](const List& place) { return place.path == place_of(rule); });
  return static_cast<std::size_t>(known - places_.begin());
}

RuleTable::Group& RuleTable::group_for(const Rule& rule, const Config& config) {
  const int prefix = is_by_address(rule.identity) ? prefix_of(rule, config.relay) : 0;
  const auto known = std::find_if(groups_.begin(), groups_.end(), [&](const Group& group) {
    return group.kind == rule.identity && group.ipv6_prefix == prefix;
  });
  return known != groups_.end() ? *known : groups_.emplace_back(Group{rule.identity, prefix, {}});
}

RuleTable::Layout RuleTable::layout() const {
  Layout layout;
  for (const auto& state : rules_)
    layout.rules.emplace_back(state.rule.identity, window_name(state.rule));
  for (const auto& place : places_) layout.lists.push_back(place.path);
  return layout;
}

void carry_over(Subjects& subjects, const RuleTable::Layout& saved, const RuleTable& table) {
  for (auto& [key, subject] : subjects) {
    carry_windows(subject, key, saved, table);
    carry_blocks(subject, saved, table);
  }
}

}  // namespace agent
