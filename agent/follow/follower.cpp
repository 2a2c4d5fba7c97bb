#include "agent/follow/follower.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "agent/values/printable.h"

namespace agent {
namespace {

constexpr std::size_t kReadSize = std::size_t{256} * 1024;
constexpr std::int64_t kCopyTime = 3600;  // seconds; so long may a copy take before the log is cut

}  // namespace

Follower::Counters& Follower::Counters::operator+=(const Counters& more) {
  rotations += more.rotations;
  truncations += more.truncations;
  missing += more.missing;
  bytes += more.bytes;
  return *this;
}

Follower::Follower(std::string path, const std::vector<std::string>& olddirs, const Zone& zone,
                   Pipeline& pipeline, Inotify* inotify, Say say)
    : directories_(std::move(path), olddirs, zone, inotify),
      pipeline_(pipeline),
      inotify_(inotify),
      faults_(std::move(say), inotify != nullptr),
      buffer_(kReadSize) {}

bool Follower::is_live(const LogFile& file) const {
  return file.path() == directories_.current();
}

bool Follower::is_open(const LogFile& file) const {
  return std::any_of(files_.begin(), files_.end(),
                     [&](const auto& open) { return open->is(file); });
}

// Its content is being read or was read, under whatever name or inode. If its first line can't be
// read that can't be told, and file.failed().
bool Follower::is_known(LogFile& file) {
  if (is_open(file)) return true;
  if (file.identity().first_line.empty()) return false;
  const auto was_read = [&](const LogPosition& position) {
    return is_copy_of(position, nullptr, file);
  };
  const auto is_read = [&](const auto& open) {
    return is_copy_of(open->position(), &open->file(), file);
  };
  return std::any_of(finished_.begin(), finished_.end(), was_read) ||
         std::any_of(files_.begin(), files_.end(), is_read);
}

std::int64_t Follower::last_written() const {
  return files_.empty() ? search_.written_after() : files_.back()->file().modified();
}

FollowedFile& Follower::adopt(LogFile file, bool rotated) {
  const auto before =
      files_.empty() ? FollowedFile::Before{{}, search_.written_after()} : files_.back()->leaves();
  auto open = std::make_unique<FollowedFile>(std::move(file), pipeline_, first_start_, before);
  open->set_rotated(rotated);
  if (inotify_ != nullptr) {
    if (const auto watched = open->watch(*inotify_); !watched)
      faults_.cant_watch(watched.error().what);
  }
  if (open->file().remote()) faults_.is_remote(open->file().path());
  files_.push_back(std::move(open));
  return *files_.back();
}

// --- Finding the place again after a stop.

void Follower::resume(const std::vector<LogPosition>& saved, Instant since, Instant now) {
  if (const auto unwatched = directories_.enter(now)) faults_.cant_watch(*unwatched);
  looked_ = first_start_.emplace(now);
  for (const auto& position : saved) {
    if (position.first_start) first_start_ = position.first_start;
  }
  search_.start(saved, since);
  search();
  if (files_.empty() || files_.back()->is_rotated()) {
    if (!faults_.is_unread())
      faults_.is_missing(directories_.current() + ": No such file or directory");
    faults_.say(fmt::format("{}; waiting for it", printable(faults_.fault())));
  }
}

// Takes every file that was read before up where it was left, and what has come since. What can't
// be read now is waited for.
void Follower::search() {
  auto found = search_.look(directories_, [this](const LogFile& file) { return is_open(file); });
  if (!found.unfinished.empty()) faults_.cant_read(found.unfinished);
  for (auto& outcome : found.outcomes) settle(std::move(outcome));
  for (auto& file : found.others) adopt_other(std::move(file));
  // The log itself last; the order of the rest is that of their writing.
  std::stable_partition(files_.begin(), files_.end(),
                        [](const auto& open) { return open->is_rotated(); });
}

void Follower::settle(PositionSearch::Outcome&& outcome) {
  const auto& position = outcome.position;
  if (!outcome.file) {
    ++counters_.missing;
    faults_.say(fmt::format(
        "{}: the file read last is gone (inode {}); what it may have got after byte {}, line "
        "{}, is lost",
        printable(path()), position.file.inode, position.reader.offset, position.reader.line));
    // Should it turn up again, what was read of it must not count twice.
    finished_.push_back(position);
    finished_.back().finished = true;
    return;
  }
  const bool live = is_live(*outcome.file);
  if (outcome.cut_short)
    read_once_more(adopt(std::move(*outcome.file), !live), position.newest_stamp);
  else
    go_on(std::move(*outcome.file), position, live);
}

// Takes a file that no position means: the log itself (empty, or cut and written anew), or a
// rotation that holds what no other file does.
void Follower::adopt_other(LogFile file) {
  const bool rotated = !is_live(file);
  if (rotated && (file.modified() < search_.written_after() || is_known(file))) return;
  if (rotated && file.failed()) {
    search_.look_again();
    faults_.cant_read(file.path() + ": unreadable");
    return;
  }
  adopt(std::move(file), rotated);
}

void Follower::go_on(LogFile file, const LogPosition& position, bool live) {
  const bool longer = file.packed() || file.size() > position.reader.offset;
  if (position.finished && !longer) {
    finished_.push_back(position);
    finished_.back().file = file.identity();
    return;
  }
  adopt(std::move(file), !live).go_on_from(position);
}

// Exim never syncs its log: a crash of the machine takes back lines that were read and counted, and
// what Exim wrote since stands in their place. Only the stamps tell the ones from the others.
void Follower::read_once_more(FollowedFile& open, std::optional<Instant> newest) {
  ++counters_.truncations;
  if (newest) newest = std::min(*newest, looked_);
  open.count_after(newest);
  faults_.say(
      fmt::format("{}: has lost lines that were read already; reading it once more, counting only "
                  "what is later than those",
                  printable(open.file().path())));
}

// --- Reading.

bool Follower::read(std::size_t budget, Steady now) {
  caught_up_ = false;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const auto before = budget;
    const auto reached = files_[i]->read(budget, buffer_);
    counters_.bytes += before - budget;
    if (!reached) {
      faults_.cant_read(reached.error().what);
      if (files_[i]->file().packed()) ++counters_.missing;
      continue;
    }
    if (reached.value() == FollowedFile::Reached::budget) return true;
    if (reached.value() == FollowedFile::Reached::cut && start_again(i)) return true;
  }
  retire(now);
  caught_up_ = true;
  return false;
}

