// System calls of the program under test, counted, made to fail or cut short by death. The linker
// puts these in front of the C library's (see CMakeLists.txt). Counts are shared with children.
#pragma once

#include <cstdint>
#include <string>

namespace faults {

enum class Mode {
  none,
  kill_before,  // die instead of the call
  kill_torn,    // a write does half of its work, then die; else as kill_after
  kill_after,   // die after the call
  power_cut,    // as kill_before, and what was appended to files and not synced is gone
  fail,         // the call gives an error that fits it
};

struct Plan {
  Mode mode = Mode::none;
  std::uint64_t at = 0;  // the first call is 1. Kills count calls that change something, fail all
  std::uint64_t length = 1;  // calls in a row, for fail
};

inline constexpr int kDied = 99;  // exit status of a killed child

// From now on, in this process: calls are counted from 0.
void arm(const Plan& plan);
void disarm();
[[nodiscard]] std::uint64_t calls();    // all since arm()
[[nodiscard]] std::uint64_t changes();  // those that change something
// In the midst of calls that fail; and from now on they don't.
[[nodiscard]] bool failing();
void recover();
// A point of the test's own at which a child may die, e.g. while a mail is handed over.
void point();

}  // namespace faults
