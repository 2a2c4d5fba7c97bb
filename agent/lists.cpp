#include "agent/lists.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "agent/attribution.h"
#include "agent/list_lines.h"
#include "agent/printable.h"

namespace agent {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;  // in nanoseconds
constexpr std::size_t kMaxRecent = 256;

// No file that was deleted went later than this.
Instant last_change_in_directory_of(const std::string& path) {
  struct stat info {};
  const auto directory = std::filesystem::path(path).parent_path().string();
  if (::stat(directory.c_str(), &info) != 0) return Instant::max();
  return Instant(std::chrono::seconds(info.st_mtime));
}

}  // namespace

Lists::Lists(actions::Files& files, const std::vector<Counting::List>& lists,
             std::optional<actions::EximUser> exim, Say say)
    : exim_(std::move(exim)), say_(std::move(say)) {
  for (const auto& list : lists)
    lists_.push_back({actions::Blocklist(files, list.path, actions::creation_of_list(exim_))});
}

Lists::List* Lists::find(const std::string& path) {
  const auto list = std::find_if(lists_.begin(), lists_.end(),
                                 [&](const List& known) { return known.file.path() == path; });
  return list == lists_.end() ? nullptr : &*list;
}

void Lists::fail(std::string& fault, const actions::Error& error) {
  if (fault != error.what) say_(printable(error.what) + "; trying again");
  fault = error.what;
}

void Lists::written(List& list) {
  if (!list.unwritten.empty()) say_(fmt::format("{}: written again", list.file.path()));
  list.unwritten.clear();
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

void Lists::adopt(Counting& counting, std::optional<Instant> horizon, bool lost, Moment now) {
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    lists_[i].unread = Unread{horizon, lost, false};
    (void)adopt_one(i, counting, now);  // else as soon as it can be read
  }
}

bool Lists::adopt_one(std::size_t index, Counting& counting, Moment now) {
  auto& list = lists_[index];
  const auto view = list.file.read();
  if (!view) {
    fail(list.fault, view.error());
    return false;
  }
  const auto [horizon, lost, settled] = *std::exchange(list.unread, std::nullopt);
  list.seen = view.value().stamp;
  list.entries = view.value().entries.size();
  check_access(list);
  const auto changed = list.seen
                           ? Instant(std::chrono::seconds(list.seen->modified_ns / kSecond))
                           : std::min(now.wall, last_change_in_directory_of(list.file.path()));
  if (lost && !settled) list.lost_before = changed;
  std::set<std::string> present;
  for (const auto& entry : view.value().entries) {
    const auto key = folded(entry.key);
    present.insert(key);
    const auto decided = decided_at(entry.data);
    const bool torn = !view.value().whole && &entry == &view.value().entries.back();
    const bool ours = torn || (decided && (!horizon || *decided > *horizon));
    if (ours && !settled && !counting.is_blocked(index, key)) {
      list.unclaimed.emplace(key, torn ? Unclaimed{} : Unclaimed{decided, ends_at(entry.data)});
    } else {
      counting.set_blocked(index, key);
      if (!torn) counting.set_end(index, key, ends_at(entry.data));
    }
  }
  if (lost && !settled) list.at_start = present;
  // Decided anew while it could not be read.
  std::erase_if(pending_, [&](const PendingBlock& block) {
    const auto key = folded(block.identity);
    const auto decided = decided_at(block.data);
    if (!lost || block.list != list.file.path() || present.count(key) > 0 || !decided ||
        *decided >= changed) {
      return false;
    }
    forget(index, key, changed, counting);
    return true;
  });
  // Written this moment: it may be in the midst of an edit. look() will tell.
  if (!list.seen || now.wall - changed < std::chrono::seconds(2)) {
    list.doubt = Doubt{list.seen, now.steady, now.steady, {}};
  }
  // Freed while we were away: what the log says up to that moment is the old story.
  for (const auto& key : counting.blocked(index)) {
    if (present.count(key) > 0 || is_pending(list.file.path(), key)) continue;
    if (list.doubt) {
      list.doubt->missing.insert(key);
      continue;
    }
    const auto until = counting.end_of(index, key);
    if (until && *until <= now.wall) {
      counting.end({*until, index, key});  // by us, just before a crash
      continue;
    }
    say_(fmt::format("{}: {} was freed meanwhile", list.file.path(), printable(key)));
    counting.set_freed(index, key, changed);
  }
  return true;
}

// What was decided is an old story: the file shows that somebody has freed him since.
void Lists::forget(std::size_t index, const std::string& key, std::optional<Instant> freed,
                   Counting& counting) {
  say_(fmt::format("{}: {} was freed after this; counting anew", path(index), printable(key)));
  counting.set_freed(index, key, freed);
}

void Lists::settle(Counting& counting) {
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    for (const auto& [key, line] : lists_[i].unclaimed) {
      counting.set_blocked(i, key);
      counting.set_end(i, key, line.until);
    }
    lists_[i].unclaimed.clear();
    lists_[i].at_start.clear();
    lists_[i].lost_before.reset();
    if (lists_[i].unread) lists_[i].unread->settled = true;
  }
}

