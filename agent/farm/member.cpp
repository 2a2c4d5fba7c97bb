#include "agent/farm/member.h"

#include <algorithm>
#include <utility>

#include "actions/lsearch.h"
#include "agent/attribution.h"
#include "agent/network.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kChunk = 5000;  // events of live windows in one turn
// A word that is further ahead was stamped by a clock that was wrong, or by somebody who lies.
constexpr std::int64_t kAhead = 300'000;  // milliseconds
// Who is free, or whose block was over, for longer needs no word any more.
constexpr std::chrono::seconds kForgetAfter = 24h * 30;
// So late a word of ours may still be one of which nobody was told: the answer was lost, or we
// died.
constexpr std::int64_t kNoticeAfterCut = 3'600'000, kNoticeAfterCrash = 120'000;
constexpr int kLookForRoom = 256;
// Wider networks come from no list of ours.
constexpr int kWidestV4 = 16, kWidestV6 = 32;

std::int64_t seconds_of(Instant time) {
  return time.time_since_epoch().count();
}

// What stands in a list of this kind is spelled so by the rules that write there, or was put in by
// hand.
bool fits(IdentityKind kind, const FarmWord& word) {
  if (!actions::list_line(word.record.identity, "")) return false;
  if (kind != IdentityKind::relay || IpAddress::parse(word.record.identity)) return true;
  const auto network = Network::parse(word.record.identity);
  return network && network->text() == word.record.identity &&
         network->prefix >= (network->base.v6 ? kWidestV6 : kWidestV4);
}

// Also a network is, in which somebody is.
bool is_exempt(const Tables& tables, const std::string& key) {
  if (tables.exempts(key)) return true;
  const auto network = Network::parse(key);
  return network && std::any_of(tables.exempt_hosts.begin(), tables.exempt_hosts.end(),
                                [&](const Network& exempt) {
                                  return exempt.contains(network->base) ||
                                         network->contains(exempt.base);
                                });
}

}  // namespace

std::string farm_list_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

FarmMember::FarmMember(const Config& config, FarmLink& link, std::string host)
    : link_(link),
      host_(std::move(host)),
      trust_(config.farm.trust),
      max_per_hour_(config.farm.max_per_hour) {
  learn(config);
}

void FarmMember::learn(const Config& config) {
  list_of_rule_.clear();
  period_of_rule_.clear();
  paths_.clear();
  for (const auto& rule : config.rules) {
    list_of_rule_.push_back(farm_list_name(rule.list));
    period_of_rule_.push_back(rule.period);
    paths_[farm_list_name(rule.list)] = rule.list;
  }
}

std::chrono::seconds FarmMember::longest_period() const {
  return period_of_rule_.empty()
             ? 0s
             : *std::max_element(period_of_rule_.begin(), period_of_rule_.end());
}

void FarmMember::configure(const Config& config, std::string host) {
  host_ = std::move(host);
  trust_ = config.farm.trust;
  max_per_hour_ = config.farm.max_per_hour;
  events_.clear();  // they name their rule by its number; the link asks for the windows again
  windows_.clear();
  taken_.clear();
  const auto before = paths_;
  learn(config);
  // In another file may stand others. That is nobody's word: what holds is put there.
  for (auto& [name, entry] : records_) {
    const auto then = before.find(name.list);
    const auto is = paths_.find(name.list);
    if (is != paths_.end() && then != before.end() && then->second == is->second) continue;
    entry.applied = false;
    if (is != paths_.end()) seen_now_.push_back(name);
  }
  link_.configure(config);
}

std::vector<FarmMember::Saved> FarmMember::saved() const {
  std::vector<Saved> saved;
  for (const auto& [name, entry] : records_)
    saved.push_back({encode(name), encode(entry.record), entry.applied});
  return saved;
}

void FarmMember::restore(const std::vector<Saved>& saved, const std::vector<std::string>& lists) {
  for (const auto& [name, record, applied] : saved) {
    const auto decoded = decode_farm_name(name);
    if (!decoded) continue;
    auto read = decode_farm_record(*decoded, record);
    if (!read || records_.size() >= kMaxRecords) continue;
    const auto path = paths_.find(decoded->list);
    const bool same =
        path != paths_.end() && std::find(lists.begin(), lists.end(), path->second) != lists.end();
    records_[*decoded] = {std::move(*read), applied && same, false};
    if (!same && path != paths_.end()) seen_now_.push_back(*decoded);
  }
}

