#include "agent/state/checkpoint_writer.h"

#include <algorithm>
#include <utility>

#include "agent/values/printable.h"

namespace agent {
namespace {

// Encoding holds up the log: so much time passes from one to the next that it takes a twentieth of
// it, at the 200 bytes a microsecond that it does at least.
std::chrono::microseconds pause_after(std::size_t bytes) {
  return std::chrono::microseconds(20 * bytes / 200);
}

// So many are encoded in a few milliseconds.
constexpr std::size_t kSoonEncoded = std::size_t{1} << 20;

}  // namespace

void CheckpointWriter::blocked(Steady now, std::size_t blocks, std::size_t bytes) {
  const bool burst = blocks > 1 || (last_blocked_ && now - *last_blocked_ < kCalm);
  last_blocked_ = now;
  if (!burst || std::max(bytes, last_bytes_) < kSoonEncoded) return;
  if (!held_since_) held_since_ = now;
  held_until_ = std::min<Steady>(now + kCalm, *held_since_ + kBurst);
}

CheckpointWriter::Steady CheckpointWriter::earliest() const {
  return std::max(hurried_ ? next_ : next_calm_, held_until_);
}

void CheckpointWriter::start(Steady now, const std::function<SaveJob()>& make) {
  auto job = make();
  touched_ = hurried_ = false;
  busy_ = true;
  last_bytes_ = job.checkpoint.size();
  held_since_.reset();
  held_until_ = {};
  const auto pause = pause_after(last_bytes_);
  next_ = now + pause;
  next_calm_ = now + std::max<Steady::duration>(kInterval, pause);
  lists_ = job.lists;
  saver_.start(std::move(job));
}

bool CheckpointWriter::start_if_due(Steady now, const std::function<SaveJob()>& make) {
  if (busy_ || !touched_ || now < earliest()) return false;
  start(now, make);
  return true;
}

CheckpointWriter::Done CheckpointWriter::finish(Steady now, const Saver::Outcome& outcome) {
  busy_ = false;
  if (!outcome.fault) {
    if (!fault_.empty()) say_("the checkpoint can be written again");
    fault_.clear();
    failing_since_.reset();
    return {true, std::exchange(lists_, {}), outcome.history, outcome.report};
  }
  if (fault_ != outcome.fault->what) say_(printable(outcome.fault->what) + "; trying again");
  fault_ = outcome.fault->what;
  if (!failing_since_) failing_since_ = now;
  hurry();
  next_ = std::max(next_, now + kRetry);
  return {false, std::exchange(lists_, {}), std::nullopt, std::nullopt};
}

std::optional<CheckpointWriter::Done> CheckpointWriter::collect(Steady now) {
  if (!busy_) return std::nullopt;
  const auto outcome = saver_.outcome();
  if (!outcome) return std::nullopt;
  return finish(now, *outcome);
}

CheckpointWriter::Done CheckpointWriter::write(Steady now, const std::function<SaveJob()>& make) {
  if (busy_) {
    if (const auto outcome = saver_.wait()) (void)finish(now, *outcome);
  }
  start(now, make);
  const auto outcome = saver_.wait();
  return outcome ? finish(now, *outcome) : Done{};
}

std::optional<CheckpointWriter::Steady> CheckpointWriter::due() const {
  if (busy_ || !touched_) return std::nullopt;  // the end of the one under way wakes us
  return earliest();
}

}  // namespace agent
