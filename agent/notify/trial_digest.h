// TrialDigest: what rules on trial decide, told in one notice a day. It is part of the checkpoint:
// a restart neither loses a day's decisions nor tells them early.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/decision.h"
#include "agent/notify/notice.h"
#include "agent/values/zone.h"

namespace agent {

class TrialDigest {
 public:
  static constexpr std::size_t kMaxLines = 200;  // the decisions beyond are only counted
  static constexpr std::chrono::seconds kDay{86400};

  struct Line {
    std::string text;  // fit for people
    std::string data;  // the decision as JSON
    bool operator==(const Line&) const = default;
  };
  struct State {
    std::optional<Instant> since;  // by the clock, when the first was added; nullopt: none waits
    std::vector<Line> lines;
    std::uint64_t left_out = 0;
    bool operator==(const State&) const = default;
  };

  void add(const Decision& decision, const Zone& zone, Instant now, const std::string& host);
  // Returns when the notice is due; nullopt: there is nothing to tell.
  [[nodiscard]] std::optional<Instant> due() const;
  // Returns the notice if it is due, and begins anew.
  std::optional<Notice> take(const Zone& zone, Instant now, const NoticeContext& context);

  [[nodiscard]] const State& state() const { return state_; }
  void restore(State state) { state_ = std::move(state); }

 private:
  State state_;
};

}  // namespace agent