const FarmRecord* FarmMember::known(const FarmName& name) const {
  const auto found = records_.find(name);
  return found == records_.end() ? nullptr : &found->second.record;
}

std::optional<std::size_t> FarmMember::list_called(const std::string& name,
                                                   const Counting& counting) const {
  const auto& lists = counting.lists();
  for (std::size_t i = 0; i < lists.size(); ++i) {
    if (farm_list_name(lists[i].path) == name) return i;
  }
  return std::nullopt;
}

std::int64_t FarmMember::farm_now(Moment now) const {
  return seconds_of(now.wall) * 1000 + link_.status().clock_offset;
}

bool FarmMember::is_ahead(const FarmRecord& record, Moment now) const {
  return record.stamp > farm_now(now) + kAhead;
}

// By the server's clock as far as we know it, and after whatever it is about. A block that was
// counted is as old as the oldest event that it is made of: a release that came after that holds,
// also if we have not heard of it yet.
std::int64_t FarmMember::stamp_of(const FarmRecord& record, const Entry& entry, Moment now) const {
  const bool known = entry.record.stamp > 0 && !is_ahead(entry.record, now);
  auto stamp = farm_now(now);
  if (record.why == FarmRecord::Why::host) {
    stamp = std::min(stamp, record.first * 1000 + link_.status().clock_offset);
    if (known && !entry.record.blocked) return stamp;
  }
  return known ? std::max(stamp, entry.record.stamp + 1) : stamp;
}

// Words of freedom give way to blocks.
FarmMember::Entry* FarmMember::entry_for(const FarmName& name, bool blocked) {
  const auto known = records_.find(name);
  if (known != records_.end()) return &known->second;
  if (records_.size() >= kMaxRecords) {
    if (!blocked) return nullptr;
    auto it = records_.upper_bound(looked_at_);
    for (int i = 0; i < kLookForRoom; ++i, ++it) {
      if (it == records_.end()) it = records_.begin();
      looked_at_ = it->first;
      if (!it->second.record.blocked) break;
    }
    if (it == records_.end() || it->second.record.blocked) return nullptr;
    records_.erase(it);
  }
  return &records_[name];
}

void FarmMember::forget_old(Moment now) {
  const auto before = farm_now(now) / 1000 - kForgetAfter.count();
  std::erase_if(records_, [&](const auto& known) {
    const auto& record = known.second.record;
    if (is_ahead(record, now)) return true;
    if (!record.blocked) return record.stamp / 1000 < before;
    return record.until && *record.until < before;
  });
}

void FarmMember::say(const FarmName& name, FarmRecord record, Entry& entry, Moment now) {
  record.host = host_;
  record.stamp = stamp_of(record, entry, now);
  entry.record = record;
  entry.applied = true;
  entry.on_server = false;
  ++changes_;
  words_.push_back({name, std::move(record)});
}

void FarmMember::counted(const Counting::Counted& event) {
  if (!is_farm_identity(event.key) || !is_farm_identity(event.identity)) return;
  events_.push_back({static_cast<std::uint32_t>(event.rule), event.limit, seconds_of(event.time),
                     event.member, std::string(event.key), std::string(event.identity)});
  if (unseen_.empty()) return;
  FarmName name{list_of_rule_[event.rule], std::string(event.key)};
  if (unseen_.erase(name) > 0) seen_now_.push_back(std::move(name));
}

