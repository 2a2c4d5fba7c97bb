// Window: the exact sliding window of one identity under one rule. An event at log time t is in the
// window while t > newest - period, where newest is this window's newest event. Late events land in
// their place. At most `limit` newest events are kept: enough to say whether the limit is reached.
// No period is longer than a year.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "agent/values/zone.h"

namespace agent {

class Window {
 public:
  // Adds an event and says how many the window holds now, at most `limit`. `recipient` is 0 to
  // count every attempt; otherwise a digest by which distinct recipients are told apart, and a
  // known one only moves to its newest time.
  std::uint32_t add(Instant time, std::uint64_t recipient, std::uint32_t limit,
                    std::chrono::seconds period);

  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::size_t size() const { return times_.size() - head_; }
  [[nodiscard]] Instant oldest() const { return from(base_ + oldest_); }  // not if empty
  [[nodiscard]] Instant newest() const { return from(base_ + newest_); }  // not if empty
  // Returns how many events of this very second it holds.
  [[nodiscard]] std::uint32_t count_of(Instant time) const;
  // Returns how many events are younger than `period` at `now`.
  [[nodiscard]] std::uint32_t count_at(Instant now, std::chrono::seconds period) const;
  void clear();

  // What a checkpoint keeps: what add() was told, oldest first. recipients() is empty or as long.
  [[nodiscard]] std::vector<std::int64_t> times() const;
  [[nodiscard]] std::vector<std::uint64_t> recipients() const;
  // Takes back ascending times; those that lie 68 years before the last one are left out.
  void restore(const std::vector<std::int64_t>& times, std::vector<std::uint64_t> recipients);

 private:
  static Instant from(std::int64_t seconds) { return Instant(std::chrono::seconds(seconds)); }
  // Of the i-th time, from head_ on.
  [[nodiscard]] std::int64_t at(std::size_t i) const { return base_ + times_[i]; }
  // How many of those up to `edge` lie in front.
  [[nodiscard]] std::size_t count_up_to(std::int64_t edge) const;
  void count_from(std::int64_t base);
  void drop_front(std::size_t count);
  void note_ends();

  // Seconds from base_, ascending, from head_ on: they make up most of what the agent remembers,
  // and no period is too long for 32 bits. What lies before head_ was dropped and is cut off from
  // time to time, so that a full window costs no move of all its events for each new one.
  std::vector<std::int32_t> times_;
  std::int64_t base_ = 0;  // seconds since 1970 UTC
  // The first and the last of them once more: most events ask for no other, and the rest of a
  // window that was not used for a while is far away in memory.
  std::int32_t oldest_ = 0, newest_ = 0;
  std::size_t head_ = 0;
  std::vector<std::uint64_t> recipients_;  // beside times_ when recipients are counted, else empty
};

}  // namespace agent
