#include "agent/lists/blocked_list.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <unordered_set>
#include <utility>

#include "agent/core/attribution.h"
#include "agent/core/printable.h"
#include "agent/lists/list_lines.h"
#include "agent/lists/said_few.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kSecond = 1'000'000'000;  // in nanoseconds
constexpr std::size_t kMaxRecent = 256;
constexpr std::size_t kMaxSaid = 8;
constexpr std::size_t kMaxOddEnds = 1000;
constexpr auto kFullRead = 15s;  // at most so often without a sign that somebody else has written
constexpr auto kSample = 100ms;  // in doubt of a file that goes on changing

}  // namespace

BlockedList::BlockedList(actions::Files& files, std::size_t index, const std::string& path,
                         const User& exim, Say say)
    : file_(files, path, actions::creation_of_list(exim)),
      index_(index),
      exim_(exim),
      say_(std::move(say)) {}

// --- what does not work

void BlockedList::fail(Trouble& trouble, const actions::Error& error) {
  trouble.what = error.what;
  if (trouble.said.size() < kMaxSaid && trouble.said.insert(error.what).second)
    say_(printable(error.what) + "; trying again");
}

void BlockedList::works(Trouble& trouble, const char* again) {
  if (!trouble.what.empty()) say_(fmt::format("{}: {}", path(), again));
  trouble = {};
}

const std::string& BlockedList::fault() const {
  return !reading_.what.empty()   ? reading_.what
         : !writing_.what.empty() ? writing_.what
                                  : access_.what;
}

// A list that Exim can't read stops everybody's mail: mend what is ours, say what is not.
void BlockedList::check_access() {
  if (!exim_) return;
  const auto readable = actions::make_readable(*exim_, path());
  const auto now = readable ? std::string() : readable.error().what;
  if (now == access_.what) return;
  say_(readable ? fmt::format("{}: Exim's user can read it now", path())
                : printable(now) + "; Exim defers all mail it looks up there");
  access_.what = now;
}

void BlockedList::unreadable(const actions::Error& error, Counting& counting, Now now) {
  fail(reading_, error);
  next_read_ = now.steady + kAgain;
  if (!std::exchange(doubt_, std::nullopt)) return;
  counting.doubt(index_, {}, std::nullopt);
}

// --- the start

void BlockedList::adopt(std::optional<Instant> horizon, bool lost, Counting& counting, Now now) {
  start_.expect(horizon, lost);
  read(counting, now);  // or as soon as it can be read
}

void BlockedList::read(Counting& counting, Now now) {
  const auto view = file_.read();
  if (!view) return unreadable(view.error(), counting, now);
  works(reading_, "readable again");
  entries_ = view->entries.size();
  check_access();
  const auto changed = changed_at(view->stamp, now.wall);
  const bool lost = start_.lost();
  std::set<std::string> present;
  for (const auto& entry : view->entries) {
    const auto key = folded(entry.key);
    present.insert(key);
    const auto decided = decided_at(entry.data);
    const bool torn = !view->whole && &entry == &view->entries.back();
    if (start_.to_be_claimed(decided, torn) && !counting.is_blocked(index_, key)) {
      start_.add(key, torn ? StartClaims::Line{} : StartClaims::Line{decided, ends_at(entry.data)});
    } else {
      counting.set_blocked(index_, key);
      if (!torn) counting.set_end(index_, key, ends_at(entry.data));
    }
  }
  say_odd_ends(view->entries);
  start_.read(changed, present);
  // Decided anew while it could not be read.
  const auto old_story = [&](const PendingBlock& block) {
    const auto key = folded(block.identity);
    const auto decided = decided_at(block.data);
    if (!lost || present.count(key) > 0 || !decided || *decided >= changed) return false;
    forget(key, changed, counting);
    return true;
  };
  if (pending_.erase_if(old_story) > 0) ++revision_;
  std::set<std::string> missing;
  for (auto& key : counting.blocked(index_)) {
    if (present.count(key) == 0 && !pending_.holds(key)) missing.insert(std::move(key));
  }
  news_.changed = true;
  // Written this moment, it may be in the midst of an edit.
  if (!view->stamp || now.wall - changed < 2s) {
    read_again_ = now.steady + kSettle;
    if (!missing.empty())
      begin_doubt(std::move(missing), view->stamp, view->stamp, counting, now, true);
    return;
  }
  // Freed while we were away: what the log says up to that moment is the old story.
  SaidFew said(say_);
  for (const auto& key : missing) {
    const auto until = counting.end_of(index_, key);
    if (until && *until <= now.wall) {
      counting.end({*until, index_, key});  // by us, just before a crash
      continue;
    }
    said(fmt::format("{}: {} was freed meanwhile", path(), printable(key)));
    counting.set_freed(index_, key, changed);
  }
  said.end(path(), "were freed meanwhile");
}

