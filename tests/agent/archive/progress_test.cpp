#include "agent/archive/progress.h"

#include "tests/catch.h"

using agent::progress_line;
using std::chrono::milliseconds;

TEST_CASE("a line of progress tells share, rate and time left, and fits a terminal") {
  constexpr std::uint64_t kGiB = 1U << 30;
  CHECK(progress_line(kGiB / 2, kGiB, milliseconds(1000)) ==
        "[============>            ]  50 %  512 MiB of 1.0 GiB  512 MiB/s  1 s left");
  CHECK(progress_line(kGiB, kGiB, milliseconds(2000)) ==
        "[========================>] 100 %  1.0 GiB of 1.0 GiB  512 MiB/s  0 s left");
  CHECK(progress_line(3 * kGiB, 0, milliseconds(3000)) == "3.0 GiB read   1.0 GiB/s");
  for (const std::uint64_t done : {std::uint64_t{0}, std::uint64_t{1}, kGiB, 900 * kGiB}) {
    for (const int passed : {0, 1, 1000, 1'000'000'000}) {
      CHECK(progress_line(done, 1000 * kGiB, milliseconds(passed)).size() <= 79);
    }
  }
}
