// A log that was cut in place (copytruncate), and the copy that holds its unread rest.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "agent/core/printable.h"
#include "agent/follow/follower.h"

namespace agent {
namespace {

constexpr std::int64_t kCopyTime = 3600;  // seconds; so long may a copy take before the log is cut

}  // namespace

void Follower::read_recent(OpenFile& open, std::uint64_t offset) {
  std::string bytes(std::min<std::uint64_t>(offset, RecentBytes::kLine), '\0');
  const auto got = open.file.read_at(offset - bytes.size(), bytes);
  open.recent.set(got && got.value() == bytes.size() ? bytes : "");
}

// A file that holds what was read of `open` before that was cut, and perhaps more. What `open`
// itself holds now tells nothing of it.
std::optional<LogFile> Follower::copy_of(OpenFile& open, std::vector<Unreadable>& unread) {
  const auto last = open.recent.last(kAgain);
  if (last.empty()) return std::nullopt;
  const auto& reader = pipeline_.reader(open.log);
  const auto offset = reader.offset() + reader.pending();
  // Of a file that held no whole line yet it would be that of what it holds now.
  const auto first_line = reader.offset() == 0 ? "" : open.file.identity().first_line;
  auto copies = rotations_of(pattern_, current_, olddirs_, true, unread);
  std::stable_partition(copies.begin(), copies.end(),
                        [](const LogFile& file) { return !file.packed(); });
  for (auto& file : copies) {
    if (is_open(file) || (!file.packed() && file.size() < offset)) continue;
    const bool other = !first_line.empty() && file.identity().first_line != first_line;
    if (other && !file.failed()) continue;
    std::string bytes(last.size(), '\0');
    const auto got = file.read_at(offset - bytes.size(), bytes);
    if (got && bytes == last) return std::move(file);
    if (file.failed()) unread.push_back(unreadable(file.path(), file.path() + ": unreadable"));
  }
  return std::nullopt;
}

// The file was cut in place (copytruncate). What of it was not read may stand in the copy.
// False: not yet, for a file that may be the copy can't be read.
bool Follower::start_again(std::size_t index) {
  auto& open = files_[index];
  const auto state = pipeline_.reader(open.log).state();
  const auto newest = pipeline_.clock(open.log).newest();
  std::vector<Unreadable> unread;
  auto copy = copy_of(open, unread);
  const auto written = open.file.modified() - kCopyTime;
  std::erase_if(unread, [&](const Unreadable& file) { return file.modified < written; });
  if (!copy && !unread.empty()) {
    trouble(unread.front().why);
    return false;
  }
  const bool begins_alike =
      !open.file.identity().first_line.empty() && !open.file.begins_otherwise();
  open.file.forget_identity();
  open.recent.clear();
  if (!copy && begins_alike) {
    pipeline_.start_file(open.log, open.file.path());
    read_once_more(open, newest, looked_);
    return true;
  }
  ++counters_.truncations;
  say_(fmt::format("{}: cut at byte {} and written anew; {}", printable(open.file.path()),
                   state.offset,
                   copy ? "going on in " + printable(copy->path()) + " first"
                        : std::string("reading it from its start")));
  pipeline_.start_file(open.log, open.file.path());
  if (!copy) return true;
  auto& old = adopt(std::move(*copy), true);
  pipeline_.reader(old.log).restore(state);
  pipeline_.clock(old.log).restore(newest);
  read_recent(old, state.offset);
  // In front of the one that was cut, since it is older.
  std::rotate(files_.begin() + static_cast<std::ptrdiff_t>(index), std::prev(files_.end()),
              files_.end());
  return true;
}

}  // namespace agent