void BlockedList::settle(Counting& counting) {
  for (const auto& [key, line] : start_.settle()) {
    counting.set_blocked(index_, key);
    counting.set_end(index_, key, line.until);
  }
}

// What was decided is an old story: the file shows that somebody has freed this sender since.
void BlockedList::forget(const std::string& key, std::optional<Instant> freed, Counting& counting) {
  say_(fmt::format("{}: {} was freed after this; counting anew", path(), printable(key)));
  counting.set_freed(index_, key, freed);
}

// --- what other hands do

// No file that was deleted went later than its directory was changed.
Instant BlockedList::changed_at(const Stamp& file, Instant now) const {
  if (file) return Instant(std::chrono::seconds(file->modified_ns / kSecond));
  struct stat info{};
  const auto directory = std::filesystem::path(path()).parent_path().string();
  if (::stat(directory.c_str(), &info) != 0) return now;
  return std::min(now, Instant(std::chrono::seconds(info.st_mtime)));
}

void BlockedList::look(Counting& counting, Now now, bool fully, bool behind) {
  if (!reading_.what.empty() && now.steady < next_read_) return;
  const auto stamp = file_.stamp();
  if (!stamp) return unreadable(stamp.error(), counting, now);
  if (start_.unread()) return read(counting, now);
  if (doubt_) return look_in_doubt(stamp.value(), counting, now, behind);
  const bool again =
      (read_again_ && now.steady >= *read_again_) || (fully && unsure_) || !reading_.what.empty();
  if (!again && !(fully && compare_) && file_.knows(stamp.value())) {
    if (fully) check_access();
    return;
  }
  const auto before = file_.seen();
  using What = actions::Blocklist::News::What;
  const bool all = (fully && compare_) || !reading_.what.empty();
  const auto news = all ? file_.all() : again ? file_.verify() : file_.news();
  if (!news) return unreadable(news.error(), counting, now);
  if (all) compare_ = false;
  const auto& [what, view] = news.value();
  works(reading_, "readable again");
  read_again_ = again && what == What::none ? std::nullopt : std::optional(now.steady + kAgain);
  if (again) unsure_ = false;
  if (again) next_full_ = now.steady + kFullRead;
  check_access();
  welcome(view.entries, counting);
  if (what != What::anew) {
    entries_ += view.entries.size();
    return;
  }
  entries_ = view.entries.size();
  auto missing = missing_in(view.entries, counting);
  if (!missing.empty()) begin_doubt(std::move(missing), before, view.stamp, counting, now, behind);
}

// Who is listed is blocked, until when its line says.
void BlockedList::welcome(const Entries& entries, Counting& counting) {
  say_odd_ends(entries);
  SaidFew said(say_);
  for (const auto& entry : entries) {
    const auto key = folded(entry.key);
    if (!counting.is_blocked(index_, key) && !start_.holds(key)) {
      said(fmt::format("{}: {} was added by somebody else", path(), printable(key)));
      counting.set_blocked(index_, key);
      news_.changed = true;
    }
    const auto until = ends_at(entry.data);
    if (counting.is_blocked(index_, key) && counting.end_of(index_, key) != until)
      counting.set_end(index_, key, until);
  }
  said.end(path(), "were added by somebody else");
}

// Somebody wanted these blocks to end, and they will not.
void BlockedList::say_odd_ends(const Entries& entries) {
  std::unordered_set<std::string> odd;
  SaidFew said(say_);
  for (const auto& entry : entries) {
    if (!has_odd_end(entry.data)) continue;
    auto line = entry.key + ": " + entry.data;
    if (odd_ends_.count(line) == 0) {
      said(
          fmt::format("{}: {} is blocked without end: its \"until=\" is no time with a zone, "
                      "such as 2026-11-23T11:09:44+01:00",
                      path(), printable(entry.key)));
    }
    if (odd.size() < kMaxOddEnds) odd.insert(std::move(line));
  }
  said.end(path(), "have no such time either");
  if (odd_ends_.size() + odd.size() > kMaxOddEnds) odd_ends_.clear();
  odd_ends_.merge(odd);
}

