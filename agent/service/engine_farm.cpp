// The farm's words become lines in lists here, by the same way as this host's own decisions, and
// its lists become words.
#include <fmt/format.h>

#include <utility>

#include "agent/core/printable.h"
#include "agent/lists/list_lines.h"
#include "agent/service/engine.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

// So long a notice waits for the word of the farm whether another host sends it.
constexpr auto kNoticePatience = 3s;
constexpr auto kFreeAgain = 1s;
constexpr auto kRoom = 20ms;  // until the farm may have taken some of the live windows

Instant instant_of(std::int64_t seconds) {
  return Instant(std::chrono::seconds(seconds));
}

}  // namespace

// Of a limit that the farm or another host has seen reached.
Decision Engine::decision_of(const FarmMember::Order& order) const {
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

void Engine::block_for_farm(const FarmMember::Order& order) {
  const auto& record = order.word.record;
  const bool by_hand = record.why == FarmStatement::Why::hand;
  const auto decision = decision_of(order);
  auto data = by_hand ? fmt::format("{} by-hand by=farm:{}",
                                    zone_.text(instant_of(record.stamp / 1000)), record.host)
                      : list_data(decision, zone_, spool_space());
  if (by_hand && record.until) data += " until=" + zone_.text(instant_of(*record.until));
  auto& counting = pipeline_.counting();
  if (order.kind == FarmMember::Order::Kind::block) {
    (void)lists_.list(order.list).take_in(record.identity, data);
    lists_.list(order.list).write(counting, now_, behind_);
    counting.set_blocked(order.list, order.word.name.key);
    if (record.until) {
      counting.set_end(order.list, order.word.name.key, instant_of(*record.until));
      counting.set_times(order.list, order.word.name.key, record.times);
    }
    ++farm_blocked_;
    if (by_hand) {
      options_.say(fmt::format("{}: {} was blocked by hand on {}", lists_.path(order.list),
                               printable(record.identity), record.host));
    } else {
      options_.on_decision(decision, zone_);
    }
  }
  if (!order.notice || by_hand || !wants_notices(config_.notify)) return;
  outbox_.add(
      compose_notice(decision, zone_, now_.wall, block_context(decision, record.identity, data)));
}

// By this machine's clock, and not in what is still to come.
Instant Engine::moment_of(const FarmStatement& record) const {
  const auto ours = (record.stamp - parts_.farm->status().clock_offset) / 1000;
  return std::min(instant_of(ours), now_.wall);
}

void Engine::free_for_farm(std::size_t list, const std::vector<FarmMember::Order>& orders) {
  auto& counting = pipeline_.counting();
  const auto young = now_.wall - farm_->longest_period() - 1h;
  std::vector<BlockedList::Freed> freed;
  std::vector<const FarmMember::Order*> were;
  for (const auto& order : orders) {
    const auto since = moment_of(order.word.record);
    freed.push_back({order.word.name.key, since, since > young});
    if (counting.is_blocked(list, order.word.name.key)) were.push_back(&order);
  }
  if (!lists_.list(list).free(freed, counting)) {
    for (const auto& order : orders) farm_->not_done(order.word.name);
    return;
  }
  for (const auto* order : were) {
    ++farm_freed_;
    options_.say(fmt::format("{}: {} is free again, by {}", lists_.path(list),
                             printable(order->word.record.identity), order->word.record.host));
  }
}

// Two hosts had blocked the same identity: the later word says until when.
void Engine::end_for_farm(const FarmMember::Order& order) {
  auto& counting = pipeline_.counting();
  const auto& [name, record] = order.word;
  const auto until = record.until ? std::optional(instant_of(*record.until)) : std::nullopt;
  // If that fails its line has the last word, as ever.
  if (!lists_.list(order.list).end_at(name.key, until, zone_)) return;
  counting.set_end(order.list, name.key, until);
  if (until) counting.set_times(order.list, name.key, record.times);
}

// Releases together, but none behind a later block.
void Engine::follow_farm(const std::vector<FarmMember::Order>& orders) {
  std::map<std::size_t, std::vector<FarmMember::Order>> freed;
  std::set<FarmName> names;
  const auto free_them = [&] {
    for (const auto& [list, of_list] : freed) free_for_farm(list, of_list);
    freed.clear();
    names.clear();
  };
  for (const auto& order : orders) {
    if (order.kind == FarmMember::Order::Kind::free) {
      freed[order.list].push_back(order);
      names.insert(order.word.name);
      continue;
    }
    if (names.count(order.word.name) > 0) free_them();
    if (order.kind == FarmMember::Order::Kind::end) {
      end_for_farm(order);
    } else {
      block_for_farm(order);
    }
  }
  free_them();
}

bool Engine::hold_notice(const Decision& decision, const Notice& notice) {
  if (!farm_) return false;
  const auto status = parts_.farm->status();
  // In the first moments nobody knows yet whether the server is there.
  if (!status.connected && (status.connections > 0 || !status.fault.empty())) return false;
  const FarmName name{farm_list_name(decision.list), folded(decision.identity)};
  held_notices_[name] = {notice, now_.steady + kNoticePatience};
  return true;
}

void Engine::release_notices(Now now) {
  for (auto it = held_notices_.begin(); it != held_notices_.end();) {
    if (now.steady < it->second.due) {
      ++it;
      continue;
    }
    outbox_.add(std::move(it->second.notice));
    it = held_notices_.erase(it);
  }
}

void Engine::hear_farm(Now now) {
  if (!farm_) return;
  say_farm_state();
  auto& counting = pipeline_.counting();
  const auto known = farm_->changes();
  // Ours first: see farm/member.h.
  if (std::exchange(lists_changed_, false)) farm_->compare(counting, settled_, now);
  if (now.steady >= next_undone_) {
    follow_farm(farm_->undone(counting));
    next_undone_ = now.steady + kFreeAgain;
  }
  const auto tables = pipeline_.options().tables ? pipeline_.options().tables
                                                 : IdentityTables::without_files(config_);
  auto heard = farm_->take(counting, *tables, now);
  follow_farm(heard.orders);
  for (const auto& settled : heard.settled) {
    const auto held = held_notices_.find(settled.name);
    if (held == held_notices_.end()) continue;
    if (!settled.blocked_before) outbox_.add(std::move(held->second.notice));
    held_notices_.erase(held);
  }
  // What came with the last word of all may be compared now.
  if (farm_->take_joined()) farm_->compare(counting, settled_, now);
  release_notices(now);
  if (farm_->changes() != known) checkpoints_.hurry();
}

void Engine::watch_counts() {
  if (!farm_) return;
  pipeline_.counting().on_counted([this](const auto& event) {
    // While old lines are caught up with: what can't decide any more is no sign of a wrong clock.
    if (settled_ || event.time > now_.wall - config_.rules[event.rule].period)
      farm_->counted(event);
  });
}

void Engine::save_farm(Checkpoint& state) const {
  // A notice that is held waits like any other, should we die.
  for (const auto& [name, held] : held_notices_) state.outbox.push_back({held.notice, 0});
  if (!farm_) return;
  state.farm_words = farm_->saved();
  const auto status = parts_.farm->status();
  state.farm = SavedFarm{status.connected, status.fault,        status.waiting,
                         status.dropped,   status.counts.ahead, status.counts.late};
}

bool Engine::tell_farm() {
  return farm_ && (farm_->hand_over(pipeline_.counting()) || farm_->has_seen());
}

void Engine::say_farm_state() {
  const auto status = parts_.farm->status();
  const auto fault = status.connected ? std::string() : printable(status.fault);
  if (status.connected && !farm_connected_) {
    options_.say(fmt::format("farm: counting with the others, through version {} of the server",
                             status.server));
  } else if (!fault.empty() && fault != farm_fault_) {
    options_.say(fault + "; counting alone until it is back");
  }
  const auto refused = status.counts.ahead + status.counts.late;
  if (refused > 0 && farm_refused_ == 0) {
    options_.say(fmt::format(
        "farm: the server refuses events of this host, whose clock or zone seems to be wrong: its "
        "own clock is {} s ahead of ours",
        status.clock_offset / 1000));
  }
  farm_refused_ = refused;
  farm_connected_ = status.connected;
  farm_fault_ = fault;
}

Metrics::Farm Engine::farm_metrics() const {
  const auto status = parts_.farm->status();
  const auto& refused = farm_->refused();
  Metrics::Farm farm;
  farm.connected = status.connected;
  farm.words = farm_->records();
  farm.waiting = status.waiting;
  farm.dropped = status.dropped;
  farm.added = status.counts.added;
  farm.ahead = status.counts.ahead;
  farm.late = status.counts.late;
  farm.crowded = status.counts.crowded;
  farm.connections = status.connections;
  farm.resyncs = status.resyncs;
  farm.strange = status.strange;
  farm.blocked = farm_blocked_;
  farm.freed = farm_freed_;
  farm.unknown_list = refused.unknown_list;
  farm.exempt = refused.exempt;
  farm.trust = refused.trust;
  farm.unfit = refused.unfit;
  farm.postponed = refused.postponed;
  return farm;
}

std::optional<Engine::Steady> Engine::farm_due() const {
  if (!farm_) return std::nullopt;
  std::optional<Steady> due;
  const auto sooner = [&](Steady time) { due = due ? std::min(*due, time) : time; };
  if (farm_->has_windows()) sooner(now_.steady + kRoom);
  if (farm_->has_undone()) sooner(next_undone_);
  for (const auto& [name, held] : held_notices_) sooner(held.due);
  return due;
}

}  // namespace agent
