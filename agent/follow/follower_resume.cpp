// Finding the place again after a stop.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "agent/core/printable.h"
#include "agent/follow/follower.h"

namespace agent {

void Follower::resume(const std::vector<LogPosition>& saved, Instant since, Instant now) {
  const auto current = name_at(now);
  watch_directories(current);
  looked_ = first_start_.emplace(now);
  written_after_ = since.time_since_epoch().count();
  for (const auto& position : saved) {
    if (&position == &saved.front()) written_after_ = position.modified;
    if (position.first_start) first_start_ = position.first_start;
    written_after_ = std::max(written_after_, position.modified);
  }
  unplaced_ = saved;
  search(current, now);
  if (files_.empty() || files_.back().rotated) {
    if (fault_.empty()) fault_ = current + ": No such file or directory";
    say_(fmt::format("{}; waiting for it", printable(fault_)));
  }
}

// A rotation may go on while the directory is read: a file in the midst of its renaming is seen
// under neither name. So it is read until two looks see the same files; if that does not come
// about, what was not found now is looked for again.
std::vector<std::optional<std::size_t>> Follower::look_for(const std::string& current,
                                                           std::vector<LogFile>& candidates,
                                                           std::vector<Unreadable>& unread) {
  constexpr int kLooks = 20;
  std::vector<std::pair<std::string, std::uint64_t>> seen;
  for (int look = 1;; ++look) {
    unread.clear();
    candidates = rotations_of(pattern_, current, olddirs_, true, unread);
    auto live = LogFile::open(current);
    if (live)
      candidates.push_back(std::move(live.value()));
    else if (live.error().code != actions::Errc::not_found)
      unread.push_back({live.error().what, std::numeric_limits<std::int64_t>::max()});
    std::erase_if(candidates, [&](const LogFile& file) { return is_open(file); });
    std::vector<std::pair<std::string, std::uint64_t>> sees;
    for (const auto& file : candidates) sees.emplace_back(file.path(), file.inode());
    if (sees != seen && look < kLooks) {
      seen = std::move(sees);
      continue;
    }
    if (sees != seen)
      unread.push_back({directories_of(current).front() + ": its files are being renamed",
                        std::numeric_limits<std::int64_t>::max()});
    return find_positions(unplaced_, candidates);
  }
}

// Takes every file that was read before up where it was left, and what has come since. What can't
// be read now is waited for: it may be just the one.
void Follower::search(const std::string& current, Instant now) {
  std::vector<Unreadable> unread;
  std::vector<LogFile> candidates;
  const auto found = look_for(current, candidates, unread);
  auto since = written_after_;
  for (std::size_t i = 0; i < unplaced_.size(); ++i) {
    if (!found[i]) since = std::min(since, unplaced_[i].modified);
  }
  std::vector<bool> taken(candidates.size());
  for (const auto& file : found) {
    if (file) taken[*file] = true;
  }
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (taken[i] || !candidates[i].failed()) continue;
    taken[i] = true;
    unread.push_back(unreadable(candidates[i].path(), candidates[i].path() + ": unreadable"));
  }
  std::erase_if(unread, [&](const Unreadable& file) { return file.modified < since; });
  searching_ = !unread.empty();
  if (searching_) trouble(unread.front().why);

  const auto is_live = [&](const LogFile& file) { return file.path() == current; };
  std::vector<LogPosition> left;
  for (std::size_t i = 0; i < unplaced_.size(); ++i) {
    const auto& position = unplaced_[i];
    if (found[i]) {
      auto& file = candidates[*found[i]];
      const bool lives = is_live(file);
      go_on(std::move(file), position, lives);
      continue;
    }
    if (searching_) {
      left.push_back(position);
      continue;
    }
    if (position.finished || position.file.first_line.empty()) continue;
    const auto cut = find_cut_short(position, candidates);
    if (cut && !taken[*cut]) {
      taken[*cut] = true;
      const bool rotated = !is_live(candidates[*cut]);
      read_once_more(adopt(std::move(candidates[*cut]), rotated), position.newest_stamp, now);
      continue;
    }
    ++counters_.missing;
    say_(fmt::format(
        "{}: the file read last is gone (inode {}); what it may have got after byte {}, line "
        "{}, is lost",
        printable(pattern_), position.file.inode, position.reader.offset, position.reader.line));
    // Should it turn up again, what was read of it must not count twice.
    finished_.push_back(position);
    finished_.back().finished = true;
  }
  unplaced_ = std::move(left);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    auto& file = candidates[i];
    if (taken[i]) continue;
    const bool rotated = !is_live(file);
    // The log itself: empty, or cut and written anew; not what another file holds.
    if (rotated && (file.modified() < written_after_ || is_known(file))) continue;
    if (rotated && file.failed()) {
      searching_ = true;
      trouble(file.path() + ": unreadable");
      continue;
    }
    adopt(std::move(file), rotated);
  }
  // The log itself last; the order of the rest is that of their writing.
  std::stable_partition(files_.begin(), files_.end(),
                        [](const OpenFile& open) { return open.rotated; });
}

void Follower::go_on(LogFile file, const LogPosition& position, bool is_live) {
  const bool longer = file.packed() || file.size() > position.reader.offset;
  if (position.finished && !longer) {
    finished_.push_back(position);
    finished_.back().file = file.identity();
    return;
  }
  auto& open = adopt(std::move(file), !is_live);
  pipeline_.reader(open.log).restore(position.reader);
  pipeline_.clock(open.log).restore(position.newest_stamp);
  pipeline_.set_counted_until(open.log, position.counted_until);
  read_recent(open, position.reader.offset);
}

// Exim never syncs its log: a crash of the machine takes back lines that were read and counted, and
// what Exim wrote since stands in their place. Only the stamps tell the ones from the others.
void Follower::read_once_more(OpenFile& open, std::optional<Instant> newest, Instant now) {
  ++counters_.truncations;
  if (newest) newest = std::min(*newest, now);
  pipeline_.set_counted_until(open.log, newest);
  say_(
      fmt::format("{}: has lost lines that were read already; reading it once more, counting only "
                  "what is later than those",
                  printable(open.file.path())));
}

}  // namespace agent
