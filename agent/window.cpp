#include "agent/window.h"

#include <algorithm>
#include <utility>

namespace agent {

std::uint32_t Window::add(Instant time, std::uint64_t recipient, std::uint32_t limit,
                          std::chrono::seconds period) {
  const std::int64_t at = time.time_since_epoch().count();
  const auto head = static_cast<std::ptrdiff_t>(head_);

  if (recipient != 0) {
    const auto known = std::find(recipients_.begin() + head, recipients_.end(), recipient);
    if (known != recipients_.end()) {
      const auto index = known - recipients_.begin();
      if (times_[static_cast<std::size_t>(index)] >= at) return static_cast<std::uint32_t>(size());
      recipients_.erase(known);
      times_.erase(times_.begin() + index);
    }
  }
  // Equal stamps keep their order of arrival.
  const auto place = std::upper_bound(times_.begin() + head, times_.end(), at) - times_.begin();
  times_.insert(times_.begin() + place, at);
  if (recipient != 0) recipients_.insert(recipients_.begin() + place, recipient);

  const std::int64_t edge = times_.back() - period.count();
  std::size_t expired = 0;
  while (times_[head_ + expired] <= edge) ++expired;  // the newest never is
  const std::size_t kept = size() - expired;
  drop_front(expired + (kept > limit ? kept - limit : 0));
  return static_cast<std::uint32_t>(size());
}

void Window::drop_front(std::size_t count) {
  head_ += count;
  if (head_ < 16 || head_ < times_.size() / 2) return;
  const auto head = static_cast<std::ptrdiff_t>(head_);
  times_.erase(times_.begin(), times_.begin() + head);
  if (!recipients_.empty()) recipients_.erase(recipients_.begin(), recipients_.begin() + head);
  head_ = 0;
}

std::uint32_t Window::count_at(Instant now, std::chrono::seconds period) const {
  const std::int64_t edge = now.time_since_epoch().count() - period.count();
  const auto begin = times_.begin() + static_cast<std::ptrdiff_t>(head_);
  return static_cast<std::uint32_t>(times_.end() - std::upper_bound(begin, times_.end(), edge));
}

std::uint32_t Window::count_of(Instant time) const {
  const auto [first, last] = std::equal_range(times_.begin() + static_cast<std::ptrdiff_t>(head_),
                                              times_.end(), time.time_since_epoch().count());
  return static_cast<std::uint32_t>(last - first);
}

void Window::clear() {
  *this = Window();
}

std::vector<std::int64_t> Window::times() const {
  return {times_.begin() + static_cast<std::ptrdiff_t>(head_), times_.end()};
}

std::vector<std::uint64_t> Window::recipients() const {
  if (recipients_.empty()) return {};
  return {recipients_.begin() + static_cast<std::ptrdiff_t>(head_), recipients_.end()};
}

void Window::restore(std::vector<std::int64_t> times, std::vector<std::uint64_t> recipients) {
  times_ = std::move(times);
  recipients_ = std::move(recipients);
  head_ = 0;
}

}  // namespace agent
