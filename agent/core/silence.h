// Silence: when a log is silent for unusually long. It keeps the longest pause for each hour of the
// day, which fades over days, so that quiet nights are known. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/values/zone.h"

namespace agent {

class Silence {
 public:
  // A silence is too long after kTimes the longest pause that is usual at these hours, but not
  // before kLeast, and not before the log was followed for kLearning.
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

  // Something was logged. Returns true if the log had been called silent.
  bool heard(Instant now);
  // Begins to listen: the pause before teaches nothing, and silence counts from now on.
  void begin(Instant now);
  // Returns true once for each silence that is too long.
  bool too_long(Instant now);
  // Returns the longest usual pause at the hours from the last line until now.
  [[nodiscard]] std::chrono::seconds usual(Instant now) const;

  [[nodiscard]] const State& state() const { return state_; }
  void restore(const State& state) { state_ = state; }

 private:
  State state_;
};

// Silences: several logs, each by its own habit, so that one log that stops is noticed while the
// others continue.
class Silences {
 public:
  struct Log {
    std::string path;
    std::uint64_t bytes = 0;  // read of it so far
  };
  struct News {
    std::string path;
    bool silent = true;  // false: it is written again
    Instant since{};
    std::chrono::seconds usual{};  // pauses at that time
  };
  using State = std::map<std::string, Silence::State>;  // by path

  void begin(Instant now);
  // Returns the logs that are silent now, and those that continue. `logs`: all that are followed;
  // others are forgotten.
  std::vector<News> look(const std::vector<Log>& logs, Instant now);

  [[nodiscard]] State state() const;
  // Takes back what a checkpoint kept. A habit without a path is that of all `paths` together.
  void restore(State state, const std::vector<std::string>& paths);

 private:
  struct One {
    Silence silence;
    std::uint64_t bytes = 0;
  };
  std::map<std::string, One> logs_;
};

}  // namespace agent
