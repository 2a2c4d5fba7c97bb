// Follower: reads one log through its rotations. It reads every inode that ever stood at the log's
// name to its end, holds nothing back but half lines, and can say at any moment how far it has got.
// Exim looks at the name before each entry (log.c), so a renamed file gets lines only for moments,
// save from processes that have given up the right to open the new one; it is drained on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/pipeline.h"
#include "agent/follow/followed_file.h"
#include "agent/follow/inotify.h"
#include "agent/follow/log_directories.h"
#include "agent/follow/log_faults.h"
#include "agent/follow/position_search.h"
#include "agent/follow/rotations.h"

namespace agent {

class Follower {
 public:
  using Say = LogFaults::Say;
  using Steady = FollowedFile::Steady;

  // Files that are read to their ends and remembered, so that none is read twice.
  static constexpr std::size_t kMaxFinished = 32;
  // Files with a successor that are read on for the whole of FollowedFile::kDrain.
  static constexpr std::size_t kMaxDraining = 8;

  // `path` may hold %D and %M as Exim's log_file_path; rotations stand beside it and in `olddirs`.
  // `pipeline` and `inotify` must live longer. `inotify` may be null: then only look() sees
  // rotations, and read() must be called from time to time.
  Follower(std::string path, const std::vector<std::string>& olddirs, const Zone& zone,
           Pipeline& pipeline, Inotify* inotify, Say say);

  // Finds the place again: the file of each saved position among the log and its rotations, then
  // what was written after it. Without one: the log from its start, and before it the rotations
  // that were written since `since`; lines of more than a period ago decide nothing then.
  void resume(const std::vector<LogPosition>& saved, Instant since, Instant now);

  // Reads at most `budget` bytes. Returns true if there is more.
  bool read(std::size_t budget, Steady now);
  // Checks whether the name means another file now.
  void look(Instant now);
  // Takes a change that the inotify descriptor reported. Returns true if it was about this log.
  bool on_change(const Inotify::Change& change, Instant now);

  // Feeds what came after the last whole line again: the pipeline has another configuration and
  // waits for it.
  void reconfigured(const Zone& zone, const std::vector<std::string>& olddirs);
  [[nodiscard]] std::vector<LogPosition> positions();
  // Returns the path as it was given, %D and %M unexpanded.
  [[nodiscard]] const std::string& path() const { return directories_.pattern(); }
  // Returns how many bytes are not read yet.
  [[nodiscard]] std::uint64_t lag() const;
  // Returns why the log can't be read; empty: it is being read, and is Exim's.
  [[nodiscard]] const std::string& fault() const { return faults_.fault(); }
  // Returns true if inotify may miss changes: call look() and read() often.
  [[nodiscard]] bool needs_polling() const { return faults_.needs_polling(); }
  // Returns the newest timestamp that counted; for reading several logs in the order of their time.
  [[nodiscard]] std::optional<Instant> newest_stamp() const;

  struct Counters {
    std::uint64_t rotations = 0;    // files that came to the name after the first
    std::uint64_t truncations = 0;  // files cut in place
    std::uint64_t missing = 0;      // files whose unread rest could not be found again
    std::uint64_t bytes = 0;        // read of them
    Counters& operator+=(const Counters& more);
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  FollowedFile& adopt(LogFile file, bool rotated);
  void search();
  void settle(PositionSearch::Outcome&& outcome);
  void adopt_other(LogFile file);
  void go_on(LogFile file, const LogPosition& position, bool live);
  void read_once_more(FollowedFile& open, std::optional<Instant> newest);
  std::optional<LogFile> copy_of(FollowedFile& open, std::vector<Unreadable>& unread) const;
  bool start_again(std::size_t index);
  void bound_first_start(Instant now);
  void take_successor(LogFile file);
  void take_between(const LogFile* current, std::int64_t written_after);
  void look_beside();
  bool replaced_by_copy(LogFile& file);
  void retire(Steady now);
  void look_for_entries(Instant now);
  [[nodiscard]] bool is_live(const LogFile& file) const;
  [[nodiscard]] bool is_open(const LogFile& file) const;
  [[nodiscard]] bool is_known(LogFile& file);
  [[nodiscard]] std::int64_t last_written() const;
  [[nodiscard]] LogPosition position_of(FollowedFile& open) const;

  LogDirectories directories_;
  Pipeline& pipeline_;
  Inotify* inotify_;
  LogFaults faults_;
  // Oldest first; the last one is the log as it was last seen.
  std::vector<std::unique_ptr<FollowedFile>> files_;
  std::deque<LogPosition> finished_;
  PositionSearch search_;
  std::optional<Instant> first_start_;
  bool caught_up_ = false;  // the last read() has come to the end
  Instant looked_{};        // when the name was last looked at
  std::vector<char> buffer_;
  Counters counters_;
};

}  // namespace agent