std::set<std::string> BlockedList::missing_in(const Entries& entries,
                                              const Counting& counting) const {
  std::unordered_set<std::string> present;
  for (const auto& entry : entries) present.insert(folded(entry.key));
  std::set<std::string> missing;
  for (auto& key : counting.blocked(index_)) {
    if (present.count(key) == 0 && !pending_.holds(key)) missing.insert(std::move(key));
  }
  for (const auto& [key, line] : start_.unclaimed()) {
    if (present.count(key) == 0) missing.insert(key);
  }
  return missing;
}

void BlockedList::begin_doubt(std::set<std::string> missing, const Stamp& before,
                              const Stamp& stamp, Counting& counting, Now now, bool behind) {
  doubt_ = Doubt{before, stamp, now.steady, now.steady, now.steady + kSample, std::move(missing)};
  std::optional<Instant> since;
  if (behind) since = changed_at(stamp, now.wall);
  counting.doubt(index_, {doubt_->missing.begin(), doubt_->missing.end()}, since);
}

void BlockedList::look_in_doubt(const Stamp& stamp, Counting& counting, Now now, bool behind) {
  auto& doubt = *doubt_;
  if (stamp != doubt.stamp) {
    doubt.stamp = stamp;
    doubt.since = now.steady;
  }
  const bool calm = now.steady - doubt.since >= kSettle;
  const bool at_last = now.steady - doubt.first >= kSettleAtMost;
  if (!calm && !at_last && now.steady < doubt.next_sample) return;
  const auto view = file_.read();
  if (!view) return unreadable(view.error(), counting, now);
  const bool changes = view->stamp != doubt.stamp;
  if (changes) {
    doubt.stamp = view->stamp;
    doubt.since = now.steady;
  }
  entries_ = view->entries.size();
  unsure_ = false;
  welcome(view->entries, counting);
  auto missing = missing_in(view->entries, counting);
  const bool settled = calm && !changes;
  if (!settled) std::erase_if(missing, [&](const auto& key) { return !doubt.missing.count(key); });
  if (settled || at_last || missing.empty())
    return conclude(missing, doubt.before, counting, now, behind);
  doubt.next_sample = now.steady + kSample;
  counting.doubt(index_, {missing.begin(), missing.end()}, std::nullopt);
  doubt.missing = std::move(missing);
}

void BlockedList::end_doubt(Counting& counting, Now now, bool behind) {
  if (!doubt_) return;
  const auto view = file_.read();
  if (!view) return unreadable(view.error(), counting, now);
  welcome(view->entries, counting);
  conclude(missing_in(view->entries, counting), doubt_->before, counting, now, behind);
}

void BlockedList::conclude(const std::set<std::string>& missing, const Stamp& before,
                           Counting& counting, Now now, bool behind) {
  const auto file = file_.seen();
  SaidFew said(say_);
  for (const auto& key : missing) {
    if (lost_in_a_race(key, before)) continue;
    if (const auto until = counting.end_of(index_, key); until && *until <= now.wall) {
      start_.claim(key);
      counting.end({*until, index_, key});
      continue;
    }
    said(fmt::format("{}: {} is free again; counting anew", path(), printable(key)));
    std::optional<Instant> since;
    if (behind) since = changed_at(file, now.wall);
    const bool unclaimed = start_.holds(key) && !counting.is_blocked(index_, key);
    start_.claim(key);
    if (unclaimed) counting.set_freed(index_, key, since);
    if (auto decision = counting.free_doubted(index_, key, since))
      news_.decisions.push_back(std::move(*decision));
    news_.changed = true;
  }
  said.end(path(), "are free again");
  doubt_.reset();
  counting.doubt(index_, {}, std::nullopt);
  read_again_ = now.steady + kAgain;
  next_write_ = {};
}

// Its new version was begun before our key was in the old one: whoever wrote it never saw the key.
bool BlockedList::lost_in_a_race(const std::string& key, const Stamp& before) {
  const auto now = file_.seen();
  if (!now || !before || now->inode == before->inode || now->born_ns == 0) return false;
  // It may have been written, freed and written again: the newest counts.
  const auto recent = std::find_if(recent_.rbegin(), recent_.rend(),
                                   [&](const Recent& known) { return known.key == key; });
  if (recent == recent_.rend() || now->born_ns > recent->at_ns) return false;
  say_(fmt::format("{}: {} was lost in somebody's edit; writing it again", path(), printable(key)));
  put_off(recent->block);
  return true;
}

