#include "agent/lists/list_keeper.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "agent/core/attribution.h"
#include "agent/core/printable.h"
#include "agent/lists/list_lines.h"

namespace agent {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;  // in nanoseconds
constexpr std::size_t kMaxRecent = 256;

}  // namespace

// No file that was deleted went later than its directory was changed.
Instant Lists::changed_at(const std::optional<actions::FileStamp>& file, const std::string& path,
                          Instant now) {
  if (file) return Instant(std::chrono::seconds(file->modified_ns / kSecond));
  struct stat info{};
  const auto directory = std::filesystem::path(path).parent_path().string();
  if (::stat(directory.c_str(), &info) != 0) return now;
  return std::min(now, Instant(std::chrono::seconds(info.st_mtime)));
}

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

Lists::Seen Lists::look(std::size_t index, Counting& counting, Now now, bool fully, bool behind) {
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
      since = changed_at(found, list.file.path(), now.wall);
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
