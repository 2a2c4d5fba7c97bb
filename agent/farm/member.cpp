#include "agent/farm/member.h"

#include <algorithm>
#include <map>
#include <optional>

#include "agent/config/farm_names.h"
#include "agent/core/attribution.h"

namespace agent {
namespace {

constexpr std::size_t kChunk = 5000;  // events of live windows in one turn

FarmStatement stated_of(const Decision& decision, const std::string& host) {
  FarmStatement statement;
  statement.blocked = true;
  statement.why = FarmStatement::Why::host;
  statement.identity = decision.identity;
  if (decision.until) statement.until = seconds_of(*decision.until);
  statement.times = decision.times;
  statement.rule = decision.rule;
  statement.time = seconds_of(decision.time);
  statement.first = seconds_of(decision.first);
  statement.period = decision.period.count();
  statement.count = decision.count;
  statement.limit = decision.limit;
  statement.hosts = {{host, decision.count}};
  return statement;
}

// A block that stands in a list here.
FarmStatement stated_block(const Counting& counting, std::size_t list, const std::string& key,
                           const std::string& identity) {
  FarmStatement statement;
  statement.blocked = true;
  statement.identity = identity;
  if (const auto until = counting.end_of(list, key)) statement.until = seconds_of(*until);
  return statement;
}

}  // namespace

FarmMember::FarmMember(const Config& config, FarmLink& link, std::string host)
    : link_(link),
      lists_(config.rules),
      known_(std::move(host)),
      belief_(config.farm, known_, lists_) {}

void FarmMember::configure(const Config& config, std::string host) {
  known_.set_host(std::move(host));
  events_.clear();  // they name their rule by its number; the link asks for the windows again
  windows_.clear();
  belief_.configure(config.farm);
  const auto before = std::exchange(lists_, SharedLists(config.rules));
  // In another file may stand others. That is nobody's statement: what holds is put there.
  for (auto& [name, entry] : known_.all()) {
    const auto* then = before.path_of(name.list);
    const auto* is = lists_.path_of(name.list);
    if (is != nullptr && then != nullptr && *then == *is) continue;
    entry.applied = false;
    if (is != nullptr) belief_.look_again(name);
  }
  link_.configure(config);
}

std::vector<FarmMember::Saved> FarmMember::saved() const {
  std::vector<Saved> saved;
  for (const auto& [name, entry] : known_.all())
    saved.push_back({encode(name), encode(entry.statement), entry.applied});
  return saved;
}

void FarmMember::restore(const std::vector<Saved>& saved, const std::vector<std::string>& lists) {
  for (const auto& [name, record, applied] : saved) {
    const auto decoded = decode_farm_name(name);
    if (!decoded) continue;
    auto statement = decode_farm_statement(*decoded, record);
    if (!statement) continue;
    const auto* path = lists_.path_of(decoded->list);
    const bool same =
        path != nullptr && std::find(lists.begin(), lists.end(), *path) != lists.end();
    if (!known_.restore(*decoded, std::move(*statement), applied && same)) continue;
    if (!same && path != nullptr) belief_.look_again(*decoded);
  }
}

const FarmStatement* FarmMember::known(const FarmName& name) const {
  const auto* entry = known_.find(name);
  return entry == nullptr ? nullptr : &entry->statement;
}

FarmTime FarmMember::time_at(Now now) const {
  return {now, link_.status().clock_offset};
}

void FarmMember::state(const FarmName& name, FarmStatement statement, KnownStatements::Entry& entry,
                       Now now) {
  known_.state(std::move(statement), entry, time_at(now));
  words_.push_back({name, entry.statement});
}

void FarmMember::counted(const Counting::Counted& event) {
  if (!is_farm_identity(event.key) || !is_farm_identity(event.identity)) return;
  events_.push_back({static_cast<std::uint32_t>(event.rule), event.limit, seconds_of(event.time),
                     event.member, std::string(event.key), std::string(event.identity)});
  belief_.was_seen(event.rule, event.key);
}

void FarmMember::decided(const Decision& decision, const std::vector<Counting::List>& lists,
                         Now now) {
  const FarmName name{farm_list_name(decision.list), folded(decision.identity)};
  if (std::none_of(lists.begin(), lists.end(),
                   [&](const Counting::List& list) { return list.path == decision.list; })) {
    return;
  }
  auto* entry = is_farm_identity(name.key) ? known_.find_or_add(name, true) : nullptr;
  if (entry != nullptr) state(name, stated_of(decision, known_.host()), *entry, now);
}

void FarmMember::compare(const Counting& counting, bool settled, Now now) {
  // What ends by itself is over by log time or by the clock, whichever is first.
  const auto wall = seconds_of(now.wall);
  const auto latest = std::max(wall, seconds_of(counting.newest().value_or(now.wall)));
  std::map<std::string, std::size_t> lists;
  for (std::size_t i = 0; i < counting.lists().size(); ++i)
    lists[farm_list_name(counting.lists()[i].path)] = i;
  for (auto& [name, entry] : known_.all()) {
    const auto list = lists.find(name.list);
    if (!entry.applied || list == lists.end()) continue;
    const auto& before = entry.statement;
    const bool blocked = counting.is_blocked(list->second, name.key);
    if (blocked ? !settled || !before.over(wall) : before.over(latest)) continue;
    FarmStatement statement;
    statement.identity = before.identity;
    if (blocked) statement = stated_block(counting, list->second, name.key, before.identity);
    state(name, std::move(statement), entry, now);
  }
  if (settled && joined_) state_blocks_of_others(counting, now);
}

// Blocks in our lists that no host has stated.
void FarmMember::state_blocks_of_others(const Counting& counting, Now now) {
  for (std::size_t i = 0; i < counting.lists().size(); ++i) {
    for (const auto& key : counting.blocked(i)) {
      const FarmName name{farm_list_name(counting.lists()[i].path), key};
      if (known_.find(name) != nullptr || !decode_farm_name(encode(name))) continue;
      auto* entry = known_.find_or_add(name, true);
      if (entry == nullptr) return;
      state(name, stated_block(counting, i, key, key), *entry, now);
    }
  }
}

FarmMember::Heard FarmMember::take(const Counting& counting, const IdentityTables& tables,
                                   Now now) {
  Heard heard;
  now_ = now.wall;
  auto all_news = link_.take();
  // Not before: what was taken is not older than the server's clock that the link knows now.
  const FarmBelief::View view{counting, tables, time_at(now)};
  belief_.begin();
  belief_.hear_again(view, heard);
  for (auto& news : all_news) {
    switch (news.kind) {
      case FarmNews::Kind::word:
        belief_.hear(std::move(news.word), view, heard);
        break;
      case FarmNews::Kind::settled:
        belief_.hear_answer(std::move(news), view, heard);
        break;
      case FarmNews::Kind::all:
        for (auto& [name, entry] : known_.all()) entry.on_server = false;
        break;
      case FarmNews::Kind::that_was:
        known_.forget_old(view.time);
        answer_all();
        break;
      case FarmNews::Kind::windows:
        windows_.clear();
        for (const auto& [key, subject] : counting.subjects()) windows_.push_back(key);
        break;
    }
  }
  return heard;
}

// The farm has said all that it knows: it is told what it does not know.
void FarmMember::answer_all() {
  just_joined_ = just_joined_ || !joined_;
  joined_ = true;
  for (const auto& [name, entry] : known_.all()) {
    if (!entry.on_server) words_.push_back({name, entry.statement});
  }
  answering_ = true;
}

bool FarmMember::hand_over(const Counting& counting) {
  if (!words_.empty()) link_.propose(std::exchange(words_, {}));
  if (std::exchange(answering_, false)) link_.compared();
  if (!windows_.empty() && link_.has_room(2 * kChunk)) {
    const auto before = events_.size();
    while (!windows_.empty() && events_.size() < before + kChunk) {
      counting.each_live(windows_.back(), [&](const Counting::Counted& event) {
        // What is past can't decide any more.
        if (event.time > now_ - lists_.period_of(event.rule)) counted(event);
      });
      windows_.pop_back();
    }
  }
  if (!events_.empty()) link_.send(std::exchange(events_, {}));
  return !windows_.empty() && link_.has_room(2 * kChunk);
}

}  // namespace agent
