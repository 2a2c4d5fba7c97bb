#include "agent/saver.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

namespace agent {

std::optional<actions::Error> save_now(actions::Files& files, StateFile& state,
                                       const SaveJob& job) {
  if (!job.metrics_path.empty()) {
    (void)files.replace(job.metrics_path, job.metrics, {0644, std::nullopt, 0644}, std::nullopt);
  }
  for (const auto& list : job.lists) {
    const auto synced = files.sync(list);
    if (synced) continue;
    // Gone, replaced or out of reach since: what we wrote there can't be brought to the disk any
    // more, and is missed at the next look. Only a disk that fails must hold up the checkpoint.
    const auto code = synced.error().code;
    if (code == actions::Errc::io || code == actions::Errc::full) return synced.error();
  }
  if (job.checkpoint.empty()) return std::nullopt;
  const auto saved = state.save(job.checkpoint);
  if (!saved) return saved.error();
  return std::nullopt;
}

ThreadSaver::ThreadSaver(actions::Files& files, const std::string& state_directory)
    : files_(files),
      state_(files, state_directory),
      event_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

ThreadSaver::~ThreadSaver() {
  thread_.request_stop();
  wake_.notify_all();
  thread_.join();
  ::close(event_fd_);
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
  std::uint64_t ignored = 0;
  (void)!::read(event_fd_, &ignored, sizeof ignored);
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
    const auto job = std::move(*job_);
    job_.reset();
    lock.unlock();
    Outcome outcome{save_now(files_, state_, job)};
    lock.lock();
    outcome_ = std::move(outcome);
    running_ = false;
    done_.notify_all();
    const std::uint64_t one = 1;
    (void)!::write(event_fd_, &one, sizeof one);
  }
}

}  // namespace agent
