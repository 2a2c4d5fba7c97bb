#include "agent/values/zone.h"

#include <cstdio>
#include <random>

#include "parsers/fields/prefix.h"
#include "tests/catch.h"

using agent::Instant;
using agent::StampClock;
using agent::Zone;

namespace {

parsers::Stamp stamp(const std::string& text) {
  const auto prefix = parsers::parse_prefix(text + " x");
  REQUIRE(prefix);
  return prefix->stamp;
}

Zone zone(const std::string& name) {
  const auto found = Zone::named(name);
  REQUIRE(found);
  return *found;
}

// What a wall clock shows: "2026-10-25 02:30:00".
std::string wall(const Zone& zone, std::int64_t second) {
  auto text = zone.text(Instant(std::chrono::seconds(second))).substr(0, 19);
  text[10] = ' ';
  return text;
}

std::int64_t seconds_of(Instant time) {
  return time.time_since_epoch().count();
}

}  // namespace

TEST_CASE("zones by name; what is none is refused") {
  CHECK(Zone::named("UTC"));
  CHECK(Zone::named("local"));
  CHECK(Zone::named("Europe/Berlin"));
  CHECK_FALSE(Zone::named("Europe/Nirgends"));
  CHECK_FALSE(Zone::named("../../etc/passwd"));
  CHECK(zone("Europe/Berlin").text(Instant(std::chrono::seconds(1795426955))) ==
        "2026-11-23T10:42:35+01:00");
  CHECK(Zone::utc().text(Instant(std::chrono::seconds(1795426955))) == "2026-11-23T09:42:35+00:00");
  CHECK(zone("Asia/Kathmandu").text(Instant(std::chrono::seconds(1795426955))) ==
        "2026-11-23T15:27:35+05:45");
  CHECK(zone("Europe/Berlin").offset_at(Instant(std::chrono::seconds(1780000000))) ==
        std::chrono::hours(2));
}

TEST_CASE("a whole day with its change of clocks comes out second by second") {
  struct Row {
    const char* zone;
    std::int64_t change;  // the instant at which clocks go back or forward
  };
  const Row rows[] = {
      {"Europe/Berlin", 1792890000},        // 2026-10-25 01:00 UTC, back
      {"America/New_York", 1793512800},     // 2026-11-01 06:00 UTC, back
      {"Australia/Lord_Howe", 1775314800},  // 2026-04-04 15:00 UTC, back by half an hour
      {"America/St_Johns", 1793507400},     // 2026-11-01 04:30 UTC, back
      {"Europe/Berlin", 1774746000},        // 2026-03-29 01:00 UTC, forward
      {"Australia/Lord_Howe", 1791041400},  // 2026-10-03 15:30 UTC, forward by half an hour
  };
  for (const auto& row : rows) {
    const auto where = zone(row.zone);
    INFO(row.zone << " " << row.change);
    REQUIRE(where.offset_at(Instant(std::chrono::seconds(row.change - 1))) !=
            where.offset_at(Instant(std::chrono::seconds(row.change))));
    for (const int step : {1, 47, 299}) {
      StampClock clock(where);
      std::int64_t wrong = 0;
      for (auto second = row.change - 3 * 3600; second < row.change + 3 * 3600; second += step) {
        if (seconds_of(clock.resolve(stamp(wall(where, second)))) != second) ++wrong;
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("lines a little out of order stay in their pass of the repeated hour") {
  const auto where = zone("Europe/Berlin");
  const std::int64_t change = 1792890000;
  std::mt19937 random(3);
  StampClock clock(where);
  for (auto second = change - 7200; second < change + 7200; second += 3) {
    // Just after the change a late line of the first pass still is the first pass's.
    const auto late = second - static_cast<std::int64_t>(random() % 5);
    const auto got = seconds_of(clock.resolve(stamp(wall(where, late))));
    if (got != late)
      FAIL(wall(where, late) << " came out as " << got - change << " s after the change");
  }
}

TEST_CASE("a stamp's own offset wins over the zone") {
  StampClock clock(zone("America/New_York"));
  CHECK(seconds_of(clock.resolve(stamp("2026-11-23 10:42:35 +0100"))) == 1795426955);
  CHECK(seconds_of(clock.resolve(stamp("2026-11-23 10:42:35.123 -0330"))) == 1795426955 + 16200);
  CHECK(seconds_of(clock.resolve(stamp("2026-10-25 02:30:00 +0200"))) == 1792888200);
  CHECK(seconds_of(clock.resolve(stamp("2026-10-25 02:30:00 +0100"))) == 1792891800);
}

TEST_CASE("a wall-clock time that spring skips keeps its place in the order") {
  StampClock clock(zone("Europe/Berlin"));
  const auto before = clock.resolve(stamp("2026-03-29 01:59:59"));
  const auto skipped = clock.resolve(stamp("2026-03-29 02:00:01"));
  CHECK(seconds_of(skipped) - seconds_of(before) == 2);
}

TEST_CASE("one stamp from the future does not settle what the next ones mean") {
  StampClock clock(zone("Europe/Berlin"));
  clock.resolve(stamp("2026-10-25 01:59:00"));
  clock.resolve(stamp("2026-10-25 23:00:00"));
  CHECK(seconds_of(clock.resolve(stamp("2026-10-25 02:00:30"))) == 1792886430);  // the first pass
}

TEST_CASE("a clock that is restored goes on in the same pass") {
  const auto where = zone("Europe/Berlin");
  StampClock first(where);
  first.resolve(stamp("2026-10-25 02:59:59"));
  first.resolve(stamp("2026-10-25 02:00:01"));
  StampClock second(where);
  second.restore(first.newest());
  CHECK(seconds_of(second.resolve(stamp("2026-10-25 02:00:02"))) == 1792890002);
}

TEST_CASE("repeats_between knows the repeated hours and no others") {
  StampClock clock(zone("Europe/Berlin"));
  const auto civil = [](const char* text) { return stamp(text).civil; };
  const auto repeats = [&](const char* from, const char* to) {
    return clock.repeats_between(civil(from), civil(to));
  };
  CHECK(repeats("2026-10-25 02:30:00", "2026-10-25 02:30:01"));
  CHECK(repeats("2026-10-24 00:00:00", "2026-10-26 00:00:00"));
  CHECK_FALSE(repeats("2026-10-26 00:00:00", "2026-10-27 00:00:00"));
  CHECK_FALSE(repeats("2026-03-29 00:00:00", "2026-03-29 06:00:00"));
  CHECK(repeats("2025-10-26 02:59:59", "2025-10-26 03:00:00"));
  StampClock utc(Zone::utc());
  CHECK_FALSE(utc.repeats_between(civil("2026-01-01 00:00:00"), civil("2026-12-31 00:00:00")));
}

TEST_CASE("a time for people says its offset only where the wall clock shows it twice") {
  const auto berlin = zone("Europe/Berlin");
  struct Row {
    std::int64_t second;
    const char* text;
  };
  for (const auto& [second, text] :
       {Row{1792886399, "2026-10-25 01:59:59"}, Row{1792886400, "2026-10-25 02:00:00+02:00"},
        Row{1792890000, "2026-10-25 02:00:00+01:00"}, Row{1792893600, "2026-10-25 03:00:00"}}) {
    CHECK(berlin.short_text(Instant(std::chrono::seconds(second))) == text);
  }
}
