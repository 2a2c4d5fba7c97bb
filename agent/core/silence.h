// When is a log's silence longer than its habit? Kept is the longest pause for each hour of the
// day, which fades over days, so that the quiet of nights is known. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/zone.h"

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

// Several logs, each by its own habit: one that stops is told of while the others go on.
class Silences {
 public:
  struct Log {
    std::string path;
    std::uint64_t bytes = 0;  // read of it so far
  };
  struct News {
    std::string path;
    bool silent = true;  // false: it goes on again
    Instant since{};
    std::chrono::seconds usual{};  // pauses at that time
  };
  using State = std::map<std::string, Silence::State>;  // by path

  void begin(Instant now);
  // `logs`: all that there are; others are forgotten.
  std::vector<News> look(const std::vector<Log>& logs, Instant now);

  [[nodiscard]] State state() const;
  // A habit without a path is of all `paths` together.
  void restore(State state, const std::vector<std::string>& paths);

 private:
  struct One {
    Silence silence;
    std::uint64_t bytes = 0;
  };
  std::map<std::string, One> logs_;
};

}  // namespace agent