// Its new version was begun before our key was in the old one: whoever wrote it never saw the key.
bool Lists::lost_in_a_race(List& list, const std::string& key,
                           const std::optional<actions::FileStamp>& now) {
  if (!now || !list.seen || now->inode == list.seen->inode || now->born_ns == 0) return false;
  const auto recent = std::find_if(list.recent.begin(), list.recent.end(),
                                   [&](const Recent& known) { return known.key == key; });
  if (recent == list.recent.end() || now->born_ns > recent->at_ns) return false;
  say_(fmt::format("{}: {} was lost in somebody's edit; writing it again", list.file.path(),
                   printable(key)));
  put_off(recent->block);
  return true;
}

Lists::Seen Lists::look(std::size_t index, Counting& counting, Moment now, bool fully,
                        bool behind) {
  auto& list = lists_[index];
  const auto stamp = list.file.stamp();
  if (!stamp) {
    fail(list.fault, stamp.error());
    return {};
  }
  const bool again = list.doubt && now.steady - list.doubt->since >= kSettle;
  const bool same = stamp.value() == list.seen && list.fault.empty();
  // A list that we have made and somebody has removed since is as if it had never been.
  if (same && !list.doubt && !list.unseen && !(fully && list.appended)) {
    if (fully) check_access(list);
    return {false, true};
  }
  if (list.doubt && !again && stamp.value() == list.doubt->stamp) return {};
  if (list.unread) {
    if (!adopt_one(index, counting, now)) return {};
    say_(fmt::format("{}: readable again", list.file.path()));
    list.fault.clear();
    return {true, !list.doubt};
  }
  const auto view = list.file.read();
  if (!view) {
    fail(list.fault, view.error());
    return {};
  }
  if (!list.fault.empty()) say_(fmt::format("{}: readable again", list.file.path()));
  list.fault.clear();
  list.appended = list.unseen = false;
  list.entries = view.value().entries.size();
  check_access(list);

  bool added = false;
  std::set<std::string> present;
  for (const auto& entry : view.value().entries) {
    auto key = folded(entry.key);
    if (!counting.is_blocked(index, key) && list.unclaimed.count(key) == 0) {
      say_(fmt::format("{}: {} was added by another hand", list.file.path(), printable(key)));
      counting.set_blocked(index, key);
      added = true;
    }
    const auto until = ends_at(entry.data);
    if (counting.is_blocked(index, key) && counting.end_of(index, key) != until)
      counting.set_end(index, key, until);
    present.insert(std::move(key));
  }
  std::set<std::string> missing;
  for (auto& key : counting.blocked(index)) {
    if (present.count(key) == 0 && !is_pending(list.file.path(), key)) missing.insert(key);
  }
  for (const auto& [key, line] : list.unclaimed) {
    if (present.count(key) == 0) missing.insert(key);
  }
  const auto& found = view.value().stamp;
  const bool changed = !list.doubt || found != list.doubt->stamp;
  if (changed && (found != list.seen || !missing.empty())) {
    // The first look at what somebody has just written: is it all?
    const bool goes_on = list.doubt && now.steady - list.doubt->since < kSettleAtMost;
    Doubt doubt{found, now.steady, goes_on ? list.doubt->first : now.steady, {}};
    for (const auto& key : missing) {
      if (!goes_on || list.doubt->missing.count(key) > 0) doubt.missing.insert(key);
    }
    const bool at_last = now.steady - doubt.first >= kSettleAtMost;
    if (at_last) missing = doubt.missing;
    list.doubt = std::move(doubt);
    if (!at_last) return {added, false};
  }
  list.doubt.reset();

  Seen seen{added, true};
  for (const auto& key : missing) {
    if (lost_in_a_race(list, key, found)) continue;
    if (const auto until = counting.end_of(index, key); until && *until <= now.wall) {
      list.unclaimed.erase(key);
      counting.end({*until, index, key});
      continue;
    }
    say_(fmt::format("{}: {} is free again; counting anew", list.file.path(), printable(key)));
    std::optional<Instant> since;
    if (behind) {
      since = found ? Instant(std::chrono::seconds(found->modified_ns / kSecond))
                    : std::min(now.wall, last_change_in_directory_of(list.file.path()));
      *since -= std::chrono::seconds(1);
    }
    list.unclaimed.erase(key);
    counting.set_freed(index, key, since);
    seen.changed = true;
  }
  list.seen = found;
  return seen;
}

std::optional<Lists::Steady> Lists::next_look() const {
  std::optional<Steady> next;
  for (const auto& list : lists_) {
    if (!list.doubt) continue;
    const auto due = list.doubt->since + kSettle;
    if (!next || due < *next) next = due;
  }
  return next;
}

bool Lists::settling() const {
  return std::any_of(lists_.begin(), lists_.end(),
                     [](const List& list) { return list.doubt && !list.doubt->missing.empty(); });
}