bool BlockedList::holds_logs() const {
  return doubt_ && std::any_of(doubt_->missing.begin(), doubt_->missing.end(),
                               [&](const std::string& key) { return start_.holds(key); });
}

// --- what this program writes

void BlockedList::put_off(PendingBlock block) {
  ++revision_;
  switch (pending_.add(std::move(block))) {
    case PendingBlocks::Fate::waits:
      return;
    case PendingBlocks::Fate::set_aside:
      ++unfit_;
      return;
    case PendingBlocks::Fate::dropped:
      compare_ = true;
      if (dropped_++ == 0)
        say_(fmt::format("{}: too many blocks wait for this list; new ones are dropped and counted",
                         path()));
  }
}

BlockedList::Accepted BlockedList::block(const Decision& decision, const std::string& data,
                                         Counting& counting) {
  const auto key = folded(decision.identity);
  if (const auto freed = start_.freed_since(key, decision.time)) {
    forget(key, freed->at, counting);
    return Accepted::freed_before;
  }
  return take_in(decision.identity, data);
}

BlockedList::Accepted BlockedList::take_in(const std::string& identity, const std::string& data) {
  put_off({path(), identity, data});
  if (actions::quoted_key(identity)) return Accepted::waits;
  say_(
      fmt::format("{}: no line can hold {} ({} bytes): it is blocked in name only; its queue is "
                  "frozen and the notice goes out",
                  path(), printable(identity, 80), identity.size()));
  return Accepted::unfit;
}

void BlockedList::end(const Counting::End& block) {
  const auto over = [&](const PendingBlock& pending) {
    return folded(pending.identity) == block.key && ends_at(pending.data) == block.until;
  };
  if (pending_.holds(block.key) && pending_.erase_if(over) > 0) ++revision_;
  ended_.push_back(block);
}

void BlockedList::write(Counting& counting, Now now, bool behind) {
  if (pending_.waiting().empty() && ended_.empty()) {
    writing_ = {};  // nothing is left to write
    return;
  }
  if (now.steady < next_write_) return;
  look(counting, now, false, behind);  // what another hand has done comes first
  if (doubt_) return;                  // its end comes soon, and with it the next try
  const bool readable = reading_.what.empty() && !start_.unread();
  const bool out = readable && take_out_ended();
  const bool in = readable && append_waiting();
  next_write_ = out && in ? Steady{} : now.steady + kAgain;
}

// All of the file, in between: what other hands have done since the last look is left for the next.
actions::Result<actions::Blocklist::View> BlockedList::peek() {
  const auto before = file_.seen();
  const bool known = file_.knows(before);
  auto view = file_.read();
  if (view && (!known || view->stamp != before)) read_again_ = Steady{};
  return view;
}

// Returns true if nothing is left to be done.
bool BlockedList::take_out_ended() {
  if (ended_.empty()) return true;
  const auto view = peek();
  if (!view) {
    fail(reading_, view.error());
    return false;
  }
  std::map<std::string, Instant> ends;
  for (const auto& block : ended_) ends[block.key] = block.until;
  std::vector<std::string> over;
  for (const auto& entry : view->entries) {
    const auto end = ends.find(folded(entry.key));
    if (end == ends.end()) continue;
    // Of another block, or by another hand, it stays.
    if (ends_at(entry.data) == end->second) over.push_back(entry.key);
    ends.erase(end);
  }
  const auto removed = file_.remove(over);
  if (!removed) {
    fail(writing_, removed.error());
    return false;
  }
  if (!over.empty()) works(writing_, "written again");
  entries_ -= std::min(entries_, removed.value());
  SaidFew said(say_);
  for (const auto& key : over)
    said(fmt::format("{}: {} is free again, its block has ended", path(), printable(folded(key))));
  said.end(path(), "are free again, their blocks have ended");
  ended_.clear();
  return true;
}

bool BlockedList::append_waiting() {
  std::unordered_set<std::string> ending;  // whose old line must go first
  for (const auto& block : ended_) ending.insert(block.key);
  std::vector<actions::Blocklist::Line> lines;
  std::vector<PendingBlock> blocks;
  for (const auto& block : pending_.waiting()) {
    if (ending.count(folded(block.identity)) > 0) continue;
    lines.push_back({block.identity, block.data});
    blocks.push_back(block);
  }
  if (lines.empty()) return true;
  const bool is_new = !file_.seen();
  auto added = file_.add(lines);
  if (added.error && added.error->code == actions::Errc::not_found) {
    const auto directory = std::filesystem::path(path()).parent_path().string();
    const auto made = actions::make_directory(exim_, directory);
    if (made && made.value()) say_(fmt::format("created {}", printable(directory)));
    if (made) added = file_.add(lines);
  }
  std::unordered_set<std::string> done;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (!added.lines[i]) continue;
    appended(blocks[i], *added.lines[i]);
    done.insert(blocks[i].identity);
  }
  const auto written = [&](const PendingBlock& block) { return done.count(block.identity) > 0; };
  if (!done.empty() && pending_.erase_if(written) > 0) ++revision_;
  if (is_new && !done.empty()) check_access();
  if (added.error) {
    fail(writing_, *added.error);
    return false;
  }
  works(writing_, "written again");
  return true;
}

