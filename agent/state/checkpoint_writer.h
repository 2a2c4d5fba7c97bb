// Decides when to write a checkpoint, and keeps what waits for one. One checkpoint at a time is
// under way; meanwhile, and as long as writing would take more than a small part of the time,
// changes gather for the next.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/state/saver.h"

namespace agent {

class CheckpointWriter {
 public:
  using Say = std::function<void(const std::string&)>;
  using Steady = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds kInterval{10};
  static constexpr std::chrono::seconds kRetry{1};
  static constexpr std::chrono::milliseconds kCalm{200};
  static constexpr std::chrono::seconds kBurst{3};
  // A notice whose checkpoint can't be written waits no longer than this.
  static constexpr std::chrono::seconds kPatience{60};

  CheckpointWriter(Saver& saver, Say say) : saver_(saver), say_(std::move(say)) {}

  void touch() { touched_ = true; }             // there is something to save, at some time
  void hurry() { touched_ = hurried_ = true; }  // something else waits for it
  [[nodiscard]] bool touched() const { return touched_; }

  // So many blocks were written. In a burst each has to be in its list at once: a checkpoint that
  // takes long to encode waits until none has come for kCalm, but no longer than kBurst. `bytes`:
  // about as many as it will have.
  void blocked(Steady now, std::size_t blocks, std::size_t bytes);
  // Starts one if it is time. `make` encodes the state of this moment.
  bool start_if_due(Steady now, const std::function<SaveJob()>& make);
  struct Done {
    bool saved = false;
    std::vector<std::string> lists;                               // that had to be synced first
    std::optional<HistoryStore::Outcome> history = std::nullopt;  // nullopt: it was not tried
    std::optional<Notice> report = std::nullopt;
  };
  std::optional<Done> collect(Steady now);
  // Writes a checkpoint now and waits for it; for start and stop.
  Done write(Steady now, const std::function<SaveJob()>& make);

  // Returns when start_if_due() should be called next.
  [[nodiscard]] std::optional<Steady> due() const;
  // Returns true if no checkpoint could be saved for longer than kPatience.
  [[nodiscard]] bool out_of_patience(Steady now) const {
    return failing_since_ && now - *failing_since_ >= kPatience;
  }
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  void start(Steady now, const std::function<SaveJob()>& make);
  [[nodiscard]] Steady earliest() const;
  Done finish(Steady now, const Saver::Outcome& outcome);

  Saver& saver_;
  Say say_;
  bool touched_ = false, hurried_ = false, busy_ = false;
  std::vector<std::string> lists_;  // of the one under way
  std::size_t last_bytes_ = 0;      // of the last one
  Steady next_{};                   // at the earliest, if hurried
  Steady next_calm_{};              // at the earliest otherwise
  std::optional<Steady> last_blocked_;
  std::optional<Steady> held_since_;  // by the burst that goes on
  Steady held_until_{};
  std::optional<Steady> failing_since_;
  std::string fault_;
};

}  // namespace agent
