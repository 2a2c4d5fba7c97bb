// The progress of long work, in one line of a terminal that is overwritten each time: share, bytes
// (packed ones), rate and time left. Anywhere else it shows nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace agent {

class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  // `total`: 0 if it is not known. `shown`: true if stderr is a terminal and nothing else writes to
  // it meanwhile.
  Progress(std::uint64_t total, bool shown);
  ~Progress() { hide(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void at(std::uint64_t done);
  // Clears the line, for other text.
  void hide();

 private:
  std::uint64_t total_;
  bool shown_;
  bool visible_ = false;
  Clock::time_point begin_, next_;
};

// Returns "[=======>            ]  37 %   1.2 of 3.2 GiB   310 MiB/s   7 s left"; at most 78
// columns.
[[nodiscard]] std::string progress_line(std::uint64_t done, std::uint64_t total,
                                        std::chrono::milliseconds passed);

}  // namespace agent
