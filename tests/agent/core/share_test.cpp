// min_share, against a plain recount.
#include <random>

#include "agent/config/config_file.h"
#include "agent/core/counting.h"
#include "agent/core/pipeline.h"
#include "tests/agent/core/restart.h"
#include "tests/catch.h"

namespace agent {
namespace {

using std::chrono::seconds;

Instant at(std::int64_t second) {
  return Instant(seconds(second));
}

struct Event {
  std::int64_t time = 0;
  bool accepted = false;
  std::uint32_t recipients = 0;
};

std::vector<std::int64_t> decide(Counting& counting, const Event& event) {
  Occurrence made;
  made.time = at(event.time);
  made.identity = "bob";
  made.host = "192.0.2.1";
  made.recipient = "dead@x.test";
  made.signal = event.accepted ? Signal::accepted : Signal::rejected_rcpt;
  made.recipients = event.recipients;
  std::vector<std::int64_t> times;
  counting.add(made, [&](Decision&& decision) {
    times.push_back(decision.time.time_since_epoch().count());
  });
  return times;
}

TEST_CASE("a share of what was accepted is held to as a plain recount holds it") {
  std::size_t decided = 0, spared = 0;
  for (unsigned seed = 0; seed < 1000; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](int low, int high) {
      return std::uniform_int_distribution<int>(low, high)(random);
    };
    Rule rule;
    rule.name = "r";
    rule.list = "/r";
    rule.limit = static_cast<std::uint32_t>(pick(1, 6));
    rule.period = seconds(pick(1, 60));
    rule.min_share = static_cast<std::uint32_t>(pick(1, 99));
    Config config = default_config();
    config.rules = {rule};
    Counting counting(config);
    std::vector<Event> story;
    bool blocked = false;
    std::int64_t now = 1'000'000;
    for (int i = 0; i < 80; ++i) {
      INFO("seed " << seed << " event " << i);
      now += pick(0, 6);
      if (pick(0, 30) == 0) now += 4000;
      if (pick(0, 9) == 0) counting.expire(at(now));
      if (pick(0, 9) == 0) {
        counting = restarted(counting, config);
      }
      if (blocked && pick(0, 5) == 0) {
        counting.set_freed(0, "bob", std::nullopt);
        story.clear();
        blocked = false;
      }
      const Event event{now - pick(0, 8), pick(0, 1) == 0, static_cast<std::uint32_t>(pick(0, 3))};
      bool expected = false;
      if (!blocked) {
        story.push_back(event);
        std::int64_t newest = event.time, newest_refused = -1;
        for (const auto& one : story) {
          newest = std::max(newest, one.time);
          if (!one.accepted) newest_refused = std::max(newest_refused, one.time);
        }
        std::uint64_t in_window = 0, events = 0, accepted = 0;
        for (const auto& one : story) {
          if (!one.accepted && one.time > newest_refused - rule.period.count()) ++in_window;
          if (one.time <= newest - rule.period.count()) continue;
          if (one.accepted) {
            accepted += std::max<std::uint32_t>(one.recipients, 1);
          } else {
            ++events;
          }
        }
        const bool full = !event.accepted && in_window >= rule.limit;
        expected = full && events * 100 >= rule.min_share * (events + accepted);
        if (full && !expected) ++spared;
      }
      const auto got = decide(counting, event);
      REQUIRE(got.size() == (expected ? 1 : 0));
      if (expected) {
        blocked = true;
        ++decided;
      }
    }
  }
  CHECK(decided > 1000);
  CHECK(spared > 1000);
}

TEST_CASE("min_share is kept to what it can hold") {
  struct Row {
    std::string keys;
    const char* problem;  // null: none
  };
  const Row rows[] = {
      {"min_share = \"20%\"", nullptr},
      {"min_share = \"20%\"\nperiod = \"1d\"", nullptr},
      {"min_share = \"20%\"\nperiod = \"25h\"", "rule[1].min_share"},
      {"min_share = \"120%\"", "rule[1].min_share"},
      {"min_share = \"20%\"\nsignals = [\"accepted\"]", "rule[1].min_share"},
  };
  for (const auto& row : rows) {
    INFO(row.keys);
    const auto config =
        parse_config("[[rule]]\nname = \"r\"\nidentity = \"user\"\n" + row.keys, "t");
    CHECK(static_cast<bool>(config) == (row.problem == nullptr));
    if (row.problem != nullptr && !config) CHECK(config.error().front().key == row.problem);
  }
}

TEST_CASE("arrivals are read for a rule that is held to a share of them") {
  const auto config = parse_config(
      "[[rule]]\nname = \"r\"\nidentity = \"user\"\nlimit = 2\nmin_share = \"50%\"\n", "t");
  REQUIRE(config);
  const auto decisions = [&](const std::string& before) {
    PipelineOptions options;
    options.reasons = parsers::Reasons::defaults();
    Pipeline pipeline(config.value(), std::move(options));
    std::size_t made = 0;
    pipeline.on_decision([&](Decision&&) { ++made; });
    const auto log = pipeline.add_log("log");
    const std::string refused =
        "2026-11-23 11:04:13 H=(h) [203.0.113.7] F=<a@x.test> A=plain:bob rejected RCPT "
        "<u@y.test>: "
        "Unrouteable address\n";
    const auto text = before + refused + refused;
    pipeline.feed(log, text);
    return made;
  };
  const std::string arrival =
      "2026-11-23 11:04:13 1xVRqH-0001Nb-2t <= a@x.test H=(h) [203.0.113.7] P=esmtpa A=plain:bob ";
  CHECK(decisions("") == 1);
  CHECK(decisions(arrival + "S=1\n") == 1);
  CHECK(decisions(arrival + "S=1 for a@y.test b@y.test\n") == 1);
  CHECK(decisions(arrival + "S=1 for a@y.test b@y.test c@y.test\n") == 0);
}

}  // namespace
}  // namespace agent
