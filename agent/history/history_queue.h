// HistoryQueue: the history entries that are not in the history file yet. They stand in every
// checkpoint until the file has them. Nothing waits for the file: while it can't be written,
// entries gather here, up to a bound; what is beyond it is left out, and counted.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/history/history_store.h"

namespace agent {

class HistoryQueue {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  static constexpr std::size_t kMax = 10'000;
  // Of samples; an entry beyond that goes without them.
  static constexpr std::size_t kMaxSampleBytes = std::size_t{4} << 20;
  static constexpr std::chrono::seconds kRetry{2};

  void add(HistoryEntry entry);
  void restore(std::vector<HistoryEntry> waiting);
  // Returns what a checkpoint of this moment must hold.
  [[nodiscard]] const std::vector<HistoryEntry>& waiting() const { return waiting_; }

  // Returns what to write behind that checkpoint; nullopt: it was tried in vain a moment ago.
  [[nodiscard]] std::optional<std::vector<HistoryEntry>> take_batch(Steady now);
  // What came of the batch. Returns what is to be said, "" for nothing.
  std::string finish(const HistoryStore::Outcome& outcome, Steady now);
  // The checkpoint failed, and the batch was not tried.
  void put_back() { batch_ = 0; }

  // Returns when another checkpoint should be made for the entries that wait.
  [[nodiscard]] std::optional<Steady> due() const;
  [[nodiscard]] const std::string& fault() const { return fault_; }
  [[nodiscard]] std::uint64_t left_out() const { return left_out_; }

 private:
  std::vector<HistoryEntry> waiting_;  // oldest first
  std::size_t sample_bytes_ = 0;       // of them
  std::size_t batch_ = 0;              // so many of the first ones are being written
  Steady retry_{};
  std::string fault_;
  std::uint64_t left_out_ = 0;
};

}  // namespace agent
