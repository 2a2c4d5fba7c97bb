#include "agent/state/saver.h"

#include <utility>

namespace agent {

SaveOutcome save_now(actions::Files& files, CheckpointFile& state, HistoryStore& history,
                     SaveJob job) {
  SaveOutcome outcome;
  if (!job.metrics_path.empty()) {
    (void)files.replace(job.metrics_path, job.metrics, {0644, std::nullopt, 0644}, std::nullopt);
  }
  for (const auto& list : job.lists) {
    const auto synced = files.sync(list);
    if (synced) continue;
    // Gone, replaced or out of reach since: what we wrote there can't be brought to the disk any
    // more, and is missed at the next look. Only a disk that fails must hold up the checkpoint.
    const auto code = synced.error().code;
    if (code == actions::Errc::io || code == actions::Errc::full) {
      outcome.fault = synced.error();
      return outcome;
    }
  }
  if (job.checkpoint.empty()) return outcome;
  const auto saved = state.save(job.checkpoint);
  if (!saved) {
    outcome.fault = saved.error();
    return outcome;
  }
  if (job.history) outcome.history = history.write(std::move(*job.history));
  if (job.report) outcome.report = job.report();
  return outcome;
}

ThreadSaver::ThreadSaver(actions::Files& files, const std::string& state_directory)
    : files_(files),
      state_(files, state_directory),
      history_(files, state_directory),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

ThreadSaver::~ThreadSaver() {
  thread_.request_stop();
  wake_.notify_all();
  thread_.join();
}

void ThreadSaver::start(SaveJob job) {
  const std::lock_guard lock(mutex_);
  job_ = std::move(job);
  running_ = true;
  wake_.notify_one();
}

// With the mutex held, as when both were set: the descriptor is readable while there is one.
std::optional<Saver::Outcome> ThreadSaver::take() {
  if (!outcome_) return std::nullopt;
  ended_.drain();
  return std::exchange(outcome_, std::nullopt);
}

std::optional<Saver::Outcome> ThreadSaver::outcome() {
  const std::lock_guard lock(mutex_);
  return take();
}

std::optional<Saver::Outcome> ThreadSaver::wait() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return !running_; });
  return take();
}

void ThreadSaver::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (wake_.wait(lock, stop, [&] { return job_.has_value(); })) {
    auto job = std::move(*job_);
    job_.reset();
    lock.unlock();
    auto outcome = save_now(files_, state_, history_, std::move(job));
    lock.lock();
    outcome_ = std::move(outcome);
    running_ = false;
    done_.notify_all();
    ended_.signal();
  }
}

}  // namespace agent
