// Follows one log through its rotations: reads every inode that ever stood at the name to its end,
// holds nothing back but half lines, and can say at any moment how far it has got. Exim looks at
// the name before each entry (log.c), so a renamed file gets lines only for moments, save from
// processes that have given up the right to open the new one; it is drained on.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/pipeline.h"
#include "agent/follow/inotify.h"
#include "agent/follow/recent_bytes.h"
#include "agent/follow/rotations.h"

namespace agent {

class Follower {
 public:
  using Say = std::function<void(const std::string&)>;
  using Steady = std::chrono::steady_clock::time_point;

  // A file that has a successor is read on for this long: after its last name went (then its space
  // is wanted), and while it has one.
  static constexpr std::chrono::seconds kDrainUnlinked{5};
  static constexpr std::chrono::seconds kDrain{3600};
  // Files that are read to their ends and remembered, so that none is read twice.
  static constexpr std::size_t kMaxFinished = 32;
  // A log that grows for so long by lines of which not one is Exim's is another program's.
  static constexpr std::chrono::seconds kStrange{60};
  static constexpr std::size_t kMaxDraining = 8;

  // `path` may hold %D and %M as Exim's log_file_path; rotations stand beside it and in `olddirs`.
  // `inotify` may be null: then only look() sees
  // rotations, and read() must be called from time to time.
  Follower(std::string path, const std::vector<std::string>& olddirs, const Zone& zone,
           Pipeline& pipeline, Inotify* inotify, Say say);
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  // Finds the place again: the file of each saved position among the log and its rotations, then
  // what was written after it. Without one: the log from its start, and before it the rotations
  // that were written since `since`; lines of more than a period ago decide nothing then.
  void resume(const std::vector<LogPosition>& saved, Instant since, Instant now);

  // Reads at most `budget` bytes; true if there is more.
  bool read(std::size_t budget, Steady now);
  // Looks whether the name means another file now.
  void look(Instant now);
  // A change the inotify descriptor reported; true if it was about this log.
  bool on_change(const Inotify::Change& change, Instant now);

  // The pipeline has got another configuration and waits for what came after the last whole line.
  void reconfigured(const Zone& zone, const std::vector<std::string>& olddirs);
  [[nodiscard]] std::vector<LogPosition> positions();
  [[nodiscard]] const std::string& path() const { return pattern_; }
  [[nodiscard]] std::uint64_t lag() const;  // bytes not read yet
  // Empty: the log is being read, and is Exim's.
  [[nodiscard]] const std::string& fault() const { return fault_.empty() ? strange_ : fault_; }
  // Changes may go unnoticed by inotify: call look() and read() often.
  [[nodiscard]] bool needs_polling() const { return unwatched_ || remote_; }
  // Newest stamp that counted; for reading several logs in the order of their time.
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
  struct OpenFile {
    LogFile file;
    std::size_t log;  // number in the pipeline
    int watch = -1;
    bool rotated = false;      // it has a successor
    RecentBytes recent;        // before the offset that is read next
    std::int64_t written = 0;  // its last write before it was last read; of an unread one, that of
                               // the file before it
    std::optional<Steady> idle_since;  // when a rotated one was first seen read to its end
  };
  enum class Got { all, more, cut };
  static constexpr std::size_t kAgain = 128;  // bytes before the offset that are read again

  OpenFile& adopt(LogFile file, bool rotated);
  void search(const std::string& current, Instant now);
  std::vector<std::optional<std::size_t>> look_for(const std::string& current,
                                                   std::vector<LogFile>& candidates,
                                                   std::vector<Unreadable>& unread);
  void go_on(LogFile file, const LogPosition& position, bool is_live);
  void read_once_more(OpenFile& open, std::optional<Instant> newest, Instant now);
  Got read_one(OpenFile& open, std::size_t& budget);
  bool still_same(OpenFile& open, std::span<const char> before) const;
  void read_recent(OpenFile& open, std::uint64_t offset);
  std::optional<LogFile> copy_of(OpenFile& open, std::vector<Unreadable>& unread);
  bool start_again(std::size_t index);
  void bound_first_start(Instant now);
  void take_between(const LogFile* current, std::int64_t written_after);
  void look_beside();
  bool replaced_by_copy(LogFile& file);
  void retire(Steady now);
  void finish(OpenFile& open);
  void close(OpenFile& open);
  void trouble(const std::string& why);  // said once
  void look_for_entries(Instant now);
  void watch_directories(const std::string& current);
  void say_once_unwatched(const std::string& why);
  [[nodiscard]] LogPosition position_of(OpenFile& open);
  [[nodiscard]] std::string name_at(Instant now) const;
  [[nodiscard]] bool is_open(const LogFile& file) const;
  [[nodiscard]] bool is_known(LogFile& file);

  std::string pattern_;
  std::vector<std::string> olddirs_;
  Zone zone_;
  Pipeline& pipeline_;
  Inotify* inotify_;
  Say say_;
  std::vector<OpenFile> files_;  // oldest first; the last one is the log as it was last seen
  std::deque<LogPosition> finished_;
  // After a stop: positions whose file was not found yet, since some can't be read; and from which
  // time of the last write on other files are taken for rotations that happened meanwhile.
  bool searching_ = false;
  std::int64_t beside_ = 0;  // when the log's directory had changed at the last look_beside()
  std::vector<LogPosition> unplaced_;
  std::int64_t written_after_ = 0;
  std::optional<Instant> first_start_;
  bool caught_up_ = false;  // the last read() has come to the end
  Instant looked_{};        // when the name was last looked at
  std::vector<char> buffer_;
  std::vector<std::pair<std::string, int>> directories_;  // watched, and their watches
  std::string current_;                                   // the name when it was last looked at
  bool unwatched_ = false;
  bool remote_ = false;
  std::string fault_;
  std::optional<Instant> strange_since_;  // its lines so far are not Exim's
  std::string strange_;                   // what to say of that
  Counters counters_;
};

}  // namespace agent
