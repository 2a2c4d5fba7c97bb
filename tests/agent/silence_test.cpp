#include "agent/silence.h"

#include <catch2/catch.hpp>

using namespace agent;
using namespace std::chrono_literals;

namespace {

// Days of a log: a line each minute from 8 to 20 h, each hour at night. Gives what was alarmed.
int live(Silence& silence, Instant& now, int hours, bool weekend = false) {
  int alarms = 0;
  for (int minute = 0; minute < hours * 60; ++minute) {
    now += 60s;
    const auto of_day = now.time_since_epoch() / 60s % (24 * 60);
    const bool day = of_day >= 8 * 60 && of_day < 20 * 60;
    if ((day && !weekend) || of_day % 60 == 0) silence.heard(now);
    if (silence.too_long(now)) ++alarms;
  }
  return alarms;
}

}  // namespace

TEST_CASE("usual silence is no news, unusual silence is told once") {
  Silence silence;
  Instant now(std::chrono::seconds(1795392000));  // midnight
  REQUIRE(now.time_since_epoch() % 24h == 0s);
  silence.begin(now);
  CHECK(live(silence, now, 24 * 5) == 0);
  CHECK(live(silence, now, 12) == 0);  // noon
  const auto last = now;
  std::optional<Instant> told;
  for (int minute = 0; minute < 600; ++minute) {
    now += 60s;
    if (silence.too_long(now)) {
      CHECK_FALSE(told);
      told = now;
    }
  }
  REQUIRE(told);
  CHECK(*told - last <= 15min);  // at noon a pause of a minute is usual
  CHECK(silence.state().alarmed);
  CHECK(silence.heard(now));
  CHECK_FALSE(silence.heard(now));
}

TEST_CASE("at night a silence may be as long as nights are quiet") {
  Silence silence;
  Instant now(std::chrono::seconds(1795392000));
  silence.begin(now);
  live(silence, now, 24 * 5 + 2);  // 2 in the morning
  const auto last = now;
  while (!silence.too_long(now) && now - last < 24h) now += 60s;
  CHECK(now - last > 3h);
  CHECK(now - last < 4h);
}

TEST_CASE("nothing is told before a day was seen, nor of the time that nobody listened") {
  Silence silence;
  Instant now(std::chrono::seconds(1795392000));
  for (int i = 0; i < 23 * 60; ++i) silence.heard(now += 60s);
  CHECK_FALSE(silence.too_long(now + 50min));
  for (int i = 0; i < 3 * 60; ++i) silence.heard(now += 60s);
  const auto saved = silence.state();
  Silence after;
  after.restore(saved);
  after.begin(now += 48h);
  CHECK_FALSE(after.too_long(now + 5min));
  after.heard(now += 60s);
  CHECK(after.usual(now).count() == 60);
  CHECK(after.too_long(now + 11min));
}

TEST_CASE("a holiday is learned, and forgotten again") {
  Silence silence;
  Instant now(std::chrono::seconds(1795392000));
  silence.begin(now);
  live(silence, now, 24 * 3);
  CHECK(live(silence, now, 24, true) == 0);  // no quieter than the night before it
  now += 12h;
  silence.heard(now);
  CHECK(silence.usual(now) >= 1h);
  live(silence, now, 24 * 40);
  CHECK(silence.usual(now) < 1h);
}
