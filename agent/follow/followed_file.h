// FollowedFile: one log file that is being read, whatever its name is by now. It holds the open
// file, the number of its log in the pipeline, the kernel's watch on it, and the bytes that were
// read last, which tell whether the file is still the same.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "actions/result.h"
#include "agent/core/pipeline.h"
#include "agent/follow/inotify.h"
#include "agent/follow/log_file.h"
#include "agent/follow/recent_bytes.h"
#include "agent/follow/rotations.h"

namespace agent {

class FollowedFile {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  // A file that has a successor is read on for this long after its end was seen: when its last name
  // is gone (then its space is wanted), and while it has one.
  static constexpr std::chrono::seconds kDrainUnlinked{5};
  static constexpr std::chrono::seconds kDrain{3600};

  // What the file read before this one leaves to it.
  struct Before {
    // The repeated hour in autumn is told by the order of stamps, across rotations too.
    std::optional<Instant> newest_stamp;
    // When that file was last written, in seconds since 1970 UTC: that is assumed of this one too
    // until it is read.
    std::int64_t written = 0;
  };

  // Adds the file to the pipeline as a log of its own and removes it from there at the end. The
  // pipeline must live longer. `first_start`: see LogPosition.
  FollowedFile(LogFile file, Pipeline& pipeline, std::optional<Instant> first_start,
               const Before& before);
  ~FollowedFile();
  FollowedFile(const FollowedFile&) = delete;
  FollowedFile& operator=(const FollowedFile&) = delete;

  // Watches the file until the end; `inotify` must live longer. On an error the file is unwatched.
  actions::Result<actions::Done> watch(Inotify& inotify);
  [[nodiscard]] bool has_watch(int watch) const { return watch_ == watch; }

  enum class Reached {
    end,     // all that is there was read
    budget,  // the budget is spent, and there is more
    cut,     // the file was cut in place: what was read of it no longer stands in it
  };
  // Feeds at most `budget` bytes to the pipeline, through `buffer`, and takes what it fed off the
  // budget, on an error too.
  actions::Result<Reached> read(std::size_t& budget, std::span<char> buffer);

  // Continues after what was read of this file, or of the one it is a copy of, up to `position`.
  void go_on_from(const LogPosition& position);
  // Events up to this time count no more; nullopt: all count.
  void count_after(std::optional<Instant> time);
  // Another time of the first start: see LogPosition.
  void set_first_start(Instant time) { pipeline_.set_first_start(log_, time); }
  // The file was cut and is read from its start, as another file.
  void begin_again();
  // The pipeline waits for what came after the last whole line: it is read again.
  void feed_half_line_again();

  // Where reading stands, all but the fields `path` and `first_start`.
  [[nodiscard]] LogPosition position();
  // Of that only how far lines were read, and the newest stamp of them: for a copy of this file.
  [[nodiscard]] LogPosition place() const;
  // Returns true if the beginning is still the one that was read.
  [[nodiscard]] bool begins_alike();
  // Returns true if bytes of it are known by which a copy of it can be told.
  [[nodiscard]] bool knows_bytes() const { return !recent_.last(1).empty(); }
  // Returns true if `other` holds what was read of this file before that was cut, and perhaps more.
  // What this file itself holds now tells nothing about that.
  [[nodiscard]] bool goes_on_in(LogFile& other);
  // Returns true if both are the same file on disk.
  [[nodiscard]] bool is(const LogFile& other) const;
  // Returns true if a file that has a successor need not be read any more; the time counts from the
  // first call after the last byte. `crowded`: too many such files are open.
  [[nodiscard]] bool is_drained(Steady now, bool crowded);

  [[nodiscard]] LogFile& file() { return file_; }
  [[nodiscard]] const LogFile& file() const { return file_; }
  // The file has a successor.
  [[nodiscard]] bool is_rotated() const { return rotated_; }
  void set_rotated(bool rotated) { rotated_ = rotated; }
  [[nodiscard]] Before leaves() const { return {newest_stamp(), written_}; }
  [[nodiscard]] std::optional<Instant> newest_stamp() const;
  // Returns true if lines were read, and none of them begins as an entry of Exim's does.
  [[nodiscard]] bool holds_no_entry() const;
  // Bytes that are not read yet, or are of half a line.
  [[nodiscard]] std::uint64_t lag() const;

 private:
  [[nodiscard]] std::uint64_t next_offset() const;
  [[nodiscard]] bool is_still_same(std::span<const char> read_again);
  void remember_before(std::uint64_t offset);

  LogFile file_;
  Pipeline& pipeline_;
  std::size_t log_;
  Inotify* inotify_ = nullptr;
  int watch_ = -1;
  bool rotated_ = false;
  RecentBytes recent_;  // before the offset that is read next
  std::int64_t written_;
  // When a rotated file was first seen read to its end.
  std::optional<Steady> idle_since_;
};

}  // namespace agent
