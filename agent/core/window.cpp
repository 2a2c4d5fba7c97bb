#include "agent/core/window.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace agent {
namespace {

constexpr auto kFarthest = std::numeric_limits<std::int32_t>::max();
// What the smallest piece of malloc's holds.
constexpr std::size_t kFirstRoom = 6;

bool in_reach(std::int64_t base, std::int64_t at) {
  return at - base <= kFarthest && base - at <= kFarthest;
}

}  // namespace

std::size_t Window::count_up_to(std::int64_t edge) const {
  // Mostly all or none: events come in order, and few leave a window at a time.
  if (empty() || base_ + oldest_ > edge) return 0;
  if (base_ + newest_ <= edge) return size();
  const auto begin = times_.begin() + static_cast<std::ptrdiff_t>(head_);
  const auto end = std::upper_bound(begin, times_.end(), edge,
                                    [this](auto value, auto time) { return value < base_ + time; });
  return static_cast<std::size_t>(end - begin);
}

void Window::count_from(std::int64_t base) {
  for (auto i = head_; i < times_.size(); ++i) times_[i] = static_cast<std::int32_t>(at(i) - base);
  base_ = base;
  note_ends();
}

std::uint32_t Window::add(Instant time, std::uint64_t recipient, std::uint32_t limit,
                          std::chrono::seconds period) {
  const std::int64_t now = time.time_since_epoch().count();
  // The rule has begun, or ceased, to tell values apart since.
  if (recipient != 0 && recipients_.empty() && !empty()) clear();
  if (recipient == 0 && !recipients_.empty()) recipients_ = {};
  const std::int64_t edge = (empty() ? now : std::max(now, base_ + newest_)) - period.count();
  drop_front(count_up_to(edge));
  if (now <= edge) return static_cast<std::uint32_t>(size());

  const auto head = static_cast<std::ptrdiff_t>(head_);
  if (recipient != 0) {
    const auto known = std::find(recipients_.begin() + head, recipients_.end(), recipient);
    if (known != recipients_.end()) {
      const auto index = known - recipients_.begin();
      if (at(static_cast<std::size_t>(index)) >= now) return static_cast<std::uint32_t>(size());
      recipients_.erase(known);
      times_.erase(times_.begin() + index);
      note_ends();
    }
  }
  if (!in_reach(base_, now)) count_from(now);  // all others are less than a period away
  // Equal stamps keep their order of arrival.
  const auto place = head + static_cast<std::ptrdiff_t>(count_up_to(now));
  if (times_.capacity() == 0) times_.reserve(kFirstRoom);
  const auto event = static_cast<std::int32_t>(now - base_);
  if (place == head) oldest_ = event;
  if (place == static_cast<std::ptrdiff_t>(times_.size())) newest_ = event;
  times_.insert(times_.begin() + place, event);
  if (recipient != 0) recipients_.insert(recipients_.begin() + place, recipient);
  if (size() > limit) drop_front(size() - limit);
  return static_cast<std::uint32_t>(size());
}

void Window::note_ends() {
  if (empty()) return;
  oldest_ = times_[head_];
  newest_ = times_.back();
}

void Window::drop_front(std::size_t count) {
  if (count == 0) return;
  head_ += count;
  note_ends();
  if (head_ != times_.size() && (head_ < 16 || head_ < times_.size() / 2)) return;
  const auto head = static_cast<std::ptrdiff_t>(head_);
  times_.erase(times_.begin(), times_.begin() + head);
  if (!recipients_.empty()) recipients_.erase(recipients_.begin(), recipients_.begin() + head);
  head_ = 0;
}

std::uint32_t Window::count_at(Instant now, std::chrono::seconds period) const {
  const std::int64_t edge = now.time_since_epoch().count() - period.count();
  return static_cast<std::uint32_t>(size() - count_up_to(edge));
}

std::uint32_t Window::count_of(Instant time) const {
  const std::int64_t second = time.time_since_epoch().count();
  return static_cast<std::uint32_t>(count_up_to(second) - count_up_to(second - 1));
}

void Window::clear() {
  *this = Window();
}

std::vector<std::int64_t> Window::times() const {
  std::vector<std::int64_t> times;
  times.reserve(size());
  for (auto i = head_; i < times_.size(); ++i) times.push_back(at(i));
  return times;
}

std::vector<std::uint64_t> Window::recipients() const {
  if (recipients_.empty()) return {};
  return {recipients_.begin() + static_cast<std::ptrdiff_t>(head_), recipients_.end()};
}

void Window::restore(const std::vector<std::int64_t>& times,
                     std::vector<std::uint64_t> recipients) {
  *this = Window();
  if (times.empty()) return;
  base_ = times.back();
  const auto near = std::find_if(times.begin(), times.end(), [this](auto time) {
    return static_cast<std::uint64_t>(base_) - static_cast<std::uint64_t>(time) <= kFarthest;
  });
  times_.reserve(static_cast<std::size_t>(times.end() - near));
  for (auto time = near; time != times.end(); ++time)
    times_.push_back(static_cast<std::int32_t>(*time - base_));
  note_ends();
  if (!recipients.empty())
    recipients.erase(recipients.begin(), recipients.begin() + (near - times.begin()));
  recipients_ = std::move(recipients);
}

}  // namespace agent
