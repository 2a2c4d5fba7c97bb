#include "agent/service/farm_side.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "agent/core/attribution.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

// So long a notice waits for the farm to say whether another host sends it.
constexpr auto kNoticePatience = 3s;
constexpr auto kFreeAgain = 1s;
constexpr auto kRoom = 20ms;  // until the farm may have taken some of the live windows

Instant instant_of(std::int64_t seconds) {
  return Instant(std::chrono::seconds(seconds));
}

const std::string& host_in_farm(const EngineContext& context) {
  const auto& configured = context.config.farm.host;
  return configured.empty() ? context.options.host : configured;
}

}  // namespace

FarmSide::FarmSide(const EngineContext& context, FarmLink* link, Pipeline& pipeline,
                   ListKeeper& lists, Announcer& announcer, CheckpointWriter& checkpoints)
    : context_(context),
      link_(link),
      pipeline_(pipeline),
      lists_(lists),
      announcer_(announcer),
      checkpoints_(checkpoints) {
  if (link_ == nullptr) return;
  member_.emplace(context_.config, *link_, host_in_farm(context_));
  watch_counts();
}

void FarmSide::reconfigured() {
  lists_changed_ = true;
  if (!member_) return;
  member_->configure(context_.config, host_in_farm(context_));
  watch_counts();
}

void FarmSide::watch_counts() {
  pipeline_.counting().on_counted([this](const auto& event) {
    // While old lines are caught up with: what can't decide any more is no sign of a wrong clock.
    const auto& rule = context_.config.rules[event.rule];
    if (context_.settled || event.time > context_.now.wall - rule.period) member_->counted(event);
  });
}

void FarmSide::restore(const Checkpoint& saved) {
  if (member_) member_->restore(saved.farm_words, saved.layout.lists);
}

void FarmSide::save(Checkpoint& state) const {
  // A notice that is held waits like any other, should we die.
  for (const auto& [name, held] : held_notices_) {
    if (held.announcement.notice) state.outbox.push_back({*held.announcement.notice, 0});
    for (const auto& [action, notice] : held.announcement.actions)
      state.actions.push_back({action, {notice, 0}});
  }
  if (!member_) return;
  state.farm_words = member_->saved();
  const auto status = link_->status();
  state.farm = SavedFarm{status.connected, status.fault,        status.waiting,
                         status.dropped,   status.counts.ahead, status.counts.late};
}

void FarmSide::decided(const Decision& decision) {
  if (member_) member_->decided(decision, pipeline_.counting().lists(), context_.now);
}

void FarmSide::listen() {
  if (!member_) return;
  say_state();
  auto& counting = pipeline_.counting();
  const auto& now = context_.now;
  const auto known = member_->changes();
  // Ours first: see farm/member.h.
  if (std::exchange(lists_changed_, false)) compare();
  if (now.steady >= next_undone_) {
    follow(member_->undone(counting));
    next_undone_ = now.steady + kFreeAgain;
  }
  const auto tables = pipeline_.options().tables ? pipeline_.options().tables
                                                 : IdentityTables::without_files(context_.config);
  const auto heard = member_->take(counting, *tables, now);
  follow(heard.orders);
  settle_notices(heard.settled);
  // What came with the last statement of all may be compared now.
  if (member_->take_joined()) compare();
  release_overdue_notices();
  if (member_->changes() != known) checkpoints_.hurry();
}

void FarmSide::compare() {
  member_->compare(pipeline_.counting(), context_.settled, context_.now);
}

// Releases together, but none behind a later block.
void FarmSide::follow(const std::vector<Order>& orders) {
  std::map<std::size_t, std::vector<Order>> freed;
  std::set<FarmName> names;
  const auto free_them = [&] {
    for (const auto& [list, of_list] : freed) free(list, of_list);
    freed.clear();
    names.clear();
  };
  for (const auto& order : orders) {
    if (order.kind == Order::Kind::free) {
      freed[order.list].push_back(order);
      names.insert(order.word.name);
      continue;
    }
    if (names.count(order.word.name) > 0) free_them();
    if (order.kind == Order::Kind::end) {
      end(order);
    } else {
      block(order);
    }
  }
  free_them();
}

