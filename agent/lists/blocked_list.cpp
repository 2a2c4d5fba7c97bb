#include "agent/lists/blocked_list.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <unordered_set>
#include <utility>

#include "agent/core/attribution.h"
#include "agent/core/list_lines.h"
#include "agent/lists/said_few.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kSecond = 1'000'000'000;  // in nanoseconds

// No file that was deleted went later than its directory was changed.
Instant changed_at(const std::string& path, const std::optional<actions::FileStamp>& file,
                   Instant now) {
  if (file) return Instant(std::chrono::seconds(file->modified_ns / kSecond));
  struct stat info{};
  const auto directory = std::filesystem::path(path).parent_path().string();
  if (::stat(directory.c_str(), &info) != 0) return now;
  return std::min(now, Instant(std::chrono::seconds(info.st_mtime)));
}

}  // namespace

BlockedList::BlockedList(actions::Files& files, std::size_t index, const std::string& path,
                         const User& exim, Say say)
    : file_(files, path, actions::creation_of_list(exim)),
      index_(index),
      say_(std::move(say)),
      faults_(path, exim, say_),
      writer_(file_, faults_, exim, say_),
      odd_ends_(path, say_) {}

void BlockedList::unreadable(const actions::Error& error, Counting& counting, Now now) {
  faults_.cant_read(error);
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
  faults_.is_read();
  entries_ = view->entries.size();
  faults_.check_access();
  const auto changed = changed_at(path(), view->stamp, now.wall);
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
      if (start_.knows_before() && !counting.is_blocked(index_, key))
        changes_.push_back({HandChange::What::blocked, index_, entry.key, entry.data, now.wall});
      counting.set_blocked(index_, key);
      if (!torn) counting.set_end(index_, key, ends_at(entry.data));
    }
  }
  odd_ends_.look(view->entries);
  start_.read(changed, present);
  // Decided anew while it could not be read.
  const auto old_story = [&](const PendingBlock& block) {
    const auto key = folded(block.identity);
    const auto decided = decided_at(block.data);
    if (!lost || present.count(key) > 0 || !decided || *decided >= changed) return false;
    forget(key, changed, counting);
    return true;
  };
  writer_.drop_pending(old_story);
  ListDoubt::Keys missing;
  for (auto& key : counting.blocked(index_)) {
    if (present.count(key) == 0 && !pending().holds(key)) missing.insert(std::move(key));
  }
  news_.changed = true;
  // Written this moment, it may be in the midst of an edit.
  if (!view->stamp || now.wall - changed < 2s) {
    read_again_ = now.steady + ListDoubt::kSettle;
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
      changes_.push_back({HandChange::What::ended, index_, key, {}, *until});
      continue;
    }
    said(fmt::format("{}: {} was freed meanwhile", path(), printable(key)));
    counting.set_freed(index_, key, changed);
    changes_.push_back({HandChange::What::freed, index_, key, {}, changed});
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

void BlockedList::look(Counting& counting, Now now, bool fully, bool behind) {
  if (faults_.is_unread() && now.steady < next_read_) return;
  const auto stamp = file_.stamp();
  if (!stamp) return unreadable(stamp.error(), counting, now);
  if (start_.unread()) return read(counting, now);
  if (doubt_) return look_in_doubt(stamp.value(), counting, now, behind);
  const bool again =
      (read_again_ && now.steady >= *read_again_) || (fully && unsure_) || faults_.is_unread();
  if (!again && !(fully && compare_) && file_.knows(stamp.value())) {
    if (fully) faults_.check_access();
    return;
  }
  const auto before = file_.seen();
  using What = actions::Blocklist::News::What;
  const bool all = (fully && compare_) || faults_.is_unread();
  const auto news = all ? file_.all() : again ? file_.verify() : file_.news();
  if (!news) return unreadable(news.error(), counting, now);
  if (all) compare_ = false;
  const auto& [what, view] = news.value();
  faults_.is_read();
  read_again_ = again && what == What::none ? std::nullopt : std::optional(now.steady + kAgain);
  if (again) unsure_ = false;
  faults_.check_access();
  welcome(view.entries, counting, now);
  if (what != What::anew) {
    entries_ += view.entries.size();
    return;
  }
  entries_ = view.entries.size();
  auto missing = missing_in(view.entries, counting);
  if (!missing.empty()) begin_doubt(std::move(missing), before, view.stamp, counting, now, behind);
}

