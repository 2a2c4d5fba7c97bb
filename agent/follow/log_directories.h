// LogDirectories: the places of one log: its name at a given time, the directories in which that
// name and its rotations stand, and the kernel's watches on them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/follow/inotify.h"
#include "agent/follow/rotations.h"
#include "agent/values/zone.h"

namespace agent {

class LogDirectories {
 public:
  // `pattern`: the name, with %D and %M as in Exim's log_file_path. `olddirs`: where rotations
  // stand beside the log's own directories. `inotify` may be null: then nothing is watched. It must
  // live longer; the watches stay on it, since another log or a list may share them.
  LogDirectories(std::string pattern, std::vector<std::string> olddirs, Zone zone,
                 Inotify* inotify);
  void configure(const Zone& zone, const std::vector<std::string>& olddirs);

  [[nodiscard]] const std::string& pattern() const { return pattern_; }
  // The log's name at the last enter().
  [[nodiscard]] const std::string& current() const { return current_; }

  // Expands the name for `now` and watches the directories of it that are not watched yet. Returns
  // why one of them can't be watched; that it does not exist is no such reason.
  std::optional<std::string> enter(Instant now);

  enum class Change {
    elsewhere,  // not in these directories
    other,      // in one of them, but no name has come
    name_came,  // the log's name may mean another file now
  };
  Change on_change(const Inotify::Change& change);

  // Returns true if names have come or gone in the log's own directories since the last call.
  bool take_changed();

  // See rotations_of().
  [[nodiscard]] std::vector<LogFile> rotations(bool with_packed,
                                               std::vector<Unreadable>& unreadable) const;

 private:
  std::string pattern_;
  std::vector<std::string> olddirs_;
  Zone zone_;
  Inotify* inotify_;
  std::string current_;
  std::vector<std::pair<std::string, int>> watches_;  // by directory
  std::int64_t changed_at_ = 0;                       // nanoseconds since 1970 UTC
};

}  // namespace agent
