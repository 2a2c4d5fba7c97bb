#include "agent/follow/log_directories.h"

#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>

namespace agent {

LogDirectories::LogDirectories(std::string pattern, std::vector<std::string> olddirs, Zone zone,
                               Inotify* inotify)
    : pattern_(std::move(pattern)),
      olddirs_(std::move(olddirs)),
      zone_(std::move(zone)),
      inotify_(inotify) {}

void LogDirectories::configure(const Zone& zone, const std::vector<std::string>& olddirs) {
  zone_ = zone;
  olddirs_ = olddirs;
}

std::optional<std::string> LogDirectories::enter(Instant now) {
  current_ = expand_log_name(pattern_, zone_, now);
  if (inotify_ == nullptr) return std::nullopt;
  std::optional<std::string> trouble;
  // A directory that is no longer wanted stays: another log or list may share its watch.
  for (const auto& directory : directories_of(current_)) {
    const bool watched = std::any_of(watches_.begin(), watches_.end(),
                                     [&](const auto& known) { return known.first == directory; });
    if (watched) continue;
    const auto watch = inotify_->watch_names(directory);
    if (watch) {
      watches_.emplace_back(directory, watch.value());
    } else if (watch.error().code != actions::Errc::not_found && !trouble) {
      trouble = watch.error().what;
    }
  }
  return trouble;
}

LogDirectories::Change LogDirectories::on_change(const Inotify::Change& change) {
  const auto directory = std::find_if(watches_.begin(), watches_.end(), [&](const auto& known) {
    return known.second == change.watch;
  });
  if (directory == watches_.end()) return Change::elsewhere;
  // Another directory may have its place already.
  const bool gone = (change.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0;
  if (gone) watches_.erase(directory);
  const bool came = (change.mask & (IN_CREATE | IN_MOVED_TO | IN_ATTRIB)) != 0;
  return came || gone ? Change::name_came : Change::other;
}

bool LogDirectories::take_changed() {
  std::int64_t changed = 0;
  for (const auto& directory : directories_of(current_)) {
    struct stat info{};
    if (::stat(directory.c_str(), &info) == 0)
      changed = std::max(changed, info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec);
  }
  return std::exchange(changed_at_, changed) != changed;
}

std::vector<LogFile> LogDirectories::rotations(bool with_packed,
                                               std::vector<Unreadable>& unreadable) const {
  return rotations_of(pattern_, current_, olddirs_, with_packed, unreadable);
}

}  // namespace agent
