#include "agent/follow/followed_file.h"

#include <algorithm>
#include <utility>

namespace agent {
namespace {

constexpr std::size_t kAgain = 128;  // bytes before the next offset that are read again

}  // namespace

FollowedFile::FollowedFile(LogFile file, Pipeline& pipeline, std::optional<Instant> first_start,
                           const Before& before)
    : file_(std::move(file)),
      pipeline_(pipeline),
      log_(pipeline.add_log(file_.path())),
      written_(before.written) {
  pipeline_.set_first_start(log_, first_start);
  pipeline_.clock(log_).restore(before.newest_stamp);
}

FollowedFile::~FollowedFile() {
  if (watch_ >= 0) inotify_->forget(watch_);
  pipeline_.remove_log(log_);
}

actions::Result<actions::Done> FollowedFile::watch(Inotify& inotify) {
  const auto watch = inotify.watch_open_file(file_.fd());
  if (!watch) return watch.error();
  inotify_ = &inotify;
  watch_ = watch.value();
  return actions::Done{};
}

std::uint64_t FollowedFile::next_offset() const {
  const auto& reader = pipeline_.reader(log_);
  return reader.offset() + reader.pending();
}

bool FollowedFile::is_still_same(std::span<const char> read_again) {
  return std::string_view(read_again.data(), read_again.size()) ==
             recent_.last(read_again.size()) &&
         !file_.begins_otherwise();
}

actions::Result<FollowedFile::Reached> FollowedFile::read(std::size_t& budget,
                                                          std::span<char> buffer) {
  written_ = file_.modified();
  while (budget > 0) {
    const auto offset = next_offset();
    // The bytes before are read again: a log that was cut, and has grown past the old place since,
    // shows in nothing else.
    // Not in a packed one: it is not written any more, and going back in it is dear.
    const auto again = file_.packed() ? 0 : recent_.last(kAgain).size();
    const auto want = std::min(buffer.size(), budget + again);
    const auto got = file_.read_at(offset - again, buffer.first(want));
    if (!got) return got.error();
    if (got.value() < again || !is_still_same(buffer.first(again))) return Reached::cut;
    const auto fresh = buffer.first(got.value()).subspan(again);
    if (fresh.empty())
      return offset > file_.size() && !file_.packed() ? Reached::cut : Reached::end;
    (void)file_.identity();
    budget -= std::min(budget, fresh.size());
    idle_since_.reset();
    pipeline_.feed(log_, fresh);
    recent_.add(fresh, pipeline_.reader(log_).pending());
    // What comes next wakes us.
    if (got.value() < want && !file_.packed()) return Reached::end;
  }
  return Reached::budget;
}

void FollowedFile::remember_before(std::uint64_t offset) {
  std::string bytes(std::min<std::uint64_t>(offset, RecentBytes::kLine), '\0');
  const auto got = file_.read_at(offset - bytes.size(), bytes);
  recent_.set(got && got.value() == bytes.size() ? bytes : "");
}

void FollowedFile::go_on_from(const LogPosition& position) {
  pipeline_.reader(log_).restore(position.reader);
  pipeline_.clock(log_).restore(position.newest_stamp);
  pipeline_.set_counted_until(log_, position.counted_until);
  remember_before(position.reader.offset);
}

void FollowedFile::count_after(std::optional<Instant> time) {
  pipeline_.set_counted_until(log_, time);
}

void FollowedFile::begin_again() {
  file_.forget_identity();
  recent_.clear();
  pipeline_.start_file(log_, file_.path());
}

void FollowedFile::feed_half_line_again() {
  const auto& reader = pipeline_.reader(log_);
  const auto kept = recent_.last(RecentBytes::kMost).size();
  if (recent_.before(reader.pending(), 1))
    recent_.set(std::string(recent_.last(kept).substr(0, kept - reader.pending())));
  else
    remember_before(reader.offset());
}

LogPosition FollowedFile::place() const {
  LogPosition place;
  place.reader = pipeline_.reader(log_).state();
  place.newest_stamp = newest_stamp();
  return place;
}

LogPosition FollowedFile::position() {
  auto position = place();
  position.file = file_.identity();
  // Not from the file: it may have been cut since.
  const auto want = std::min<std::uint64_t>(position.reader.offset, LogFile::kTail);
  const auto tail = recent_.before(pipeline_.reader(log_).pending(), want);
  position.tail = tail ? LogFile::tail_digest(*tail) : file_.tail_before(position.reader.offset);
  position.modified = written_;
  position.counted_until = pipeline_.counted_until(log_);
  return position;
}

bool FollowedFile::begins_alike() {
  return !file_.identity().first_line.empty() && !file_.begins_otherwise();
}

bool FollowedFile::goes_on_in(LogFile& other) {
  const auto last = recent_.last(kAgain);
  const auto offset = next_offset();
  if (last.empty() || (!other.packed() && other.size() < offset)) return false;
  // Of a file that held no whole line yet it would be that of what it holds now.
  const auto first_line = pipeline_.reader(log_).offset() == 0 ? "" : file_.identity().first_line;
  const bool differs = !first_line.empty() && other.identity().first_line != first_line;
  if (differs && !other.failed()) return false;
  std::string bytes(last.size(), '\0');
  const auto got = other.read_at(offset - bytes.size(), bytes);
  return got && bytes == last;
}

bool FollowedFile::is(const LogFile& other) const {
  return file_.device() == other.device() && file_.inode() == other.inode();
}

bool FollowedFile::is_drained(Steady now, bool crowded) {
  if (!idle_since_) idle_since_ = now;
  const auto idle = now - *idle_since_;
  return file_.packed() || idle >= kDrain ||
         (idle >= kDrainUnlinked && (file_.unlinked() || crowded));
}

std::optional<Instant> FollowedFile::newest_stamp() const {
  return pipeline_.clock(log_).newest();
}

std::uint64_t FollowedFile::lag() const {
  const auto done = pipeline_.reader(log_).offset();
  const auto size = file_.size();
  return size > done ? size - done : 0;
}

bool FollowedFile::holds_no_entry() const {
  const auto& reader = pipeline_.reader(log_);
  return reader.form() == parsers::LogReader::Form::unknown && reader.line() > 0;
}

}  // namespace agent
