// A saver, which brings lists and checkpoint to the disk, in this order: a checkpoint never knows
// more than the lists hold. A seam: the service saves on a separate thread, because an fsync takes
// longer than a line may wait; tests save at once.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "actions/event_fd.h"
#include "actions/files.h"
#include "agent/history/history_store.h"
#include "agent/notify/notice.h"
#include "agent/state/checkpoint_file.h"

namespace agent {

struct SaveJob {
  using Report = std::function<Notice()>;
  std::vector<std::string> lists;     // paths to sync
  std::string checkpoint;             // the text of encode_checkpoint(); empty: none
  std::string metrics_path, metrics;  // written first, if there is a path
  // Written last: the checkpoint holds its entries.
  std::optional<HistoryBatch> history = std::nullopt;
  Report report = {};  // run after all that; empty: none is due
};

// Does all steps now. A list that no longer exists is no fault, nor are metrics that can't be
// written: a scraper reads them next time. Returns what failed.
struct SaveOutcome {
  std::optional<actions::Error> fault;
  std::optional<HistoryStore::Outcome> history = std::nullopt;  // nullopt: it was not tried
  std::optional<Notice> report = std::nullopt;
};
[[nodiscard]] SaveOutcome save_now(actions::Files& files, CheckpointFile& state,
                                   HistoryStore& history, SaveJob job);

class Saver {
 public:
  using Outcome = SaveOutcome;
  virtual ~Saver() = default;
  // Call it only after the outcome of the last job was taken.
  virtual void start(SaveJob job) = 0;
  virtual std::optional<Outcome> outcome() = 0;
  // Waits for the outcome of the job that was started, if there is one.
  virtual std::optional<Outcome> wait() = 0;
  // Returns a descriptor that is readable when there is an outcome; -1: start() returns with one.
  [[nodiscard]] virtual int fd() const = 0;
};

class ThreadSaver : public Saver {
 public:
  // `files` is used from another thread, and must allow that.
  ThreadSaver(actions::Files& files, const std::string& state_directory);
  ~ThreadSaver() override;  // waits for what was started
  ThreadSaver(const ThreadSaver&) = delete;
  ThreadSaver& operator=(const ThreadSaver&) = delete;

  void start(SaveJob job) override;
  std::optional<Outcome> outcome() override;
  std::optional<Outcome> wait() override;
  [[nodiscard]] int fd() const override { return ended_.fd(); }

 private:
  std::optional<Outcome> take();
  void work(const std::stop_token& stop);

  actions::Files& files_;
  CheckpointFile state_;
  HistoryStore history_;
  actions::EventFd ended_;
  std::mutex mutex_;
  std::condition_variable_any wake_, done_;
  bool running_ = false;
  std::optional<SaveJob> job_;
  std::optional<Outcome> outcome_;
  std::jthread thread_;  // last: it uses all of the above
};

// Saves at once, in start().
class DirectSaver : public Saver {
 public:
  DirectSaver(actions::Files& files, const std::string& state_directory)
      : files_(files), state_(files, state_directory), history_(files, state_directory) {}
  void start(SaveJob job) override {
    outcome_ = save_now(files_, state_, history_, std::move(job));
  }
  std::optional<Outcome> outcome() override { return std::exchange(outcome_, std::nullopt); }
  std::optional<Outcome> wait() override { return outcome(); }
  [[nodiscard]] int fd() const override { return -1; }

 private:
  actions::Files& files_;
  CheckpointFile state_;
  HistoryStore history_;
  std::optional<Outcome> outcome_;
};

}  // namespace agent
