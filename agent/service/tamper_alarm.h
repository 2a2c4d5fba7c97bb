// TamperAlarm: says what in the log hides evidence, or looks made to forge some. Each kind is said
// when it is first seen, then at most every kEvery, with how often it came meanwhile. The counts
// themselves are in the metrics. Pure: the clock is the caller's.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/core/tag_check.h"
#include "parsers/entries/reader.h"

namespace agent {

class TamperAlarm {
 public:
  using Steady = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::minutes kEvery{15};

  // `counters` and `tagged` only grow from call to call. Returns what is to be said now, a line
  // for each kind.
  std::vector<std::string> news(const parsers::ReaderCounters& counters,
                                const std::array<std::uint64_t, TagCheck::kVerdicts>& tagged,
                                Steady now);

 private:
  static constexpr std::size_t kKinds = 8;
  struct Kind {
    std::uint64_t said = 0;  // the count when it was last said
    Steady next{};           // not said again before
  };
  std::array<Kind, kKinds> kinds_{};
};

}  // namespace agent
