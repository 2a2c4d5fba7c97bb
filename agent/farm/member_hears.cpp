// What follows for our lists from the words of the farm.
#include <algorithm>
#include <utility>

#include "actions/lists/lsearch.h"
#include "agent/core/network.h"
#include "agent/farm/member.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

// So late a word of ours may still be one of which nobody was told: the answer was lost, or we
// died.
constexpr std::int64_t kNoticeAfterCut = 3'600'000, kNoticeAfterCrash = 120'000;
// Wider networks come from no list of ours.
constexpr int kWidestV4 = 16, kWidestV6 = 32;

// What stands in a list of this kind is spelled so by the rules that write there, or was put in by
// hand.
bool fits(IdentityKind kind, const NamedStatement& word) {
  if (!actions::list_line(word.record.identity, "")) return false;
  if (kind != IdentityKind::relay || IpAddress::parse(word.record.identity)) return true;
  const auto network = Network::parse(word.record.identity);
  return network && network->text() == word.record.identity &&
         network->prefix >= (network->base.v6 ? kWidestV6 : kWidestV4);
}

// Also a network is, in which somebody is.
bool is_exempt(const IdentityTables& tables, const std::string& key) {
  if (tables.exempts(key)) return true;
  const auto network = Network::parse(key);
  return network && std::any_of(tables.exempt_hosts.begin(), tables.exempt_hosts.end(),
                                [&](const Network& exempt) {
                                  return exempt.contains(network->base) ||
                                         network->contains(exempt.base);
                                });
}

}  // namespace

bool FarmMember::allowed(std::size_t list, Now now) {
  auto& taken = taken_[list];
  while (!taken.empty() && now.steady - taken.front() > std::chrono::hours(1)) taken.pop_front();
  if (taken.size() >= max_per_hour_) return false;
  taken.push_back(now.steady);
  return true;
}

bool FarmMember::may_block(const NamedStatement& word, std::size_t list, const Counting& counting,
                           const IdentityTables& tables, Now now) {
  const auto kind = counting.lists()[list].kind;
  if (!fits(kind, word)) {
    ++refused_.unfit;
  } else if (is_exempt(tables, word.name.key)) {
    ++refused_.exempt;
  } else if (trust_ == FarmTrust::seen &&
             counting.subjects().count(subject_key(kind, word.name.key)) == 0) {
    ++refused_.trust;
    if (unseen_.size() < kMaxUnseen) unseen_.insert(word.name);
  } else if (!allowed(list, now)) {
    ++refused_.postponed;
  } else {
    return true;
  }
  return false;
}

// Who is not in our list may have been counted, or may still be by older lines: that is over, too.
void FarmMember::free(Order order, bool blocked, Entry& entry, const Counting& counting, Now now,
                      Heard& heard) {
  const auto kind = counting.lists()[order.list].kind;
  const auto young = (longest_period() + 1h).count() * 1000;
  const bool matters = blocked || entry.record.stamp > farm_now(now) - young ||
                       counting.subjects().count(subject_key(kind, order.word.name.key)) > 0;
  entry.applied = !matters || allowed(order.list, now);
  if (!entry.applied) {
    ++refused_.postponed;
    return;
  }
  if (!matters) return;
  order.kind = Order::Kind::free;
  ordered_[order.word.name] = false;
  heard.orders.push_back(std::move(order));
}

// Whose word it is it says itself. So nothing is believed for the sake of our name in it, but that
// a notice is ours to send.
void FarmMember::act(const FarmName& name, Entry& entry, bool fresh, const Counting& counting,
                     const IdentityTables& tables, Now now, Heard& heard) {
  const auto list = list_called(name.list, counting);
  if (!list) {
    ++refused_.unknown_list;
    entry.applied = false;
    return;
  }
  const auto& record = entry.record;
  const auto ordered = ordered_.find(name);
  const bool blocked =
      ordered != ordered_.end() ? ordered->second : counting.is_blocked(*list, name.key);
  const auto age = farm_now(now) - record.stamp;
  const bool ours = fresh && record.told_by() == host_ && record.why != FarmStatement::Why::hand;
  Order order{Order::Kind::block, *list, {name, record}, ours && age < kNoticeAfterCut};
  if (trust_ == FarmTrust::none) {
    entry.applied = false;
  } else if (!record.blocked) {
    free(std::move(order), blocked, entry, counting, now, heard);
  } else if (record.over(seconds_of(now.wall))) {
    entry.applied = true;
  } else if (blocked) {
    entry.applied = true;
    const auto end = counting.end_of(*list, name.key);
    const auto until = end ? std::optional(seconds_of(*end)) : std::nullopt;
    if (ordered == ordered_.end() && until != record.until) {
      auto other = order;
      other.kind = Order::Kind::end;
      heard.orders.push_back(std::move(other));
    }
    // Written just before a crash, and nobody was told.
    order.kind = Order::Kind::notice;
    if (ours && age < kNoticeAfterCrash) heard.orders.push_back(std::move(order));
  } else {
    entry.applied = may_block(order.word, *list, counting, tables, now);
    if (!entry.applied) return;
    ordered_[name] = true;
    heard.orders.push_back(std::move(order));
  }
}

