// ShareWindow: for rule.min_share, how many of a rule's events and how many accepted recipients of
// the same identity are younger than the period, as of the newest of both. Exact; kept by the
// second, so that it is bounded by the period and not by how much somebody sends.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "agent/values/zone.h"

namespace agent {

class ShareWindow {
 public:
  static constexpr std::chrono::seconds kLongest{86400};  // period

  struct Second {
    std::int64_t second = 0;  // since 1970 UTC
    std::uint32_t events = 0, accepted = 0;
    bool operator==(const Second&) const = default;
  };

  void add(Instant time, std::uint32_t events, std::uint32_t accepted, std::chrono::seconds period);
  // Returns true if the events are at least so many percent of both together.
  [[nodiscard]] bool reaches(std::uint32_t percent) const {
    return events_ * 100 >= percent * (events_ + accepted_);
  }
  [[nodiscard]] bool empty() const { return head_ == seconds_.size(); }
  [[nodiscard]] Instant newest() const;  // not if empty
  void clear() { *this = ShareWindow(); }

  // What a checkpoint keeps, oldest first.
  [[nodiscard]] std::vector<Second> seconds() const;
  // Takes back ascending seconds.
  void restore(std::vector<Second> seconds);

 private:
  void drop_up_to(std::int64_t edge);

  std::vector<Second> seconds_;  // ascending, from head_ on
  std::size_t head_ = 0;
  std::uint64_t events_ = 0, accepted_ = 0;  // of them together
};

}  // namespace agent