bool Lists::add(List& list, const PendingBlock& block, std::optional<actions::FileStamp>& known) {
  const auto added = list.file.add(block.identity, block.data, known);
  if (!added) {
    fail(list.unwritten, added.error());
    return false;
  }
  written(list);
  list.unsynced = true;
  const auto key = folded(block.identity);
  list.unclaimed.erase(key);
  if (added->change == actions::Change::already_so) return true;
  ++list.entries;
  if (!list.seen) check_access(list);  // it may be new
  list.recent.push_back({key, block, added->at_ns});
  if (list.recent.size() > kMaxRecent) list.recent.pop_front();
  if (added->undisturbed && known == list.seen) {
    list.seen = added->undisturbed;
    list.appended = true;  // what somebody did between the look and the write shows in no stamp
  } else {
    list.unseen = true;
  }
  known = added->undisturbed;
  return true;
}

void Lists::put_off(PendingBlock block) {
  if (pending_.size() >= kMaxPending) {
    if (dropped_++ == 0)
      say_("too many blocks wait for their list; new ones are dropped and counted");
    return;
  }
  pending_.push_back(std::move(block));
}

bool Lists::drop_pending(const std::function<bool(const PendingBlock&)>& unwanted) {
  return std::erase_if(pending_, unwanted) > 0;
}

Lists::Blocked Lists::block(const Decision& decision, const std::string& data, Counting& counting) {
  PendingBlock block{decision.list, decision.identity, data};
  auto* list = find(decision.list);
  if (list == nullptr) return Blocked::pending;
  const auto key = folded(decision.identity);
  const auto index = static_cast<std::size_t>(list - lists_.data());
  const auto line = list->unclaimed.find(key);
  if (list->lost_before && decision.time < *list->lost_before && list->at_start.count(key) == 0) {
    forget(index, key, list->lost_before, counting);
    return Blocked::freed_before;
  }
  // Who was blocked twice was freed in between. When, nobody knows any more.
  if (list->lost_before && line != list->unclaimed.end() && line->second.decided &&
      decision.time < *line->second.decided) {
    forget(index, key, std::nullopt, counting);
    return Blocked::freed_before;
  }
  // Somebody's edit under way would hide what we know of the file; and this key may be in it.
  const bool may_be_there = list->doubt || line != list->unclaimed.end();
  auto known = may_be_there ? std::nullopt : list->seen;
  if (add(*list, block, known)) return Blocked::listed;
  put_off(std::move(block));
  return Blocked::pending;
}

// True: nothing is left to do.
bool Lists::take_out(const Counting::End& block) {
  auto& list = lists_[block.list];
  const auto view = list.file.read();
  if (!view) {
    fail(list.fault, view.error());
    return false;
  }
  for (const auto& entry : view.value().entries) {
    if (folded(entry.key) != block.key) continue;
    if (ends_at(entry.data) != block.until) return true;  // of another block, or by another hand
    const auto removed = list.file.remove({entry.key});
    if (!removed) {
      fail(list.unwritten, removed.error());
      return false;
    }
    written(list);
    list.entries -= std::min(list.entries, removed.value());
    say_(fmt::format("{}: {} is free again, his block has ended", list.file.path(),
                     printable(block.key)));
    return true;
  }
  return true;
}

void Lists::end(const Counting::End& block) {
  std::erase_if(pending_, [&](const PendingBlock& pending) {
    return pending.list == path(block.list) && folded(pending.identity) == block.key &&
           ends_at(pending.data) == block.until;
  });
  if (!take_out(block)) ending_.push_back(block);
}

void Lists::retry() {
  std::erase_if(ending_, [&](const Counting::End& block) { return take_out(block); });
  for (auto& list : lists_) {
    const auto waits = [&](const PendingBlock& block) { return block.list == list.file.path(); };
    if (std::none_of(pending_.begin(), pending_.end(), waits)) {
      if (ending_.empty()) list.unwritten.clear();  // nothing is left to write
      continue;
    }
    const auto view = list.file.read();
    if (!view) {
      fail(list.fault, view.error());
      continue;
    }
    // Another hand may have put it there.
    std::set<std::string> present;
    for (const auto& entry : view.value().entries) present.insert(folded(entry.key));
    auto known = view.value().stamp;
    bool failed = false;  // one try: another process may hold the lock
    std::erase_if(pending_, [&](const PendingBlock& block) {
      if (!waits(block) || failed) return false;
      if (present.count(folded(block.identity)) > 0) return true;
      failed = !add(list, block, known);
      return !failed;
    });
  }
  // A list that is no longer in the config wants nothing.
  std::erase_if(pending_, [&](const PendingBlock& block) { return find(block.list) == nullptr; });
}

std::vector<std::string> Lists::take_unsynced() {
  std::vector<std::string> paths;
  for (auto& list : lists_) {
    if (std::exchange(list.unsynced, false)) paths.push_back(list.file.path());
  }
  return paths;
}

void Lists::put_back_unsynced(const std::vector<std::string>& paths) {
  for (const auto& path : paths) {
    if (auto* list = find(path)) list->unsynced = true;
  }
}

}  // namespace agent
