#include "agent/history/history_queue.h"

#include <iterator>
#include <utility>

namespace agent {

void HistoryQueue::add(HistoryEntry entry) {
  if (waiting_.size() >= kMax) {
    ++left_out_;
    return;
  }
  if (sample_bytes_ + entry.samples.size() > kMaxSampleBytes) entry.samples.clear();
  sample_bytes_ += entry.samples.size();
  waiting_.push_back(std::move(entry));
}

void HistoryQueue::restore(std::vector<HistoryEntry> waiting) {
  for (auto& entry : waiting) add(std::move(entry));
}

std::optional<std::vector<HistoryEntry>> HistoryQueue::take_batch(Steady now) {
  if (now < retry_) return std::nullopt;
  batch_ = waiting_.size();
  return waiting_;
}

std::string HistoryQueue::finish(const HistoryStore::Outcome& outcome, Steady now) {
  std::string text = outcome.notice.value_or("");
  const auto written = std::exchange(batch_, 0);
  const auto before = std::exchange(fault_, outcome.fault.value_or(""));
  if (outcome.fault) {
    retry_ = now + kRetry;
    if (before != fault_) text += (text.empty() ? "" : "; ") + fault_ + "; trying again";
    return text;
  }
  waiting_.erase(waiting_.begin(),
                 std::next(waiting_.begin(), static_cast<std::ptrdiff_t>(written)));
  sample_bytes_ = 0;
  for (const auto& entry : waiting_) sample_bytes_ += entry.samples.size();
  if (!before.empty() && text.empty()) text = "the history can be written again";
  return text;
}

std::optional<HistoryQueue::Steady> HistoryQueue::due() const {
  if (waiting_.empty() || batch_ > 0 || fault_.empty()) return std::nullopt;
  return retry_;
}

}  // namespace agent
