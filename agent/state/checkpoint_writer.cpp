#include "agent/state/checkpoint_writer.h"

#include <algorithm>
#include <utility>

#include "agent/core/printable.h"

namespace agent {
namespace {

// Encoding holds up the log: so much time passes from one to the next that it takes a twentieth of
// it, at the 200 bytes a microsecond that it does at least.
std::chrono::microseconds pause_after(std::size_t bytes) {
  return std::chrono::microseconds(20 * bytes / 200);
}

}  // namespace

void CheckpointWriter::start(Steady now, const std::function<SaveJob()>& make) {
  auto job = make();
  touched_ = hurried_ = false;
  busy_ = true;
  const auto pause = pause_after(job.checkpoint.size());
  next_ = now + pause;
  next_calm_ = now + std::max<Steady::duration>(kInterval, pause);
  lists_ = job.lists;
  saver_.start(std::move(job));
}

bool CheckpointWriter::start_if_due(Steady now, const std::function<SaveJob()>& make) {
  if (busy_ || !touched_ || now < (hurried_ ? next_ : next_calm_)) return false;
  start(now, make);
  return true;
}

CheckpointWriter::Done CheckpointWriter::finish(Steady now, const Saver::Outcome& outcome) {
  busy_ = false;
  if (!outcome.fault) {
    if (!fault_.empty()) say_("the checkpoint can be written again");
    fault_.clear();
    failing_since_.reset();
    return {true, std::exchange(lists_, {})};
  }
  if (fault_ != outcome.fault->what) say_(printable(outcome.fault->what) + "; trying again");
  fault_ = outcome.fault->what;
  if (!failing_since_) failing_since_ = now;
  hurry();
  next_ = std::max(next_, now + kRetry);
  return {false, std::exchange(lists_, {})};
}

std::optional<CheckpointWriter::Done> CheckpointWriter::collect(Steady now) {
  if (!busy_) return std::nullopt;
  const auto outcome = saver_.outcome();
  if (!outcome) return std::nullopt;
  return finish(now, *outcome);
}

bool CheckpointWriter::write(Steady now, const std::function<SaveJob()>& make) {
  if (busy_) {
    if (const auto outcome = saver_.wait()) (void)finish(now, *outcome);
  }
  start(now, make);
  const auto outcome = saver_.wait();
  return outcome && finish(now, *outcome).saved;
}

std::optional<CheckpointWriter::Steady> CheckpointWriter::due() const {
  if (busy_ || !touched_) return std::nullopt;  // the end of the one under way wakes us
  return hurried_ ? next_ : next_calm_;
}

}  // namespace agent
