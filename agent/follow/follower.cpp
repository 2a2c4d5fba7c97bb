#include "agent/follow/follower.h"

#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "agent/core/printable.h"

namespace agent {
namespace {

constexpr std::size_t kReadSize = std::size_t{256} * 1024;

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
    : pattern_(std::move(path)),
      olddirs_(olddirs),
      zone_(zone),
      pipeline_(pipeline),
      inotify_(inotify),
      say_(std::move(say)),
      buffer_(kReadSize),
      unwatched_(inotify == nullptr) {}

Follower::~Follower() {
  for (auto& open : files_) close(open);
}

std::string Follower::name_at(Instant now) const {
  return expand_log_name(pattern_, zone_, now);
}

void Follower::say_once_unwatched(const std::string& why) {
  if (!unwatched_) say_(why + "; looking at the log from time to time instead");
  unwatched_ = true;
}

void Follower::trouble(const std::string& why) {
  if (fault_ != why) say_(printable(why) + "; trying again");
  fault_ = why;
}

void Follower::watch_directories(const std::string& current) {
  current_ = current;
  if (inotify_ == nullptr) return;
  const auto wanted = directories_of(current);
  // One that is no longer wanted stays: another log or list may share its watch.
  for (const auto& directory : wanted) {
    const bool watched = std::any_of(directories_.begin(), directories_.end(),
                                     [&](const auto& known) { return known.first == directory; });
    if (watched) continue;
    const auto watch = inotify_->watch_directory(directory);
    if (watch) {
      directories_.emplace_back(directory, watch.value());
    } else if (watch.error().code != actions::Errc::not_found) {
      say_once_unwatched(watch.error().what);
    }
  }
}

bool Follower::is_open(const LogFile& file) const {
  return std::any_of(files_.begin(), files_.end(), [&](const OpenFile& open) {
    return open.file.device() == file.device() && open.file.inode() == file.inode();
  });
}

// Its content is being read or was read, under whatever name or inode.
bool Follower::is_known(LogFile& file) {
  if (is_open(file)) return true;
  const auto first_line = file.identity().first_line;
  if (first_line.empty()) return false;
  const auto copied = [&](const LogPosition& position, LogFile* original) {
    const auto offset = position.reader.offset;
    if (position.file.first_line != first_line) return false;
    if (file.tail_before(offset) == position.tail) return true;
    // A copy that was made before all of it was read.
    const auto size = file.size();
    return size < offset &&
           (original == nullptr || original->tail_before(size) == file.tail_before(size));
  };
  return std::any_of(finished_.begin(), finished_.end(),
                     [&](const LogPosition& position) { return copied(position, nullptr); }) ||
         std::any_of(files_.begin(), files_.end(),
                     [&](OpenFile& open) { return copied(position_of(open), &open.file); });
}

Follower::OpenFile& Follower::adopt(LogFile file, bool rotated) {
  const auto log = pipeline_.add_log(file.path());
  pipeline_.set_first_start(log, first_start_);
  int watch = -1;
  if (inotify_ != nullptr) {
    const auto result = inotify_->watch_open_file(file.fd());
    if (result) {
      watch = result.value();
    } else {
      say_once_unwatched(result.error().what);
    }
  }
  if (!remote_ && file.remote()) {
    remote_ = true;
    say_(fmt::format("{} is on a network file system: looking at it from time to time",
                     printable(file.path())));
  }
  // The repeated hour is told by the order of stamps, across rotations too.
  if (!files_.empty()) pipeline_.clock(log).restore(pipeline_.clock(files_.back().log).newest());
  const auto written = files_.empty() ? written_after_ : files_.back().written;
  files_.push_back({std::move(file), log, watch, rotated, {}, written, std::nullopt});
  return files_.back();
}

// True if the bytes before the offset are those that were read.
bool Follower::still_same(OpenFile& open, std::span<const char> before) const {
  return std::string_view(before.data(), before.size()) == open.recent.last(before.size()) &&
         !open.file.begins_otherwise();
}

Follower::Got Follower::read_one(OpenFile& open, std::size_t& budget) {
  auto& reader = pipeline_.reader(open.log);
  open.written = open.file.modified();
  while (budget > 0) {
    const auto offset = reader.offset() + reader.pending();
    // The bytes before are read again: a log that was cut, and has grown past the old place since,
    // shows in nothing else.
    // Not in a packed one: it is not written any more, and going back in it is dear.
    const auto again = open.file.packed() ? 0 : open.recent.last(kAgain).size();
    const auto want = std::min(buffer_.size(), budget + again);
    const auto got = open.file.read_at(offset - again, std::span(buffer_).first(want));
    if (!got) {
      trouble(got.error().what);
      if (open.file.packed()) ++counters_.missing;
      return Got::all;
    }
    if (got.value() < again || !still_same(open, std::span(buffer_).first(again))) return Got::cut;
    const auto fresh = std::span(buffer_).first(got.value()).subspan(again);
    if (fresh.empty())
      return offset > open.file.size() && !open.file.packed() ? Got::cut : Got::all;
    (void)open.file.identity();
    budget -= std::min(budget, fresh.size());
    open.idle_since.reset();
    counters_.bytes += fresh.size();
    pipeline_.feed(open.log, fresh);
    open.recent.add(fresh, reader.pending());
    if (got.value() < want && !open.file.packed()) return Got::all;  // what comes next wakes us
  }
  return Got::more;
}

bool Follower::read(std::size_t budget, Steady now) {
  caught_up_ = false;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const auto got = read_one(files_[i], budget);
    if (got == Got::more) return true;
    if (got == Got::cut && start_again(i)) return true;
  }
  retire(now);
  caught_up_ = true;
  return false;
}

// The clock was fast at the first start, and was set back since: what comes from now on would be
// taken for old until it has caught up. What lay there at the first start was read before.
void Follower::bound_first_start(Instant now) {
  if (!caught_up_ || searching_ || !first_start_ || now >= *first_start_) return;
  first_start_ = now;
  for (const auto& open : files_) pipeline_.set_first_start(open.log, first_start_);
}

void Follower::finish(OpenFile& open) {
  auto position = position_of(open);
  position.finished = true;
  if (!position.file.first_line.empty()) finished_.push_back(std::move(position));
  while (finished_.size() > kMaxFinished) finished_.pop_front();
  close(open);
}

void Follower::close(OpenFile& open) {
  if (open.watch >= 0) inotify_->forget(open.watch);
  pipeline_.remove_log(open.log);
}

void Follower::retire(Steady now) {
  std::size_t rotated = 0;
  for (const auto& open : files_) rotated += open.rotated ? 1 : 0;
  for (auto it = files_.begin(); it != files_.end();) {
    if (!it->rotated) {
      ++it;
      continue;
    }
    if (!it->idle_since) it->idle_since = now;
    const auto idle = now - *it->idle_since;
    const bool over = it->file.packed() || idle >= kDrain ||
                      (idle >= kDrainUnlinked && (it->file.unlinked() || rotated > kMaxDraining));
    if (!over) {
      ++it;
      continue;
    }
    finish(*it);
    it = files_.erase(it);
    --rotated;
  }
}

// The log was replaced by a copy of itself (an editor, cp and mv): it goes on where the old one
// was.
bool Follower::replaced_by_copy(LogFile& file) {
  if (files_.empty()) return false;
  auto& old = files_.back();
  auto position = position_of(old);
  if (position.file.first_line.empty() || file.identity().first_line != position.file.first_line ||
      file.tail_before(position.reader.offset) != position.tail) {
    return false;
  }
  close(old);
  files_.pop_back();
  go_on(std::move(file), position, true);
  return true;
}

// Rotated more than once since the last look: what came in between stands beside.
void Follower::take_between(const LogFile* current, std::int64_t written_after) {
  std::vector<Unreadable> unread;
  for (auto& between : rotations_of(pattern_, current_, olddirs_, false, unread)) {
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
  searching_ = searching_ || !unread.empty();
  written_after_ = written_after;
}

// There is no log now: one may have come and been moved away before it was looked at.
void Follower::look_beside() {
  std::int64_t changed = 0;
  for (const auto& directory : directories_of(current_)) {
    struct stat info{};
    if (::stat(directory.c_str(), &info) == 0)
      changed = std::max(changed, info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec);
  }
  if (std::exchange(beside_, changed) == changed) return;
  const auto known = files_.size();
  take_between(nullptr, files_.empty() ? written_after_ : files_.back().file.modified());
  if (files_.size() == known) return;
  for (auto& open : files_) open.rotated = true;
}

// Exim's main log has a stamp in every entry; a log of which that can't be said is not read,
// however well its bytes are.
void Follower::look_for_entries(Instant now) {
  const bool strange = !files_.empty() && [&] {
    const auto& reader = pipeline_.reader(files_.back().log);
    return reader.form() == parsers::LogReader::Form::unknown && reader.line() > 0;
  }();
  if (!strange) {
    strange_since_.reset();
    strange_.clear();
    return;
  }
  if (!strange_since_) strange_since_ = now;
  if (now - *strange_since_ < kStrange || !strange_.empty()) return;
  strange_ = current_ + ": not one line of it is an entry of Exim's";
  say_(printable(strange_));
}

void Follower::look(Instant now) {
  looked_ = now;
  bound_first_start(now);
  look_for_entries(now);
  const auto current = name_at(now);
  watch_directories(current);
  if (searching_) search(current, now);
  const bool has_log = !files_.empty() && !files_.back().rotated;
  if (searching_ && !has_log) return;
  if (has_log) {
    const auto same = names_inode(current, files_.back().file.device(), files_.back().file.inode());
    // No file at the name: renamed, and Exim has written nothing since. Its successor will come.
    if (same.value_or(true)) {
      if (same && !searching_) fault_.clear();
      if (!same) look_beside();
      return;
    }
  }
  auto file = LogFile::open(current);
  if (!file) {
    if (file.error().code == actions::Errc::not_found) {
      fault_ = file.error().what;
      look_beside();
    } else {
      trouble(file.error().what);
    }
    return;
  }
  if (!fault_.empty()) say_(fmt::format("{}: reading", printable(current)));
  fault_.clear();
  const auto known = std::find_if(files_.begin(), files_.end(), [&](const OpenFile& open) {
    return open.file.device() == file->device() && open.file.inode() == file->inode();
  });
  if (known != files_.end()) {  // moved away and back
    known->rotated = false;
    for (auto& open : files_) open.rotated = open.rotated || &open != &*known;
    std::rotate(known, std::next(known), files_.end());
    return;
  }
  if (replaced_by_copy(file.value())) return;
  const auto written_after = files_.empty() ? written_after_ : files_.back().file.modified();
  const bool first = files_.empty();
  for (auto& open : files_) open.rotated = true;
  take_between(&file.value(), written_after);
  if (!first) ++counters_.rotations;
  adopt(std::move(file.value()), false);
}

bool Follower::on_change(const Inotify::Change& change, Instant now) {
  bound_first_start(now);
  if (change.watch < 0) {  // overflow: something was lost
    look(now);
    return true;
  }
  const auto directory =
      std::find_if(directories_.begin(), directories_.end(),
                   [&](const auto& known) { return known.second == change.watch; });
  if (directory != directories_.end()) {
    if ((change.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0)
      directories_.erase(directory);
    if ((change.mask & (IN_CREATE | IN_MOVED_TO | IN_ATTRIB)) == 0) return false;
    look(now);
    return true;
  }
  return std::any_of(files_.begin(), files_.end(),
                     [&](const OpenFile& open) { return open.watch == change.watch; });
}

void Follower::reconfigured(const Zone& zone, const std::vector<std::string>& olddirs) {
  zone_ = zone;
  olddirs_ = olddirs;
  for (auto& open : files_) {
    // Half a line is fed once more.
    const auto& reader = pipeline_.reader(open.log);
    const auto kept = open.recent.last(RecentBytes::kMost).size();
    if (const auto whole = open.recent.before(reader.pending(), 1))
      open.recent.set(std::string(open.recent.last(kept).substr(0, kept - reader.pending())));
    else
      read_recent(open, reader.offset());
  }
}

LogPosition Follower::position_of(OpenFile& open) {
  LogPosition position;
  position.path = pattern_;
  position.file = open.file.identity();
  position.reader = pipeline_.reader(open.log).state();
  // Not from the file: it may have been cut since.
  const auto want = std::min<std::uint64_t>(position.reader.offset, LogFile::kTail);
  const auto tail = open.recent.before(pipeline_.reader(open.log).pending(), want);
  position.tail =
      tail ? LogFile::tail_digest(*tail) : open.file.tail_before(position.reader.offset);
  position.modified = open.written;
  position.newest_stamp = pipeline_.clock(open.log).newest();
  position.first_start = first_start_;
  position.counted_until = pipeline_.counted_until(open.log);
  return position;
}

std::vector<LogPosition> Follower::positions() {
  std::vector<LogPosition> positions(finished_.begin(), finished_.end());
  positions.insert(positions.end(), unplaced_.begin(), unplaced_.end());
  for (auto& open : files_) positions.push_back(position_of(open));
  if (positions.empty()) {  // there was no log yet: the next start is not the first one
    positions.push_back(
        {.path = pattern_, .modified = written_after_, .first_start = first_start_});
  }
  return positions;
}

std::optional<Instant> Follower::newest_stamp() const {
  std::optional<Instant> newest;
  for (const auto& open : files_) newest = std::max(newest, pipeline_.clock(open.log).newest());
  return newest;
}

std::uint64_t Follower::lag() const {
  std::uint64_t bytes = 0;
  for (const auto& open : files_) {
    const auto done = pipeline_.reader(open.log).offset();
    const auto size = open.file.size();
    bytes += size > done ? size - done : 0;
  }
  return bytes;
}

}  // namespace agent
