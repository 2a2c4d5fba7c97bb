#include "agent/core/share_window.h"

#include <algorithm>
#include <utility>

namespace agent {

void ShareWindow::add(Instant time, std::uint32_t events, std::uint32_t accepted,
                      std::chrono::seconds period) {
  const std::int64_t now = time.time_since_epoch().count();
  const auto edge = (empty() ? now : std::max(now, seconds_.back().second)) - period.count();
  drop_up_to(edge);
  if (now <= edge) return;
  const auto begin = seconds_.begin() + static_cast<std::ptrdiff_t>(head_);
  auto place = std::lower_bound(begin, seconds_.end(), now,
                                [](const Second& one, auto value) { return one.second < value; });
  if (place == seconds_.end() || place->second != now) place = seconds_.insert(place, {now, 0, 0});
  place->events += events;
  place->accepted += accepted;
  events_ += events;
  accepted_ += accepted;
}

void ShareWindow::drop_up_to(std::int64_t edge) {
  while (!empty() && seconds_[head_].second <= edge) {
    events_ -= seconds_[head_].events;
    accepted_ -= seconds_[head_].accepted;
    ++head_;
  }
  if (head_ != seconds_.size() && (head_ < 16 || head_ < seconds_.size() / 2)) return;
  seconds_.erase(seconds_.begin(), seconds_.begin() + static_cast<std::ptrdiff_t>(head_));
  head_ = 0;
}

Instant ShareWindow::newest() const {
  return Instant(std::chrono::seconds(seconds_.back().second));
}

std::vector<ShareWindow::Second> ShareWindow::seconds() const {
  return {seconds_.begin() + static_cast<std::ptrdiff_t>(head_), seconds_.end()};
}

void ShareWindow::restore(std::vector<Second> seconds) {
  clear();
  seconds_ = std::move(seconds);
  for (const auto& one : seconds_) {
    events_ += one.events;
    accepted_ += one.accepted;
  }
}

}  // namespace agent
