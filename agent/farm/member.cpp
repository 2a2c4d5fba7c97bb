#include "agent/farm/member.h"

#include <algorithm>
#include <utility>

#include "agent/core/attribution.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kChunk = 5000;  // events of live windows in one turn
// A word that is further ahead was stamped by a clock that was wrong, or by somebody who lies.
constexpr std::int64_t kAhead = 300'000;  // milliseconds
// Who is free, or whose block was over, for longer needs no word any more.
constexpr std::chrono::seconds kForgetAfter = 24h * 30;
constexpr int kLookForRoom = 256;

}  // namespace

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
    auto read = decode_farm_statement(*decoded, record);
    if (!read || records_.size() >= kMaxRecords) continue;
    const auto path = paths_.find(decoded->list);
    const bool same =
        path != paths_.end() && std::find(lists.begin(), lists.end(), path->second) != lists.end();
    records_[*decoded] = {std::move(*read), applied && same, false};
    if (!same && path != paths_.end()) seen_now_.push_back(*decoded);
  }
}

const FarmStatement* FarmMember::known(const FarmName& name) const {
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

std::int64_t FarmMember::farm_now(Now now) const {
  return seconds_of(now.wall) * 1000 + link_.status().clock_offset;
}

bool FarmMember::is_ahead(const FarmStatement& record, Now now) const {
  return record.stamp > farm_now(now) + kAhead;
}

// By the server's clock as far as we know it, and after whatever it is about. A block that was
// counted is as old as the oldest event that it is made of: a release that came after that holds,
// also if we have not heard of it yet.
std::int64_t FarmMember::stamp_of(const FarmStatement& record, const Entry& entry, Now now) const {
  const bool known = entry.record.stamp > 0 && !is_ahead(entry.record, now);
  auto stamp = farm_now(now);
  if (record.why == FarmStatement::Why::host) {
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

void FarmMember::forget_old(Now now) {
  const auto before = farm_now(now) / 1000 - kForgetAfter.count();
  std::erase_if(records_, [&](const auto& known) {
    const auto& record = known.second.record;
    if (is_ahead(record, now)) return true;
    if (!record.blocked) return record.stamp / 1000 < before;
    return record.until && *record.until < before;
  });
}

void FarmMember::say(const FarmName& name, FarmStatement record, Entry& entry, Now now) {
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
                         Now now) {
  const FarmName name{farm_list_name(decision.list), folded(decision.identity)};
  if (std::none_of(lists.begin(), lists.end(),
                   [&](const Counting::List& list) { return list.path == decision.list; })) {
    return;
  }
  auto* entry = is_farm_identity(name.key) ? entry_for(name, true) : nullptr;
  if (entry == nullptr) return;
  FarmStatement record;
  record.blocked = true;
  record.why = FarmStatement::Why::host;
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

void FarmMember::compare(const Counting& counting, bool settled, Now now) {
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
    FarmStatement record;
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
      FarmStatement record;
      record.blocked = true;
      record.identity = key;
      if (const auto until = counting.end_of(i, key)) record.until = seconds_of(*until);
      say(name, std::move(record), *entry, now);
    }
  }
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