// The clock was fast at the first start, and was set back since: what comes from now on would be
// taken for old until it has caught up. What lay there at the first start was read before.
void Follower::bound_first_start(Instant now) {
  if (!caught_up_ || search_.is_unfinished() || !first_start_ || now >= *first_start_) return;
  first_start_ = now;
  for (const auto& open : files_) open->set_first_start(now);
}

// Finds a file that holds what was read of `open` before that was cut, and perhaps more.
std::optional<LogFile> Follower::copy_of(FollowedFile& open,
                                         std::vector<Unreadable>& unread) const {
  if (!open.knows_bytes()) return std::nullopt;
  auto copies = directories_.rotations(true, unread);
  std::stable_partition(copies.begin(), copies.end(),
                        [](const LogFile& file) { return !file.packed(); });
  for (auto& file : copies) {
    if (is_open(file)) continue;
    if (open.goes_on_in(file)) return std::move(file);
    if (file.failed()) unread.push_back(unreadable(file.path(), file.path() + ": unreadable"));
  }
  return std::nullopt;
}

// The file was cut in place (copytruncate). What of it was not read may stand in the copy.
// False: not yet, for a file that may be the copy can't be read.
bool Follower::start_again(std::size_t index) {
  auto& open = *files_[index];
  const auto left = open.place();
  std::vector<Unreadable> unread;
  auto copy = copy_of(open, unread);
  const auto written = open.file().modified() - kCopyTime;
  std::erase_if(unread, [&](const Unreadable& file) { return file.modified < written; });
  if (!copy && !unread.empty()) {
    faults_.cant_read(unread.front().why);
    return false;
  }
  const bool begins_alike = open.begins_alike();
  open.begin_again();
  if (!copy && begins_alike) {
    read_once_more(open, left.newest_stamp);
    return true;
  }
  ++counters_.truncations;
  faults_.say(fmt::format("{}: cut at byte {} and written anew; {}", printable(open.file().path()),
                          left.reader.offset,
                          copy ? "going on in " + printable(copy->path()) + " first"
                               : std::string("reading it from its start")));
  if (!copy) return true;
  adopt(std::move(*copy), true).go_on_from(left);
  // In front of the one that was cut, since it is older.
  std::rotate(files_.begin() + static_cast<std::ptrdiff_t>(index), std::prev(files_.end()),
              files_.end());
  return true;
}

void Follower::retire(Steady now) {
  auto rotated = static_cast<std::size_t>(std::count_if(
      files_.begin(), files_.end(), [](const auto& open) { return open->is_rotated(); }));
  std::erase_if(files_, [&](const auto& open) {
    if (!open->is_rotated() || !open->is_drained(now, rotated > kMaxDraining)) return false;
    auto position = position_of(*open);
    position.finished = true;
    if (!position.file.first_line.empty()) finished_.push_back(std::move(position));
    while (finished_.size() > kMaxFinished) finished_.pop_front();
    --rotated;
    return true;
  });
}

// --- The log's name and what stands beside it.

// Exim's main log has a stamp in every entry; a log of which that can't be said is not read,
// however well its bytes are.
void Follower::look_for_entries(Instant now) {
  const bool strange = !files_.empty() && files_.back()->holds_no_entry();
  faults_.is_strange(strange, directories_.current(), now);
}