void FarmSide::block(const Order& order) {
  const auto& record = order.word.record;
  const auto& zone = context_.zone;
  const bool by_hand = record.why == FarmStatement::Why::hand;
  const auto decision = decision_of(order);
  auto data = by_hand ? fmt::format("{} by-hand by=farm:{}",
                                    zone.text(instant_of(record.stamp / 1000)), record.host)
                      : announcer_.list_data_for(decision);
  if (by_hand && record.until) data += " until=" + zone.text(instant_of(*record.until));
  auto& counting = pipeline_.counting();
  if (order.kind == Order::Kind::block) {
    (void)lists_.list(order.list).take_in(record.identity, data);
    lists_.list(order.list).write(counting, context_.now, context_.behind);
    counting.set_blocked(order.list, order.word.name.key);
    if (record.until) {
      counting.set_end(order.list, order.word.name.key, instant_of(*record.until));
      counting.set_times(order.list, order.word.name.key, record.times);
    }
    ++blocked_;
    remember_block(order, decision);
    if (by_hand) {
      context_.options.say(fmt::format("{}: {} was blocked by hand on {}", lists_.path(order.list),
                                       printable(record.identity), record.host));
    } else {
      context_.options.on_decision(decision, zone);
    }
  }
  if (!order.notice || by_hand) return;
  announcer_.send(announcer_.of_block(decision, record.identity, data));
}

void FarmSide::remember_block(const Order& order, const Decision& decision) {
  auto entry = entry_of(HistoryEvent::blocked, decision, context_.zone);
  const auto& record = order.word.record;
  if (record.why == FarmStatement::Why::hand) {
    entry.time = instant_of(record.stamp / 1000);
    entry.rule = first_rule_of(context_.config, decision.list);
    entry.count = entry.limit = std::nullopt;
    entry.period.reset();
  }
  entry.by = "farm:" + record.host;
  announcer_.remember(std::move(entry));
}

// The decision that the farm or another host has made, as this host would have made it.
Decision FarmSide::decision_of(const Order& order) const {
  const auto& counting = pipeline_.counting();
  const auto& list = counting.lists()[order.list];
  const auto& record = order.word.record;
  Decision decision;
  decision.rule = record.rule;
  decision.identity_kind = list.kind;
  decision.identity = record.identity;
  decision.list = list.path;
  decision.time = instant_of(record.time);
  decision.first = instant_of(record.first);
  decision.count = record.count;
  decision.limit = record.limit;
  decision.period = std::chrono::seconds(record.period);
  decision.place.file = "farm";
  decision.farm = record.hosts;
  if (record.until) decision.until = instant_of(*record.until);
  decision.times = record.times;
  counting.add_evidence(list.kind, order.word.name.key, decision);
  return decision;
}

// By this machine's clock, and not in what is still to come.
Instant FarmSide::local_time_of(const FarmStatement& statement) const {
  const auto ours = (statement.stamp - link_->status().clock_offset) / 1000;
  return std::min(instant_of(ours), context_.now.wall);
}

void FarmSide::free(std::size_t list, const std::vector<Order>& orders) {
  auto& counting = pipeline_.counting();
  const auto young = context_.now.wall - member_->longest_period() - 1h;
  std::vector<BlockedList::Freed> freed;
  std::vector<const Order*> were_blocked;
  for (const auto& order : orders) {
    const auto since = local_time_of(order.word.record);
    freed.push_back({order.word.name.key, since, since > young});
    if (counting.is_blocked(list, order.word.name.key)) were_blocked.push_back(&order);
  }
  if (!lists_.list(list).free(freed, counting)) {
    for (const auto& order : orders) member_->not_done(order.word.name);
    return;
  }
  for (const auto* order : were_blocked) {
    ++freed_;
    HistoryEntry entry;
    entry.event = HistoryEvent::freed;
    entry.time = context_.now.wall;
    entry.rule = first_rule_of(context_.config, lists_.path(list));
    entry.kind = counting.lists()[list].kind;
    entry.identity = order->word.record.identity;
    entry.by = "farm:" + order->word.record.host;
    announcer_.remember(std::move(entry));
    context_.options.say(fmt::format("{}: {} is free again, by {}", lists_.path(list),
                                     printable(order->word.record.identity),
                                     order->word.record.host));
  }
}

