// When is a log's silence longer than its habit? Kept is the longest pause for each hour of the
// day, which fades over days, so that the quiet of nights is known. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "agent/zone.h"

namespace agent {

class Silence {
 public:
  // Three times the longest pause that is usual at these hours, but not less than kLeast; and only
  // once a day was seen.
  static constexpr std::chrono::seconds kLeast{600};
  static constexpr std::chrono::seconds kLearning{24 * 3600};
  static constexpr int kTimes = 3;

  struct State {
    std::optional<Instant> since;            // when it began to learn
    std::optional<Instant> heard;            // when something came last
    std::array<std::int64_t, 24> longest{};  // seconds, by hour of the day in UTC
    bool alarmed = false;
    bool operator==(const State&) const = default;
  };

  // Something was logged. True: it had been given up for silent.
  bool heard(Instant now);
  // A pause while nobody listened teaches nothing; silence counts from now on.
  void begin(Instant now);
  // True once for each silence that is longer than usual.
  bool too_long(Instant now);
  // What would be usual for a pause from the last line until now.
  [[nodiscard]] std::chrono::seconds usual(Instant now) const;

  [[nodiscard]] const State& state() const { return state_; }
  void restore(const State& state) { state_ = state; }

 private:
  State state_;
};

}  // namespace agent