void Follower::look(Instant now) {
  looked_ = now;
  bound_first_start(now);
  look_for_entries(now);
  if (const auto unwatched = directories_.enter(now)) faults_.cant_watch(*unwatched);
  if (search_.is_unfinished()) search();
  const bool has_log = !files_.empty() && !files_.back()->is_rotated();
  if (search_.is_unfinished() && !has_log) return;
  const auto& current = directories_.current();
  if (has_log) {
    const auto& log = files_.back()->file();
    const auto same = names_inode(current, log.device(), log.inode());
    // No file at the name: renamed, and Exim has written nothing since. Its successor will come.
    if (same.value_or(true)) {
      if (same && !search_.is_unfinished()) faults_.is_read();
      if (!same) look_beside();
      return;
    }
  }
  auto file = LogFile::open(current);
  if (file) {
    if (faults_.is_unread()) faults_.say(fmt::format("{}: reading", printable(current)));
    faults_.is_read();
    take_successor(std::move(file.value()));
  } else if (file.error().code == actions::Errc::not_found) {
    faults_.is_missing(file.error().what);
    look_beside();
  } else {
    faults_.cant_read(file.error().what);
  }
}

// Another file stands at the log's name than before.
void Follower::take_successor(LogFile file) {
  const auto known =
      std::find_if(files_.begin(), files_.end(), [&](const auto& open) { return open->is(file); });
  if (known != files_.end()) {  // moved away and back
    for (auto& open : files_) open->set_rotated(open->is_rotated() || open != *known);
    (*known)->set_rotated(false);
    std::rotate(known, std::next(known), files_.end());
    return;
  }
  if (replaced_by_copy(file)) return;
  const auto written_after = last_written();
  const bool first = files_.empty();
  for (auto& open : files_) open->set_rotated(true);
  take_between(&file, written_after);
  if (!first) ++counters_.rotations;
  adopt(std::move(file), false);
}

// The log was replaced by a copy of itself (an editor, cp and mv): it goes on where the old one
// was.
bool Follower::replaced_by_copy(LogFile& file) {
  if (files_.empty()) return false;
  const auto position = position_of(*files_.back());
  if (position.file.first_line.empty() || file.identity().first_line != position.file.first_line ||
      file.tail_before(position.reader.offset) != position.tail) {
    return false;
  }
  files_.pop_back();
  go_on(std::move(file), position, true);
  return true;
}

// Rotated more than once since the last look: what came in between stands beside.
void Follower::take_between(const LogFile* current, std::int64_t written_after) {
  std::vector<Unreadable> unread;
  for (auto& between : directories_.rotations(false, unread)) {
    if (current != nullptr && between.inode() == current->inode() &&
        between.device() == current->device()) {
      continue;
    }
    if (between.modified() < written_after || is_known(between)) continue;
    if (between.failed()) {
      unread.push_back(unreadable(between.path(), between.path() + ": unreadable"));
      continue;
    }
    ++counters_.rotations;
    adopt(std::move(between), true);
  }
  std::erase_if(unread, [&](const Unreadable& one) { return one.modified < written_after; });
  if (!unread.empty()) search_.look_again();
  search_.set_written_after(written_after);
}

// There is no log now: one may have come and been moved away before it was looked at.
void Follower::look_beside() {
  if (!directories_.take_changed()) return;
  const auto known = files_.size();
  take_between(nullptr, last_written());
  if (files_.size() == known) return;
  for (auto& open : files_) open->set_rotated(true);
}

bool Follower::on_change(const Inotify::Change& change, Instant now) {
  bound_first_start(now);
  const bool lost = change.watch < 0;  // overflow
  const auto where = lost ? LogDirectories::Change::name_came : directories_.on_change(change);
  switch (where) {
    case LogDirectories::Change::name_came:
      look(now);
      return true;
    case LogDirectories::Change::other:
      return false;
    case LogDirectories::Change::elsewhere:
      break;
  }
  return std::any_of(files_.begin(), files_.end(),
                     [&](const auto& open) { return open->has_watch(change.watch); });
}

void Follower::reconfigured(const Zone& zone, const std::vector<std::string>& olddirs) {
  directories_.configure(zone, olddirs);
  for (auto& open : files_) open->feed_half_line_again();
}

// --- What it knows of itself.

LogPosition Follower::position_of(FollowedFile& open) const {
  auto position = open.position();
  position.path = path();
  position.first_start = first_start_;
  return position;
}

std::vector<LogPosition> Follower::positions() {
  std::vector<LogPosition> positions(finished_.begin(), finished_.end());
  const auto& unplaced = search_.positions();
  positions.insert(positions.end(), unplaced.begin(), unplaced.end());
  for (auto& open : files_) positions.push_back(position_of(*open));
  if (positions.empty()) {  // there was no log yet: the next start is not the first one
    positions.push_back(
        {.path = path(), .modified = search_.written_after(), .first_start = first_start_});
  }
  return positions;
}

std::optional<Instant> Follower::newest_stamp() const {
  std::optional<Instant> newest;
  for (const auto& open : files_) newest = std::max(newest, open->newest_stamp());
  return newest;
}

std::uint64_t Follower::lag() const {
  std::uint64_t bytes = 0;
  for (const auto& open : files_) bytes += open->lag();
  return bytes;
}

}  // namespace agent
