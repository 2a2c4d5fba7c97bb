#include "agent/output/relative_time.h"

#include "tests/catch.h"

using agent::Instant;
using std::chrono::seconds;

TEST_CASE("a length is said in its largest whole unit") {
  struct Row {
    std::int64_t seconds;
    const char* text;
  };
  for (const auto& [length, text] :
       {Row{0, "0 s"}, Row{59, "59 s"}, Row{60, "1 min"}, Row{3599, "59 min"}, Row{3600, "1 h"},
        Row{48 * 3600 - 1, "47 h"}, Row{48 * 3600, "2 d"}, Row{400 * 86400, "400 d"}}) {
    CAPTURE(length);
    CHECK(agent::rough_text(seconds(length)) == text);
  }
}

TEST_CASE("times are said from now on, both ways") {
  const Instant now{seconds(1'000'000)};
  CHECK(agent::ago_text(now - seconds(3 * 3600), now) == "3 h ago");
  CHECK(agent::ago_text(now, now) == "now");
  CHECK(agent::ago_text(now + seconds(90), now) == "in 1 min");
  CHECK(agent::left_text(now + seconds(22 * 3600), now) == "22 h left");
  CHECK(agent::left_text(now, now) == "over");
}