// Who is listed is blocked, until when its line says.
void BlockedList::welcome(const Entries& entries, Counting& counting, Now now) {
  odd_ends_.look(entries);
  SaidFew said(say_);
  for (const auto& entry : entries) {
    const auto key = folded(entry.key);
    if (!counting.is_blocked(index_, key) && !start_.holds(key)) {
      said(fmt::format("{}: {} was added by somebody else", path(), printable(key)));
      counting.set_blocked(index_, key);
      changes_.push_back({HandChange::What::blocked, index_, entry.key, entry.data, now.wall});
      news_.changed = true;
    }
    const auto until = ends_at(entry.data);
    if (counting.is_blocked(index_, key) && counting.end_of(index_, key) != until)
      counting.set_end(index_, key, until);
  }
  said.end(path(), "were added by somebody else");
}

ListDoubt::Keys BlockedList::missing_in(const Entries& entries, const Counting& counting) const {
  std::unordered_set<std::string> present;
  for (const auto& entry : entries) present.insert(folded(entry.key));
  ListDoubt::Keys missing;
  for (auto& key : counting.blocked(index_)) {
    if (present.count(key) == 0 && !pending().holds(key)) missing.insert(std::move(key));
  }
  for (const auto& [key, line] : start_.unclaimed()) {
    if (present.count(key) == 0) missing.insert(key);
  }
  return missing;
}

void BlockedList::begin_doubt(ListDoubt::Keys missing, const Stamp& before, const Stamp& stamp,
                              Counting& counting, Now now, bool behind) {
  doubt_.emplace(std::move(missing), before, stamp, now.steady);
  freed_since_.reset();
  if (behind) freed_since_ = changed_at(path(), stamp, now.wall);
  counting.doubt(index_, {doubt_->missing().begin(), doubt_->missing().end()}, freed_since_);
}

void BlockedList::look_in_doubt(const Stamp& stamp, Counting& counting, Now now, bool behind) {
  if (!doubt_->wants_reading(stamp, now.steady)) return;
  const auto view = file_.read();
  if (!view) return unreadable(view.error(), counting, now);
  entries_ = view->entries.size();
  unsure_ = false;
  welcome(view->entries, counting, now);
  auto missing = missing_in(view->entries, counting);
  const auto& known = doubt_->missing();
  if (behind && !std::includes(known.begin(), known.end(), missing.begin(), missing.end()))
    freed_since_ = changed_at(path(), view->stamp, now.wall);
  const auto gone = doubt_->judge(view->stamp, std::move(missing), now.steady);
  if (gone) return conclude(*gone, doubt_->before(), counting, now);
  counting.doubt(index_, {doubt_->missing().begin(), doubt_->missing().end()}, std::nullopt);
}

void BlockedList::end_doubt(Counting& counting, Now now) {
  if (!doubt_) return;
  const auto view = file_.read();
  if (!view) return unreadable(view.error(), counting, now);
  welcome(view->entries, counting, now);
  conclude(missing_in(view->entries, counting), doubt_->before(), counting, now);
}

void BlockedList::conclude(const ListDoubt::Keys& missing, const Stamp& before, Counting& counting,
                           Now now) {
  SaidFew said(say_);
  for (const auto& key : missing) {
    if (auto lost = writer_.lost_in_a_race(key, before)) {
      say_(fmt::format("{}: {} was lost in somebody's edit; writing it again", path(),
                       printable(key)));
      put_off(std::move(*lost));
      continue;
    }
    if (const auto until = counting.end_of(index_, key); until && *until <= now.wall) {
      start_.claim(key);
      counting.end({*until, index_, key});
      changes_.push_back({HandChange::What::ended, index_, key, {}, *until});
      continue;
    }
    said(fmt::format("{}: {} is free again; counting anew", path(), printable(key)));
    const bool unclaimed = start_.holds(key) && !counting.is_blocked(index_, key);
    start_.claim(key);
    if (unclaimed) counting.set_freed(index_, key, freed_since_);
    if (auto decision = counting.free_doubted(index_, key, freed_since_))
      news_.decisions.push_back(std::move(*decision));
    changes_.push_back({HandChange::What::freed, index_, key, {}, now.wall});
    news_.changed = true;
  }
  said.end(path(), "are free again");
  doubt_.reset();
  counting.doubt(index_, {}, std::nullopt);
  read_again_ = now.steady + kAgain;
  next_write_ = {};
}

