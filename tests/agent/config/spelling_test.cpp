#include "agent/config/spelling.h"

#include "tests/catch.h"

TEST_CASE("the nearest word is offered only where it may be a slip") {
  const std::vector<std::string> words{"run", "events", "replay", "check", "timezone", "limit"};
  struct Row {
    const char* given;
    const char* hint;
  };
  const Row rows[] = {
      {"evnts", "events"},
      {"event", "events"},
      {"EVENTS", "events"},
      {"repaly", "replay"},
      {"chekc", "check"},
      {"timezon", "timezone"},
      {"time_zone", "timezone"},
      {"rnu", "run"},
      {"ru", "run"},
      {"limits", "limit"},
      {"wurst", ""},
      {"", ""},
      {"x", ""},
      {"status", ""},
      {"replaybutverylong", ""},
  };
  for (const auto& row : rows) {
    INFO(row.given);
    CHECK(agent::nearest(row.given, words) == row.hint);
  }
  CHECK(agent::nearest(std::string(100000, 'r'), words).empty());
  CHECK(agent::nearest("run", {}).empty());
}