// Two hosts had blocked the same identity: the later statement says until when.
void FarmSide::end(const Order& order) {
  auto& counting = pipeline_.counting();
  const auto& [name, record] = order.word;
  const auto until = record.until ? std::optional(instant_of(*record.until)) : std::nullopt;
  // If that fails its line has the last word, as ever.
  if (!lists_.list(order.list).end_at(name.key, until, context_.zone)) return;
  counting.set_end(order.list, name.key, until);
  if (until) counting.set_times(order.list, name.key, record.times);
}

bool FarmSide::hold_back(const Decision& decision, const Announcement& announcement) {
  if (!member_) return false;
  const auto status = link_->status();
  // In the first moments nobody knows yet whether the server is there.
  if (!status.connected && (status.connections > 0 || !status.fault.empty())) return false;
  const FarmName name{farm_list_name(decision.list), folded(decision.identity)};
  held_notices_[name] = {announcement, context_.now.steady + kNoticePatience};
  return true;
}

void FarmSide::settle_notices(const std::vector<FarmMember::Settled>& settled) {
  for (const auto& [name, blocked_before] : settled) {
    const auto held = held_notices_.find(name);
    if (held == held_notices_.end()) continue;
    if (!blocked_before) announcer_.send(std::move(held->second.announcement));
    held_notices_.erase(held);
  }
}

void FarmSide::release_overdue_notices() {
  for (auto it = held_notices_.begin(); it != held_notices_.end();) {
    if (context_.now.steady < it->second.due) {
      ++it;
      continue;
    }
    announcer_.send(std::move(it->second.announcement));
    it = held_notices_.erase(it);
  }
}

bool FarmSide::report() {
  return member_ && (member_->hand_over(pipeline_.counting()) || member_->has_seen());
}

void FarmSide::say_state() {
  const auto status = link_->status();
  const auto fault = status.connected ? std::string() : printable(status.fault);
  if (status.connected && !connected_) {
    context_.options.say(fmt::format(
        "farm: counting with the others, through version {} of the server", status.server));
  } else if (!fault.empty() && fault != fault_) {
    context_.options.say(fault + "; counting alone until it is back");
  }
  const auto refused = status.counts.ahead + status.counts.late;
  if (refused > 0 && events_refused_ == 0) {
    context_.options.say(fmt::format(
        "farm: the server refuses events of this host, whose clock or zone seems to be wrong: its "
        "own clock is {} s ahead of ours",
        status.clock_offset / 1000));
  }
  events_refused_ = refused;
  connected_ = status.connected;
  fault_ = fault;
}

std::string FarmSide::fault() const {
  return fault_.empty() ? fault_ : fault_ + "; counting alone until it is back";
}

std::optional<Metrics::Farm> FarmSide::metrics() const {
  if (!member_) return std::nullopt;
  const auto status = link_->status();
  const auto& refused = member_->refused();
  Metrics::Farm farm;
  farm.connected = status.connected;
  farm.words = member_->records();
  farm.waiting = status.waiting;
  farm.dropped = status.dropped;
  farm.added = status.counts.added;
  farm.ahead = status.counts.ahead;
  farm.late = status.counts.late;
  farm.crowded = status.counts.crowded;
  farm.connections = status.connections;
  farm.resyncs = status.resyncs;
  farm.strange = status.strange;
  farm.blocked = blocked_;
  farm.freed = freed_;
  farm.unknown_list = refused.unknown_list;
  farm.exempt = refused.exempt;
  farm.trust = refused.trust;
  farm.unfit = refused.unfit;
  farm.postponed = refused.postponed;
  return farm;
}

std::optional<FarmSide::Steady> FarmSide::due() const {
  if (!member_) return std::nullopt;
  std::optional<Steady> due;
  const auto sooner = [&](Steady time) { due = due ? std::min(*due, time) : time; };
  if (member_->has_windows()) sooner(context_.now.steady + kRoom);
  if (member_->has_undone()) sooner(next_undone_);
  for (const auto& [name, held] : held_notices_) sooner(held.due);
  return due;
}

}  // namespace agent