void BlockedList::appended(const PendingBlock& block, const actions::Blocklist::Added& added) {
  const auto key = folded(block.identity);
  unsynced_ = true;
  start_.claim(key);
  if (added.change == actions::Change::already_so) return;
  ++entries_;
  unsure_ = true;  // what somebody did between the look and the write shows in no stamp
  recent_.push_back({key, block, added.at_ns});
  if (recent_.size() > kMaxRecent) recent_.pop_front();
}

// --- what other hosts say

bool BlockedList::free(const std::vector<Freed>& freed, Counting& counting) {
  std::unordered_set<std::string> keys;
  bool any = doubt_.has_value();
  for (const auto& one : freed) {
    keys.insert(one.key);
    any = any || counting.is_blocked(index_, one.key) || start_.may_have_held(one.key) ||
          pending_.holds(one.key);
  }
  if (any) {
    const auto view = peek();
    if (!view) {
      fail(reading_, view.error());
      return false;
    }
    std::vector<std::string> spellings;
    for (const auto& entry : view->entries) {
      if (keys.count(folded(entry.key)) > 0) spellings.push_back(entry.key);
    }
    const auto removed = spellings.empty() ? std::size_t{0} : file_.remove(spellings);
    if (!removed) {
      fail(writing_, removed.error());
      return false;
    }
    if (!spellings.empty()) works(writing_, "written again");
    entries_ -= std::min(entries_, removed.value());
    const auto is_freed = [&](const PendingBlock& block) {
      return keys.count(folded(block.identity)) > 0;
    };
    if (pending_.erase_if(is_freed) > 0) ++revision_;
    // Nobody's edit has lost it, and nobody has still to find that it is gone.
    std::erase_if(recent_, [&](const Recent& recent) { return keys.count(recent.key) > 0; });
  }
  for (const auto& one : freed) {
    if (doubt_) doubt_->missing.erase(one.key);
    start_.forget(one.key);
    const auto subject = subject_key(counting.lists()[index_].kind, one.key);
    if (one.remember || counting.subjects().count(subject) > 0)
      counting.set_freed_by_others(index_, one.key, one.since);
  }
  return true;
}

bool BlockedList::end_at(const std::string& key, std::optional<Instant> until, const Zone& zone) {
  pending_.set_data(key, [&](const std::string& data) { return with_end(data, until, zone); });
  const auto view = peek();
  if (!view) {
    fail(reading_, view.error());
    return false;
  }
  for (const auto& entry : view->entries) {
    if (folded(entry.key) != key || ends_at(entry.data) == until) continue;
    // Somebody's block without an end is not ours to shorten.
    if (!ends_at(entry.data) && !is_ours(entry.data)) return false;
    const auto changed = file_.change(entry.key, with_end(entry.data, until, zone));
    if (!changed) {
      fail(writing_, changed.error());
      return false;
    }
    works(writing_, "written again");
  }
  return true;
}

// --- for those who turn the list

std::size_t BlockedList::drop_pending(const std::function<bool(const PendingBlock&)>& unwanted) {
  const auto dropped = pending_.erase_if(unwanted);
  if (dropped > 0) {
    ++revision_;
    compare_ = true;  // they are free again
  }
  return dropped;
}

std::optional<BlockedList::Steady> BlockedList::due() const {
  std::optional<Steady> next;
  const auto sooner = [&](Steady time) { next = next ? std::min(*next, time) : time; };
  if (!reading_.what.empty()) {
    sooner(next_read_);
    return next;
  }
  if (doubt_) {
    sooner(std::min({doubt_->since + kSettle, doubt_->first + kSettleAtMost}));
    return next;
  }
  if (read_again_) sooner(*read_again_);
  if (!pending_.waiting().empty() || !ended_.empty()) sooner(next_write_);
  return next;
}

}  // namespace agent