void FarmMember::receive(NamedStatement&& word, const Counting& counting,
                         const IdentityTables& tables, Now now, Heard& heard) {
  const bool unknown = records_.count(word.name) == 0;
  auto* entry = is_ahead(word.record, now) ? nullptr : entry_for(word.name, word.record.blocked);
  if (entry == nullptr) {
    ++refused_.unfit;
    return;
  }
  if (!unknown && entry->record.newer_than(word.record)) return;
  const bool same = !unknown && !word.record.newer_than(entry->record);
  entry->on_server = true;
  if (same && entry->applied) return;
  const bool fresh = !same && (unknown || entry->record.over(seconds_of(now.wall)));
  entry->record = std::move(word.record);
  ++changes_;
  act(word.name, *entry, fresh, counting, tables, now, heard);
}

void FarmMember::settle(FarmNews&& news, const Counting& counting, const IdentityTables& tables,
                        Now now, Heard& heard) {
  const auto name = news.word.name;
  const bool freed = news.proposed.blocked && !news.word.record.blocked;
  const auto found = records_.find(name);
  if (found == records_.end() || !(found->second.record == news.proposed) ||
      is_ahead(news.word.record, now)) {
    receive(std::move(news.word), counting, tables, now, heard);
  } else {
    auto& entry = found->second;
    entry.on_server = true;
    ++changes_;
    // The server may have put back the stamp of a clock that is ahead.
    const auto stamp = news.word.record.stamp;
    news.proposed.stamp = stamp;
    if (news.proposed == news.word.record) {
      entry.record.stamp = stamp;
    } else {
      const bool fresh = entry.record.over(seconds_of(now.wall));
      entry.record = std::move(news.word.record);
      act(name, entry, fresh, counting, tables, now, heard);
    }
  }
  heard.settled.push_back({name, news.blocked_before || freed});
}

void FarmMember::not_done(const FarmName& name) {
  const auto found = records_.find(name);
  if (found == records_.end()) return;
  found->second.applied = false;
  ++changes_;
  undone_.insert(name);
}

std::vector<FarmMember::Order> FarmMember::undone(const Counting& counting) {
  std::vector<Order> orders;
  for (const auto& name : std::exchange(undone_, {})) {
    const auto found = records_.find(name);
    const auto list = list_called(name.list, counting);
    if (found == records_.end() || found->second.record.blocked || !list) continue;
    found->second.applied = true;
    ++changes_;
    orders.push_back({Order::Kind::free, *list, {name, found->second.record}, false});
  }
  return orders;
}

FarmMember::Heard FarmMember::take(const Counting& counting, const IdentityTables& tables,
                                   Now now) {
  Heard heard;
  ordered_.clear();
  now_ = now.wall;
  for (const auto& name : std::exchange(seen_now_, {})) {
    const auto found = records_.find(name);
    if (found != records_.end() && !found->second.applied)
      act(name, found->second, false, counting, tables, now, heard);
  }
  for (auto& news : link_.take()) {
    switch (news.kind) {
      case FarmNews::Kind::word:
        receive(std::move(news.word), counting, tables, now, heard);
        break;
      case FarmNews::Kind::settled:
        settle(std::move(news), counting, tables, now, heard);
        break;
      case FarmNews::Kind::all:
        for (auto& [name, entry] : records_) entry.on_server = false;
        break;
      case FarmNews::Kind::that_was:
        just_joined_ = just_joined_ || !joined_;
        joined_ = true;
        forget_old(now);
        for (const auto& [name, entry] : records_) {
          if (!entry.on_server) words_.push_back({name, entry.record});
        }
        answering_ = true;
        break;
      case FarmNews::Kind::windows:
        windows_.clear();
        for (const auto& [key, subject] : counting.subjects()) windows_.push_back(key);
        break;
    }
  }
  return heard;
}

}  // namespace agent
