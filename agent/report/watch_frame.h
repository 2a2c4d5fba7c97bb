// The screen of `status --watch`: so many lines of so many columns. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/output/terminal.h"
#include "agent/report/fullest_windows.h"
#include "agent/values/zone.h"

namespace agent {

struct WatchedLog {
  std::string path;
  bool exists = false, rotated = false;  // rotated: since the last save
  std::uint64_t lag = 0;                 // bytes, as of the last save
};

struct WatchedBlock {
  std::string identity, why, rule;
  Instant since{};
  std::optional<Instant> until;
};

// All texts are raw bytes: the frame makes them printable.
struct WatchView {
  std::string host;
  Instant now{};
  std::optional<bool> running;
  std::optional<Instant> saved, newest;
  std::uint64_t identities = 0;
  std::vector<WatchedLog> logs;
  std::uint64_t blocked = 0, today = 0;
  std::uint64_t notices = 0, pending = 0;
  std::optional<std::uint64_t> queue;  // messages in Exim's queue
  std::vector<std::string> faults;
  std::vector<FullWindow> windows;   // the fullest first
  std::vector<WatchedBlock> blocks;  // the newest first
};

struct ScreenSize {
  std::size_t columns = 80, rows = 24;
};

// Returns at most `size.rows` lines, none wider than the screen. Where there is no room for all,
// windows and blocks share what is left; what is not shown is counted.
[[nodiscard]] std::vector<std::string> watch_frame(const WatchView& view, const Zone& zone,
                                                   ScreenSize size, const Terminal& terminal);

}  // namespace agent
