#include "agent/follow/position_search.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace agent {
namespace {

using IsOpen = std::function<bool(const LogFile&)>;

// A rotation may go on while the directory is read: a file in the midst of its renaming is seen
// under neither name. So it is read until two looks see the same files; if that does not come
// about, what was not found now is looked for again.
std::vector<LogFile> steady_candidates(const LogDirectories& directories, const IsOpen& is_open,
                                       std::vector<Unreadable>& unread) {
  constexpr int kLooks = 20;
  constexpr auto kNow = std::numeric_limits<std::int64_t>::max();
  std::vector<std::pair<std::string, std::uint64_t>> seen;
  for (int look = 1;; ++look) {
    unread.clear();
    auto candidates = directories.rotations(true, unread);
    auto live = LogFile::open(directories.current());
    if (live)
      candidates.push_back(std::move(live.value()));
    else if (live.error().code != actions::Errc::not_found)
      unread.push_back({live.error().what, kNow});
    std::erase_if(candidates, is_open);
    std::vector<std::pair<std::string, std::uint64_t>> sees;
    for (const auto& file : candidates) sees.emplace_back(file.path(), file.inode());
    const bool steady = sees == seen;
    if (!steady && look < kLooks) {
      seen = std::move(sees);
      continue;
    }
    if (!steady)
      unread.push_back(
          {directories_of(directories.current()).front() + ": its files are being renamed", kNow});
    return candidates;
  }
}

}  // namespace

void PositionSearch::start(const std::vector<LogPosition>& saved, Instant since) {
  positions_ = saved;
  written_after_ = saved.empty() ? since.time_since_epoch().count() : saved.front().modified;
  for (const auto& position : saved) written_after_ = std::max(written_after_, position.modified);
}

PositionSearch::Found PositionSearch::look(const LogDirectories& directories,
                                           const IsOpen& is_open) {
  Found result;
  std::vector<Unreadable> unread;
  auto candidates = steady_candidates(directories, is_open, unread);
  const auto found = find_positions(positions_, candidates);
  auto since = written_after_;
  for (std::size_t i = 0; i < positions_.size(); ++i) {
    if (!found[i]) since = std::min(since, positions_[i].modified);
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
  unfinished_ = !unread.empty();
  if (unfinished_) result.unfinished = unread.front().why;

  std::vector<LogPosition> left;
  for (std::size_t i = 0; i < positions_.size(); ++i) {
    auto& position = positions_[i];
    if (found[i]) {
      result.outcomes.push_back({std::move(position), std::move(candidates[*found[i]]), false});
    } else if (unfinished_) {
      left.push_back(std::move(position));
    } else if (!position.finished && !position.file.first_line.empty()) {
      const auto cut = find_cut_short(position, candidates);
      result.outcomes.push_back({std::move(position), std::nullopt, false});
      if (!cut || taken[*cut]) continue;
      taken[*cut] = true;
      result.outcomes.back().file = std::move(candidates[*cut]);
      result.outcomes.back().cut_short = true;
    }
  }
  positions_ = std::move(left);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!taken[i]) result.others.push_back(std::move(candidates[i]));
  }
  return result;
}

}  // namespace agent