bool BlockedList::holds_logs() const {
  return doubt_ && std::any_of(doubt_->missing().begin(), doubt_->missing().end(),
                               [&](const std::string& key) { return start_.holds(key); });
}

// --- what this program writes

void BlockedList::put_off(PendingBlock block) {
  if (!writer_.put_off(std::move(block))) compare_ = true;
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
  writer_.end(block);
}

void BlockedList::write(Counting& counting, Now now, bool behind) {
  if (!writer_.has_work()) return faults_.wants_nothing_written();
  if (now.steady < next_write_) return;
  look(counting, now, false, behind);  // what another hand has done comes first
  if (doubt_) return;                  // its end comes soon, and with it the next try
  const bool readable = !faults_.is_unread() && !start_.unread();
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
  if (!writer_.has_ended()) return true;
  const auto view = peek();
  if (!view) {
    faults_.cant_read(view.error());
    return false;
  }
  const auto removed = writer_.take_out_ended(view->entries);
  entries_ -= std::min(entries_, removed.value_or(0));
  return removed.has_value();
}

bool BlockedList::append_waiting() {
  const auto appended = writer_.append_waiting();
  for (const auto& [key, is_new] : appended.lines) {
    start_.claim(key);
    if (!is_new) continue;
    ++entries_;
    unsure_ = true;  // what somebody did between the look and the write shows in no stamp
  }
  return appended.whole;
}

// --- what other hosts say

bool BlockedList::free(const std::vector<Freed>& freed, Counting& counting) {
  std::unordered_set<std::string> keys;
  bool any = doubt_.has_value();
  for (const auto& one : freed) {
    keys.insert(one.key);
    any = any || counting.is_blocked(index_, one.key) || start_.may_have_held(one.key) ||
          pending().holds(one.key);
  }
  if (any) {
    const auto view = peek();
    if (!view) {
      faults_.cant_read(view.error());
      return false;
    }
    std::vector<std::string> spellings;
    for (const auto& entry : view->entries) {
      if (keys.count(folded(entry.key)) > 0) spellings.push_back(entry.key);
    }
    const auto removed =
        spellings.empty() ? std::optional(std::size_t{0}) : writer_.take_out(spellings);
    if (!removed) return false;
    entries_ -= std::min(entries_, *removed);
    writer_.forget([&](const std::string& key) { return keys.count(key) > 0; });
  }
  for (const auto& one : freed) {
    if (doubt_) doubt_->forget(one.key);
    start_.forget(one.key);
    const auto subject = subject_key(counting.lists()[index_].kind, one.key);
    if (one.remember || counting.subjects().count(subject) > 0)
      counting.set_freed_by_others(index_, one.key, one.since);
  }
  return true;
}

bool BlockedList::end_at(const std::string& key, std::optional<Instant> until, const Zone& zone) {
  writer_.set_pending_data(key,
                           [&](const std::string& data) { return with_end(data, until, zone); });
  const auto view = peek();
  if (!view) {
    faults_.cant_read(view.error());
    return false;
  }
  for (const auto& entry : view->entries) {
    if (folded(entry.key) != key || ends_at(entry.data) == until) continue;
    // Somebody's block without an end is not ours to shorten.
    if (!ends_at(entry.data) && !is_ours(entry.data)) return false;
    if (!writer_.change(entry.key, with_end(entry.data, until, zone))) return false;
  }
  return true;
}

// --- for those who turn the list

std::size_t BlockedList::drop_pending(const std::function<bool(const PendingBlock&)>& unwanted) {
  const auto dropped = writer_.drop_pending(unwanted);
  if (dropped > 0) compare_ = true;  // they are free again
  return dropped;
}

std::optional<BlockedList::Steady> BlockedList::due() const {
  std::optional<Steady> next;
  const auto sooner = [&](Steady time) { next = next ? std::min(*next, time) : time; };
  if (faults_.is_unread()) return next_read_;
  if (doubt_) return doubt_->due();
  if (read_again_) sooner(*read_again_);
  if (writer_.has_work()) sooner(next_write_);
  return next;
}

}  // namespace agent
