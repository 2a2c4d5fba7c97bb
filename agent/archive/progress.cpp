#include "agent/archive/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace agent {
namespace {

// Short work needs no bar.
constexpr std::chrono::milliseconds kDelay{500}, kPause{200};
constexpr int kBar = 24;

std::string size_text(double bytes) {
  constexpr std::array<const char*, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", bytes, bytes < 10 && unit > 0 ? 1 : 0, kUnits[unit]);
}

std::string time_text(double seconds) {
  if (seconds < 99) return fmt::format("{:.0f} s", seconds);
  if (seconds < 99.0 * 60) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.0f} h", seconds / 3600);
}

}  // namespace

std::string progress_line(std::uint64_t done, std::uint64_t total,
                          std::chrono::milliseconds passed) {
  const double seconds = std::max(0.001, static_cast<double>(passed.count()) / 1000);
  const double rate = static_cast<double>(done) / seconds;
  const auto speed = size_text(rate) + "/s";
  if (total == 0) return fmt::format("{} read   {}", size_text(static_cast<double>(done)), speed);
  const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const double left = rate > 0 ? static_cast<double>(total - std::min(done, total)) / rate : 0;
  const auto figures = fmt::format("{:3.0f} %  {} of {}  {}  {} left", share * 100,
                                   size_text(static_cast<double>(done)),
                                   size_text(static_cast<double>(total)), speed, time_text(left));
  // "[>] " and the figures in the 79 columns that no terminal wraps.
  const int bar = std::clamp(79 - 4 - static_cast<int>(figures.size()), 1, kBar);
  const int filled = static_cast<int>(share * bar);
  return fmt::format("[{:=<{}}{:<{}}] {}", "", filled, ">", bar - filled + 1, figures);
}

Progress::Progress(std::uint64_t total, bool shown)
    : total_(total), shown_(shown), begin_(Clock::now()), next_(begin_ + kDelay) {}

void Progress::at(std::uint64_t done) {
  if (!shown_) return;
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + kPause;
  visible_ = true;
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - begin_);
  fmt::print(stderr, "\r\x1b[K{}", progress_line(done, total_, passed));
  std::fflush(stderr);
}

void Progress::hide() {
  if (!visible_) return;
  visible_ = false;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
}

}  // namespace agent