void FarmMember::decided(const Decision& decision, const std::vector<Counting::List>& lists,
                         Moment now) {
  const FarmName name{farm_list_name(decision.list), folded(decision.identity)};
  if (std::none_of(lists.begin(), lists.end(),
                   [&](const Counting::List& list) { return list.path == decision.list; })) {
    return;
  }
  auto* entry = is_farm_identity(name.key) ? entry_for(name, true) : nullptr;
  if (entry == nullptr) return;
  FarmRecord record;
  record.blocked = true;
  record.why = FarmRecord::Why::host;
  record.identity = decision.identity;
  if (decision.until) record.until = seconds_of(*decision.until);
  record.times = decision.times;
  record.rule = decision.rule;
  record.time = seconds_of(decision.time);
  record.first = seconds_of(decision.first);
  record.period = decision.period.count();
  record.count = decision.count;
  record.limit = decision.limit;
  record.hosts = {{host_, decision.count}};
  say(name, std::move(record), *entry, now);
}

void FarmMember::compare(const Counting& counting, bool settled, Moment now) {
  // What ends by itself is over by log time or by the clock, whichever is first.
  const auto wall = seconds_of(now.wall);
  const auto latest = std::max(wall, seconds_of(counting.newest().value_or(now.wall)));
  std::map<std::string, std::size_t> lists;
  for (std::size_t i = 0; i < counting.lists().size(); ++i)
    lists[farm_list_name(counting.lists()[i].path)] = i;
  for (auto& [name, entry] : records_) {
    const auto list = lists.find(name.list);
    if (!entry.applied || list == lists.end()) continue;
    const bool blocked = counting.is_blocked(list->second, name.key);
    if (blocked ? !settled || !entry.record.over(wall) : entry.record.over(latest)) continue;
    FarmRecord record;
    record.blocked = blocked;
    record.identity = entry.record.identity;
    if (blocked) {
      if (const auto until = counting.end_of(list->second, name.key))
        record.until = seconds_of(*until);
    }
    say(name, std::move(record), entry, now);
  }
  if (!settled || !joined_) return;
  for (std::size_t i = 0; i < counting.lists().size(); ++i) {
    for (const auto& key : counting.blocked(i)) {
      const FarmName name{farm_list_name(counting.lists()[i].path), key};
      if (records_.count(name) > 0 || !decode_farm_name(encode(name))) continue;
      auto* entry = entry_for(name, true);
      if (entry == nullptr) return;
      FarmRecord record;
      record.blocked = true;
      record.identity = key;
      if (const auto until = counting.end_of(i, key)) record.until = seconds_of(*until);
      say(name, std::move(record), *entry, now);
    }
  }
}

bool FarmMember::allowed(std::size_t list, Moment now) {
  auto& taken = taken_[list];
  while (!taken.empty() && now.steady - taken.front() > std::chrono::hours(1)) taken.pop_front();
  if (taken.size() >= max_per_hour_) return false;
  taken.push_back(now.steady);
  return true;
}

bool FarmMember::may_block(const FarmWord& word, std::size_t list, const Counting& counting,
                           const Tables& tables, Moment now) {
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
void FarmMember::free(Order order, bool blocked, Entry& entry, const Counting& counting, Moment now,
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
                     const Tables& tables, Moment now, Heard& heard) {
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
  const bool ours = fresh && record.told_by() == host_ && record.why != FarmRecord::Why::hand;
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

void FarmMember::receive(FarmWord&& word, const Counting& counting, const Tables& tables,
                         Moment now, Heard& heard) {
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

void FarmMember::settle(FarmNews&& news, const Counting& counting, const Tables& tables, Moment now,
                        Heard& heard) {
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

FarmMember::Heard FarmMember::take(const Counting& counting, const Tables& tables, Moment now) {
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

bool FarmMember::hand_over(const Counting& counting) {
  if (!words_.empty()) link_.propose(std::exchange(words_, {}));
  if (std::exchange(answering_, false)) link_.compared();
  if (!windows_.empty() && link_.has_room(2 * kChunk)) {
    const auto before = events_.size();
    while (!windows_.empty() && events_.size() < before + kChunk) {
      counting.each_live(windows_.back(), [&](const Counting::Counted& event) {
        // What is past can't decide any more.
        if (event.time > now_ - period_of_rule_[event.rule]) counted(event);
      });
      windows_.pop_back();
    }
  }
  if (!events_.empty()) link_.send(std::exchange(events_, {}));
  return !windows_.empty() && link_.has_room(2 * kChunk);
}

}  // namespace agent
