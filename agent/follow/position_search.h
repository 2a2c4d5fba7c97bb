// PositionSearch: searches the log and its rotations, after a stop, for the files of the saved
// positions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/follow/log_directories.h"
#include "agent/follow/log_file.h"
#include "agent/follow/rotations.h"

namespace agent {

class PositionSearch {
 public:
  // What became of one position.
  struct Outcome {
    LogPosition position;
    // nullopt: the file is gone, and with it what it may have got after the position.
    std::optional<LogFile> file;
    // The file has lost what was read last of it (see find_cut_short()).
    bool cut_short = false;
  };
  struct Found {
    std::vector<Outcome> outcomes;  // in the order of the positions
    std::vector<LogFile> others;  // files of no position: the rotations, oldest first, and the log
    // Why the search must be repeated: a file can't be read, and it may be the one that is missing.
    // Empty: the search is over.
    std::string unfinished;
  };

  // Begins a search. `since`: the last write of the oldest file that is of interest where no
  // position was saved.
  void start(const std::vector<LogPosition>& saved, Instant since);

  // Looks once for what has not been found yet; files that `is_open` are left out.
  [[nodiscard]] Found look(const LogDirectories& directories,
                           const std::function<bool(const LogFile&)>& is_open);
  // Says that a file that may be wanted can't be read, whatever look() found.
  void look_again() { unfinished_ = true; }
  [[nodiscard]] bool is_unfinished() const { return unfinished_; }

  // Returns a time in seconds since 1970 UTC: other files that were last written since then are
  // rotations that happened unseen.
  [[nodiscard]] std::int64_t written_after() const { return written_after_; }
  void set_written_after(std::int64_t time) { written_after_ = time; }

  // The positions that are still looked for.
  [[nodiscard]] const std::vector<LogPosition>& positions() const { return positions_; }

 private:
  std::vector<LogPosition> positions_;
  std::int64_t written_after_ = 0;
  bool unfinished_ = false;
};

}  // namespace agent
