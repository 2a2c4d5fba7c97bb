
#include "agent/values/duration.h"

#include "agent/core/config.h"
#include "tests/catch.h"

using std::chrono::seconds;

TEST_CASE("durations are numbers with units") {
  struct Row {
    const char* text;
    std::optional<std::int64_t> value;
  };
  const Row rows[] = {
      {"0s", 0},
      {"1s", 1},
      {"90s", 90},
      {"1h30m", 5400},
      {"2d", 172800},
      {"1w", 604800},
      {"1w2d3h4m5s", 604800 + 172800 + 3 * 3600 + 4 * 60 + 5},
      {"30m1h", 5400},
      {"36525d", 36525LL * 86400},
      {"", {}},
      {"90", {}},
      {"h", {}},
      {"1h30", {}},
      {" 1h", {}},
      {"1h ", {}},
      {"1 h", {}},
      {"-1h", {}},
      {"+1h", {}},
      {"1.5h", {}},
      {"1H", {}},
      {"1y", {}},
      {"1ms", {}},
      {"36526d", {}},
      {"9999999999s", {}},
      {"99999999999s", {}},
      {"9999999999w9999999999w", {}},
  };
  for (const auto& row : rows) {
    INFO(row.text);
    const auto parsed = agent::parse_duration(row.text);
    REQUIRE(parsed.has_value() == row.value.has_value());
    if (parsed) CHECK(parsed->count() == *row.value);
  }
}

TEST_CASE("a duration's text reads back as the same duration") {
  CHECK(agent::duration_text(seconds(0)) == "0s");
  CHECK(agent::duration_text(seconds(5400)) == "1h30m");
  CHECK(agent::duration_text(seconds(604800)) == "7d");
  for (std::int64_t value = 0; value < 400 * 86400; value += value / 7 + 1) {
    CHECK(agent::parse_duration(agent::duration_text(seconds(value))) == seconds(value));
  }
}
