// Follows one log through its rotations: reads every inode that ever stood at the name to its end,
// holds nothing back but half lines, and can say at any moment how far it has got. Exim looks at
// the name before each entry (log.c), so a renamed file gets lines only for moments; it is drained
// on.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/inotify.h"
#include "agent/log_file.h"
#include "agent/pipeline.h"

namespace agent {

// How far one file was read: with the windows of the same moment, this is the checkpoint.
struct LogPosition {
  std::string path;  // as configured, %D and %M unexpanded
  FileIdentity file;
  parsers::LogReader::State reader;
  std::optional<Instant> newest_stamp;
};

class Follower {
 public:
  using Say = std::function<void(const std::string&)>;
  using Steady = std::chrono::steady_clock::time_point;

  // A renamed file is read on for this long after its successor came.
  static constexpr std::chrono::seconds kDrain{5};

  // `path` may hold %D and %M as Exim's log_file_path. `inotify` may be null: then only look() sees
  // rotations, and read() must be called from time to time.
  Follower(std::string path, const Zone& zone, Pipeline& pipeline, Inotify* inotify, Say say);

  // Finds the place again: the file of each saved position by identity, among the log and its plain
  // rotations, then what was written after it. Without one: the log from its start, and before it
  // the rotations that were written since `since`.
  void resume(const std::vector<LogPosition>& saved, Instant since, Instant now);

  // Reads at most `budget` bytes; true if there is more.
  bool read(std::size_t budget, Steady now);
  // Looks whether the name means another file now.
  void look(Instant now, Steady steady);
  // A change the inotify descriptor reported; true if it was about this log.
  bool on_change(const Inotify::Change& change, Instant now, Steady steady);

  [[nodiscard]] std::vector<LogPosition> positions();
  [[nodiscard]] std::uint64_t lag() const;                           // bytes not read yet
  [[nodiscard]] const std::string& fault() const { return fault_; }  // empty: the log is being read
  [[nodiscard]] bool draining() const { return files_.size() > 1; }

 private:
  struct OpenFile {
    LogFile file;
    std::size_t log;  // number in the pipeline
    int watch = -1;
    std::optional<Steady> drain_until;  // set once it has a successor
  };

  OpenFile& adopt(LogFile file);
  bool read_one(OpenFile& open, std::size_t& budget);
  void retire(Steady now);
  void watch_directory();
  [[nodiscard]] std::string name_at(Instant now) const;
  [[nodiscard]] std::vector<LogFile> rotations(const std::string& current) const;
  bool is_open(const LogFile& file) const;

  std::string pattern_;
  Zone zone_;
  Pipeline& pipeline_;
  Inotify* inotify_;
  Say say_;
  std::vector<OpenFile> files_;  // oldest first; the last one is the log as it was last seen
  std::vector<char> buffer_;
  std::string directory_;
  int directory_watch_ = -1;
  std::string fault_;
};

// %D -> yyyymmdd, %M -> yyyymm, of the date that clocks of `zone` show. Source: string.c
// string_sprintf's D and M, used by log.c for log_file_path.
[[nodiscard]] std::string expand_log_name(const std::string& pattern, const Zone& zone,
                                          Instant now);

}  // namespace agent
