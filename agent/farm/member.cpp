#include "agent/farm/member.h"

#include <algorithm>
#include <utility>

#include "actions/lsearch.h"
#include "agent/attribution.h"
#include "agent/network.h"

namespace agent {
namespace {

constexpr std::size_t kChunk = 5000;  // events of live windows in one turn

std::int64_t seconds_of(Instant time) {
  return time.time_since_epoch().count();
}

// What stands in a list of this kind is spelled so by the rules that write there.
bool fits(IdentityKind kind, const FarmWord& word) {
  if (!actions::list_line(word.record.identity, "")) return false;
  if (kind != IdentityKind::relay) return true;
  const auto network = Network::parse(word.record.identity);
  return network &&
         (network->text() == word.record.identity || IpAddress::parse(word.record.identity));
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
  for (const auto& rule : config.rules) list_of_rule_.push_back(farm_list_name(rule.list));
}

void FarmMember::configure(const Config& config, const Counting& counting) {
  trust_ = config.farm.trust;
  max_per_hour_ = config.farm.max_per_hour;
  events_.clear();  // they name their rule by its number; the link asks for the windows again
  windows_.clear();
  taken_.clear();
  list_of_rule_.clear();
  for (const auto& rule : config.rules) list_of_rule_.push_back(farm_list_name(rule.list));
  for (auto& [name, entry] : records_) {
    if (!list_called(name.list, counting)) entry.applied = false;
  }
  link_.configure(config);
}

std::vector<FarmMember::Saved> FarmMember::saved() const {
  std::vector<Saved> saved;
  for (const auto& [name, entry] : records_)
    saved.push_back({encode(name), encode(entry.record), entry.applied});
  return saved;
}

void FarmMember::restore(const std::vector<Saved>& saved) {
  for (const auto& [name, record, applied] : saved) {
    const auto decoded = decode_farm_name(name);
    if (!decoded) continue;
    auto read = decode_farm_record(*decoded, record);
    if (read) records_[*decoded] = {std::move(*read), applied, false};
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

// By the server's clock as far as we know it, and after whatever it is about.
std::int64_t FarmMember::stamp_after(const Entry* known, Moment now) const {
  const auto ours = seconds_of(now.wall) * 1000 + link_.status().clock_offset;
  return known == nullptr ? ours : std::max(ours, known->record.stamp + 1);
}

void FarmMember::take_no_more_than_there_is_room(const FarmName& name) {
  if (records_.size() < kMaxRecords || records_.count(name) > 0) return;
  // The oldest word of freedom says the least.
  auto least = records_.end();
  for (auto it = records_.begin(); it != records_.end(); ++it) {
    if (it->second.record.blocked) continue;
    if (least == records_.end() || least->second.record.newer_than(it->second.record)) least = it;
  }
  records_.erase(least != records_.end() ? least : records_.begin());
}

void FarmMember::say(const FarmName& name, FarmRecord record, Entry& entry, Moment now) {
  record.host = host_;
  record.stamp = stamp_after(entry.record.stamp > 0 ? &entry : nullptr, now);
  entry.record = record;
  entry.applied = true;
  entry.on_server = false;
  ++changes_;
  words_.push_back({name, std::move(record)});
}

void FarmMember::counted(const Counting::Counted& event) {
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
  take_no_more_than_there_is_room(name);
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
  say(name, std::move(record), records_[name], now);
}

void FarmMember::compare(const Counting& counting, bool settled, Moment now) {
  // What ends by itself is over by log time or by the clock, whichever is first.
  const auto latest = seconds_of(std::max(now.wall, counting.newest().value_or(now.wall)));
  for (auto& [name, entry] : records_) {
    const auto list = list_called(name.list, counting);
    if (!list) continue;
    const bool blocked = counting.is_blocked(*list, name.key);
    if (!entry.applied || entry.record.over(latest) == !blocked) continue;
    if (!settled && blocked) continue;
    FarmRecord record;
    record.blocked = blocked;
    record.identity = entry.record.identity;
    if (blocked) {
      if (const auto until = counting.end_of(*list, name.key)) record.until = seconds_of(*until);
    }
    say(name, std::move(record), entry, now);
  }
  if (!settled || !joined_) return;
  for (std::size_t i = 0; i < counting.lists().size(); ++i) {
    for (const auto& key : counting.blocked(i)) {
      const FarmName name{farm_list_name(counting.lists()[i].path), key};
      if (records_.count(name) > 0 || !decode_farm_name(encode(name))) continue;
      take_no_more_than_there_is_room(name);
      FarmRecord record;
      record.blocked = true;
      record.identity = key;
      if (const auto until = counting.end_of(i, key)) record.until = seconds_of(*until);
      say(name, std::move(record), records_[name], now);
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
  } else if (tables.exempts(word.name.key)) {
    ++refused_.exempt;
  } else if (trust_ == FarmTrust::seen && word.record.host != host_ &&
             counting.subjects().count(subject_key(kind, word.name.key)) == 0) {
    ++refused_.trust;
    if (unseen_.size() < kMaxUnseen) unseen_.insert(word.name);
  } else if (word.record.host != host_ && !allowed(list, now)) {
    ++refused_.postponed;
  } else {
    return true;
  }
  return false;
}

void FarmMember::act(const FarmName& name, Entry& entry, bool was_unknown, const Counting& counting,
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
  const bool mine = record.host == host_ && record.why == FarmRecord::Why::count;
  Order order{Order::Kind::block, *list, {name, record}, mine};
  if (trust_ == FarmTrust::none) {
    entry.applied = false;
  } else if (!record.blocked) {
    // Who is not in our list may have been counted: that is over, too.
    entry.applied = !blocked || record.host == host_ || allowed(*list, now);
    if (!entry.applied) {
      ++refused_.postponed;
      return;
    }
    order.kind = Order::Kind::free;
    ordered_[name] = false;
    heard.orders.push_back(std::move(order));
  } else if (record.over(seconds_of(now.wall))) {
    entry.applied = true;
  } else if (blocked) {
    entry.applied = true;
    // Written just before a crash, and nobody was told.
    order.kind = Order::Kind::notice;
    if (mine && was_unknown) heard.orders.push_back(std::move(order));
  } else {
    entry.applied = may_block(order.word, *list, counting, tables, now);
    if (!entry.applied) return;
    ordered_[name] = true;
    heard.orders.push_back(std::move(order));
  }
}

void FarmMember::receive(FarmWord&& word, const Counting& counting, const Tables& tables,
                         Moment now, Heard& heard) {
  const bool was_unknown = records_.count(word.name) == 0;
  take_no_more_than_there_is_room(word.name);
  auto& entry = records_[word.name];
  if (!was_unknown && entry.record.newer_than(word.record)) return;
  const bool same = !was_unknown && !word.record.newer_than(entry.record);
  entry.on_server = true;
  if (same && entry.applied) return;
  entry.record = std::move(word.record);
  ++changes_;
  act(word.name, entry, was_unknown, counting, tables, now, heard);
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
      case FarmNews::Kind::settled: {
        auto& entry = records_[news.word.name];
        const auto name = news.word.name;
        if (entry.record == news.proposed) {
          // The server may have put back the stamp of a clock that is ahead.
          entry.on_server = true;
          ++changes_;
          if (entry.record.host == news.word.record.host &&
              entry.record.blocked == news.word.record.blocked) {
            entry.record.stamp = news.word.record.stamp;
          } else {
            entry.record = std::move(news.word.record);
            act(name, entry, false, counting, tables, now, heard);
          }
        } else {
          receive(std::move(news.word), counting, tables, now, heard);
        }
        heard.settled.push_back({name, news.blocked_before});
        break;
      }
      case FarmNews::Kind::all:
        for (auto& [name, entry] : records_) entry.on_server = false;
        break;
      case FarmNews::Kind::that_was:
        just_joined_ = just_joined_ || !joined_;
        joined_ = true;
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
      counting.each_live(windows_.back(), [&](const Counting::Counted& event) { counted(event); });
      windows_.pop_back();
    }
  }
  if (!events_.empty()) link_.send(std::exchange(events_, {}));
  return !windows_.empty() && link_.has_room(2 * kChunk);
}

}  // namespace agent
