// What the service has saved, and how far that is behind the logs: for status, which needs no
// running service.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "actions/result.h"
#include "agent/state/checkpoint.h"
#include "agent/values/zone.h"

namespace agent {

struct SavedState {
  std::optional<Checkpoint> state;
  std::int64_t written = 0;              // seconds since 1970 UTC
  std::vector<std::string> faults;       // why there is none, or no newer one
  std::optional<actions::Error> closed;  // it can't be read
};
// Returns the newer generation that is whole. Nothing is set aside: that is the service's business.
[[nodiscard]] SavedState load_saved_state(const std::string& directory);

// How far a log was read when the state was saved.
struct LogProgress {
  std::string path;  // the pattern as of now
  bool exists = false;
  bool known = false;  // this file, not one that was rotated away since
  std::uint64_t size = 0, lag = 0, offset = 0, lines = 0;
  std::int64_t written = 0;  // the file, last; seconds since 1970 UTC
  std::optional<Instant> read_to;
};
[[nodiscard]] LogProgress progress_of(const std::string& pattern, const Checkpoint* state,
                                      const Zone& zone, Instant now);

}  // namespace agent
