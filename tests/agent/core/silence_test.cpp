#include "agent/core/silence.h"

#include <algorithm>

#include "tests/catch.h"

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

TEST_CASE("of several logs the one that is silent is named, whatever the others say") {
  struct Row {
    const char* what;
    std::vector<int> every;     // minutes between lines of each log
    std::vector<bool> goes_on;  // after the third day
    std::vector<std::string> named;
  };
  const Row rows[] = {
      {"all go on", {1, 1}, {true, true}, {}},
      {"one of two", {1, 1}, {false, true}, {"/log/0"}},
      {"the other", {1, 1}, {true, false}, {"/log/1"}},
      {"a quiet one beside a busy one", {1, 45}, {true, false}, {"/log/1"}},
      {"the busy one", {1, 45}, {false, true}, {"/log/0"}},
      {"both", {1, 1}, {false, false}, {"/log/0", "/log/1"}},
      {"one of three, which was never heard", {1, 1, 1 << 30}, {true, false, false}, {"/log/1"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    Silences silences;
    Instant now(std::chrono::seconds(1795392000));
    std::vector<Silences::Log> logs;
    for (std::size_t i = 0; i < row.every.size(); ++i)
      logs.push_back({"/log/" + std::to_string(i), 0});
    std::vector<std::string> named, again;
    const auto days = [&](int count, bool all) {
      for (int minute = 1; minute <= count * 24 * 60; ++minute) {
        now += 60s;
        for (std::size_t i = 0; i < logs.size(); ++i)
          if ((all || row.goes_on[i]) && minute % row.every[i] == 0) logs[i].bytes += 100;
        for (const auto& news : silences.look(logs, now)) {
          CHECK(news.since < now);
          (news.silent ? named : again).push_back(news.path);
        }
      }
    };
    days(3, true);
    REQUIRE(named.empty());
    days(1, false);
    std::sort(named.begin(), named.end());
    CHECK(named == row.named);
    CHECK(again.empty());
    const auto saved = silences.state();
    for (const auto& [path, state] : saved)
      CHECK(state.alarmed == (std::find(named.begin(), named.end(), path) != named.end()));
    days(1, true);
    std::sort(again.begin(), again.end());
    CHECK(again == row.named);
  }
}

TEST_CASE("habits of logs outlast a restart, each with its log") {
  Silences silences;
  Instant now(std::chrono::seconds(1795392000));
  std::vector<Silences::Log> logs{{"/a", 0}, {"/b", 0}};
  for (int minute = 1; minute <= 3 * 24 * 60; ++minute) {
    logs[0].bytes += 1;
    if (minute % 60 == 0) logs[1].bytes += 1;
    REQUIRE(silences.look(logs, now += 60s).empty());
  }
  Silences after;
  after.restore(silences.state(), {"/a", "/b"});
  after.begin(now += 5h);  // nobody listened
  logs = {{"/a", 0}, {"/b", 0}};
  std::vector<std::string> named;
  for (int minute = 1; minute <= 60; ++minute)
    for (const auto& news : after.look(logs, now += 60s)) named.push_back(news.path);
  CHECK(named == std::vector<std::string>{"/a"});
  // What is not in the configuration any more is forgotten, what is new begins.
  logs = {{"/c", 0}, {"/b", 0}};
  CHECK(after.look(logs, now).empty());
  CHECK(after.state().size() == 2);
  CHECK(after.state().count("/a") == 0);
  // A checkpoint of one habit for all: good for one log, no use to several.
  Silences::State old{{"", silences.state().at("/a")}};
  Silences one, two;
  one.restore(old, {"/a"});
  CHECK(one.state().count("/a") == 1);
  two.restore(old, {"/a", "/b"});
  CHECK(two.state().empty());
}
