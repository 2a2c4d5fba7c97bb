#include "agent/lists.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/attribution.h"
#include "agent/printable.h"
#include "parsers/stamp.h"

namespace agent {
std::string list_data(const Decision& decision, const Zone& zone) {
  return fmt::format("{} exiwarden rule={} count={} period={}", zone.text(decision.time),
                     printable(decision.rule), decision.count, duration_text(decision.period));
}

std::optional<Instant> decided_at(const std::string& data) {
  std::string_view rest = data;
  const auto stamp = parsers::take_iso_stamp(rest);
  if (!stamp || !rest.starts_with(" exiwarden ")) return std::nullopt;
  return Instant(std::chrono::seconds(stamp->civil - stamp->utc_offset.value_or(0)));
}

Lists::Lists(actions::Files& files, const std::vector<Counting::List>& lists,
             std::optional<actions::EximUser> exim, Say say)
    : exim_(std::move(exim)), say_(std::move(say)) {
  for (const auto& list : lists) {
    lists_.push_back({actions::Blocklist(files, list.path, actions::creation_of_list(exim_)),
                      std::nullopt,
                      false,
                      {},
                      {},
                      {},
                      0,
                      false});
  }
}

void Lists::fail(List& list, const actions::Error& error) {
  if (list.fault != error.what) say_(printable(error.what) + "; trying again");
  list.fault = error.what;
}

// A list that Exim can't read stops everybody's mail: mend what is ours, say what is not.
void Lists::check_access(List& list) {
  if (!exim_) return;
  const auto readable = actions::make_readable(*exim_, list.file.path());
  const auto now = readable ? std::string() : readable.error().what;
  if (now == list.access) return;
  say_(readable ? fmt::format("{}: Exim's user can read it now", list.file.path())
                : printable(now) + "; Exim defers all mail it looks up there");
  list.access = now;
}

bool Lists::is_pending(const std::string& path, const std::string& key) const {
  return std::any_of(pending_.begin(), pending_.end(), [&](const PendingBlock& block) {
    return block.list == path && folded(block.identity) == key;
  });
}

void Lists::adopt(Counting& counting, Instant now) {
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    auto& list = lists_[i];
    const auto view = list.file.read();
    if (!view) {
      fail(list, view.error());
      continue;
    }
    list.seen = view.value().stamp;
    list.entries = view.value().entries.size();
    check_access(list);
    std::set<std::string> present;
    for (const auto& entry : view.value().entries) {
      const auto key = folded(entry.key);
      present.insert(key);
      const auto decided = decided_at(entry.data);
      const bool unclaimed = decided && !counting.is_blocked(i, key) &&
                             *decided >= counting.newest().value_or(now - std::chrono::hours(1));
      if (unclaimed) {
        list.unclaimed.insert(key);
      } else {
        counting.set_blocked(i, key);
      }
    }
    // Freed while we were away: what the log says up to that moment is the old story.
    const auto freed =
        list.seen ? Instant(std::chrono::seconds(list.seen->modified_ns / 1'000'000'000)) : now;
    for (const auto& key : counting.blocked(i)) {
      if (present.count(key) > 0 || is_pending(list.file.path(), key)) continue;
      say_(fmt::format("{}: {} was freed meanwhile", list.file.path(), printable(key)));
      counting.set_freed(i, key, freed);
    }
  }
}

void Lists::settle(Counting& counting) {
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    for (const auto& key : lists_[i].unclaimed) counting.set_blocked(i, key);
    lists_[i].unclaimed.clear();
  }
}

void Lists::compare(std::size_t index, Counting& counting) {
  auto& list = lists_[index];
  const auto view = list.file.read();
  if (!view) return fail(list, view.error());
  if (view.value().stamp == list.seen && !list.stale && list.fault.empty()) return;
  if (!list.fault.empty()) say_(fmt::format("{}: readable again", list.file.path()));
  list.fault.clear();
  list.stale = false;
  list.seen = view.value().stamp;
  list.entries = view.value().entries.size();
  check_access(list);

  std::set<std::string> present;
  for (const auto& entry : view.value().entries) {
    auto key = folded(entry.key);
    if (!counting.is_blocked(index, key) && list.unclaimed.count(key) == 0) {
      say_(fmt::format("{}: {} was added by another hand", list.file.path(), printable(key)));
      counting.set_blocked(index, key);
    }
    present.insert(std::move(key));
  }
  for (const auto& key : counting.blocked(index)) {
    if (present.count(key) > 0 || is_pending(list.file.path(), key)) continue;
    say_(fmt::format("{}: {} is free again; counting anew", list.file.path(), printable(key)));
    counting.set_freed(index, key, std::nullopt);
  }
}

bool Lists::add(List& list, const PendingBlock& block) {
  const auto added = list.file.add(block.identity, block.data);
  if (!added) {
    fail(list, added.error());
    return false;
  }
  list.fault.clear();
  list.unsynced = true;
  // Our own write is no news; anything in between is, and shows as another stamp at the next look.
  list.unclaimed.erase(folded(block.identity));
  if (added.value() == actions::Change::made) {
    list.stale = true;
    ++list.entries;
    if (!list.seen) check_access(list);  // it may be new
  }
  return true;
}

bool Lists::block(const Decision& decision, const Zone& zone) {
  PendingBlock block{decision.list, decision.identity, list_data(decision, zone)};
  const auto list = std::find_if(lists_.begin(), lists_.end(), [&](const List& known) {
    return known.file.path() == decision.list;
  });
  if (list == lists_.end()) return false;
  if (add(*list, block)) return true;
  pending_.push_back(std::move(block));
  return false;
}

bool Lists::retry() {
  std::erase_if(pending_, [&](const PendingBlock& block) {
    const auto list = std::find_if(lists_.begin(), lists_.end(), [&](const List& known) {
      return known.file.path() == block.list;
    });
    // A list that is no longer in the config wants nothing.
    return list == lists_.end() || add(*list, block);
  });
  return pending_.empty();
}

void Lists::sync() {
  for (auto& list : lists_) {
    if (!list.unsynced) continue;
    const auto synced = list.file.sync();
    if (!synced && synced.error().code != actions::Errc::not_found) {
      fail(list, synced.error());
      continue;
    }
    list.unsynced = false;
  }
}

}  // namespace agent
