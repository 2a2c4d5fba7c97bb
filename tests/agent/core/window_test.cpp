#include "agent/core/window.h"

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <vector>

#include "tests/catch.h"

namespace agent {
namespace {

// The definition, spelled out: all events ever, and a count of those younger than the newest by
// less than a period.
class NaiveWindow {
 public:
  std::uint32_t add(std::int64_t at, std::uint64_t recipient, std::int64_t period) {
    events_.emplace_back(at, recipient);
    std::int64_t newest = events_[0].first;
    for (const auto& event : events_) newest = std::max(newest, event.first);
    std::map<std::uint64_t, int> distinct;
    std::uint32_t count = 0;
    for (const auto& [time, who] : events_) {
      if (time > newest - period && (who == 0 || ++distinct[who] == 1)) ++count;
    }
    return count;
  }

 private:
  std::vector<std::pair<std::int64_t, std::uint64_t>> events_;
};

constexpr std::int64_t kLeap = 3'000'000'000;
constexpr std::array<std::int64_t, 4> kNearEdges{0, (std::int64_t{1} << 31) - 100,
                                                 (std::int64_t{1} << 32) - 100, 253'402'300'000};

TEST_CASE("the window agrees with its definition on random events, late ones among them") {
  std::mt19937 random(20261125);
  for (int round = 0; round < 600; ++round) {
    const auto limit = std::uniform_int_distribution<std::uint32_t>(1, 12)(random);
    const auto period = std::uniform_int_distribution<std::int64_t>(1, 40)(random);
    const bool recipients = round % 2 == 1;
    const int disorder = round % 3 == 0 ? 0 : round % 30;
    Window window;
    NaiveWindow naive;
    // Clocks that are wrong by decades, and the years 1970, 2038 and 9999.
    const bool wild = round % 4 == 0;
    std::int64_t now = wild ? kNearEdges[std::size_t(round / 4) % kNearEdges.size()] : 1'000'000;
    for (int i = 0; i < 120; ++i) {
      now += std::uniform_int_distribution<int>(0, 6)(random);
      const bool leap = wild && std::uniform_int_distribution<int>(0, 15)(random) == 0;
      if (leap && i % 2 == 0) now += kLeap;
      const auto at =
          now -
          (leap && i % 2 == 1 ? kLeap : std::uniform_int_distribution<int>(0, disorder)(random));
      const std::uint64_t who =
          recipients ? std::uniform_int_distribution<std::uint64_t>(1, 9)(random) : 0;
      const auto expected = std::min(limit, naive.add(at, who, period));
      const auto got =
          window.add(Instant(std::chrono::seconds(at)), who, limit, std::chrono::seconds(period));
      INFO("round " << round << " event " << i << " limit " << limit << " period " << period);
      REQUIRE(got == expected);
      if (const auto times = window.times(); !times.empty()) {
        REQUIRE(window.oldest() == Instant(std::chrono::seconds(times.front())));
        REQUIRE(window.newest() == Instant(std::chrono::seconds(times.back())));
      }
      if (got == limit) window.clear(), naive = NaiveWindow();  // a decision ends the story
      Window again;                                             // after a restart
      again.restore(window.times(), window.recipients());
      REQUIRE(again.times() == window.times());
      if (i % 5 == 0) window = std::move(again);
    }
  }
}

TEST_CASE("a saved window that spans centuries keeps what may still count") {
  Window window;
  window.restore({-9'000'000'000, 5, 4'000'000'000, 4'000'000'100}, {1, 2, 3, 4});
  CHECK(window.times() == std::vector<std::int64_t>{4'000'000'000, 4'000'000'100});
  CHECK(window.recipients() == std::vector<std::uint64_t>{3, 4});
  CHECK(window.count_of(Instant(std::chrono::seconds(4'000'000'000))) == 1);
}

}  // namespace
}  // namespace agent
