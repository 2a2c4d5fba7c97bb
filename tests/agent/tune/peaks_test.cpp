#include "agent/tune/peaks.h"

#include <map>
#include <random>
#include <set>

#include "agent/config/config_file.h"
#include "agent/core/config.h"
#include "agent/core/counting.h"
#include "agent/tune/advice.h"
#include "tests/catch.h"

using namespace agent;

namespace {

struct Made {
  Instant time;
  std::string identity, recipient;
};

// Bursts, pauses, late events, spellings that differ, recipients that come back.
std::vector<Made> made_events(unsigned seed, std::size_t size) {
  std::mt19937 random(seed);
  std::vector<Made> events;
  std::int64_t now = 1'700'000'000;
  for (std::size_t i = 0; i < size; ++i) {
    if (random() % 50 == 0) now += static_cast<std::int64_t>(random() % 900);
    if (random() % 3 == 0) ++now;
    const bool late = random() % 10 == 0;
    const auto at = now - (late ? static_cast<std::int64_t>(random() % 700) : 0);
    std::string identity = "user" + std::to_string(random() % 5);
    if (random() % 4 == 0) identity[0] = 'U';
    events.push_back({Instant(std::chrono::seconds(at)), identity,
                      "r" + std::to_string(random() % 40) + "@example.com"});
  }
  return events;
}

Occurrence occurrence(const Made& made) {
  Occurrence event;
  event.time = made.time;
  event.identity = made.identity;
  event.recipient = made.recipient;
  return event;
}

Config config_with(CountBy count, std::uint32_t limit, std::chrono::seconds period) {
  auto config = default_config();
  config.rules.resize(1);
  config.rules[0].count = count;
  config.rules[0].limit = limit;
  config.rules[0].period = period;
  return config;
}

}  // namespace

TEST_CASE("peaks answer as one Counting for each limit and period") {
  const auto count = GENERATE(CountBy::attempts, CountBy::recipients);
  const auto seed = GENERATE(range(1U, 13U));
  Grid grid;
  for (const int limit : {1, 2, 3, 5, 8, 13, 21, 30, 39, 60}) {
    grid.limits.push_back(static_cast<std::uint32_t>(limit));
  }
  for (const int period : {1, 7, 60, 300, 600, 3600}) grid.periods.emplace_back(period);

  const auto events = made_events(seed, 1500);
  Peaks peaks(config_with(count, 1, std::chrono::hours(1)).rules[0], 128, grid, false);
  for (const auto& made : events) peaks.add(occurrence(made));

  for (std::size_t p = 0; p < grid.periods.size(); ++p) {
    for (std::size_t l = 0; l < grid.limits.size(); ++l) {
      Counting counting(config_with(count, grid.limits[l], grid.periods[p]));
      std::vector<std::string> decided;
      std::map<std::string, Instant> when;
      for (const auto& made : events) {
        counting.add(occurrence(made), [&](Decision&& decision) {
          decided.push_back(decision.identity);
          when[decision.identity] = decision.time;
        });
      }
      std::sort(decided.begin(), decided.end());
      INFO("seed " << seed << ", limit " << grid.limits[l] << ", period "
                   << grid.periods[p].count());
      REQUIRE(peaks.blocked(l, p) == decided);
      for (const auto& [key, subject] : peaks.subjects()) {
        if (l >= subject.hits[p].size()) continue;
        const auto& hit = subject.hits[p][l];
        REQUIRE(when.at(subject.names[hit.spelling]) == hit.time);
      }
    }
  }
}

TEST_CASE("a sender with a limit of its own is judged by that, and moves no suggestion") {
  Grid grid;
  grid.limits = {2, 5, 20};
  grid.periods = {std::chrono::hours(1)};
  auto rule = config_with(CountBy::attempts, 5, std::chrono::hours(1)).rules[0];
  rule.overrides.push_back({{"big"}, {}, {}, 10});
  Peaks peaks(rule, 128, grid, false);
  for (int i = 0; i < 12; ++i) {
    for (const char* who : {"big", "bob"}) {
      if (who == std::string("bob") && i >= 6) continue;
      Occurrence event;
      event.time = Instant(std::chrono::seconds(i));
      event.identity = who;
      peaks.add(event);
    }
  }
  using Names = std::vector<std::string>;
  CHECK(peaks.blocked(0, 0) == Names{"big", "bob"});
  CHECK(peaks.blocked(1, 0) == Names{"big", "bob"});
  CHECK(peaks.blocked(2, 0) == Names{"big"});
  CHECK(peaks.subjects().at("big").hits[0][2].event == 10);
}

TEST_CASE("a long storm is counted right though little of it is kept") {
  Peaks peaks(config_with(CountBy::attempts, 1, std::chrono::hours(1)).rules[0], 128,
              {{100, 2000}, {std::chrono::seconds(60), std::chrono::hours(1)}}, false);
  for (int i = 0; i < 100'000; ++i) {
    peaks.add(occurrence({Instant(std::chrono::seconds(1'700'000'000 + i / 2)), "eve", "x@y"}));
  }
  const auto& eve = peaks.subjects().at("eve");
  CHECK(eve.events == 100'000);
  CHECK(eve.peaks == std::vector<std::uint32_t>{120, 2000});
  CHECK(eve.hits[0].size() == 1);
  CHECK(eve.hits[1].size() == 2);
  CHECK(eve.hits[1][1].event == 2000);
}

TEST_CASE("advice lies in the gap between honest and spammers") {
  Peaks peaks(config_with(CountBy::attempts, 1, std::chrono::hours(1)).rules[0], 128,
              {{2, 5, 10, 20, 50, 100}, {std::chrono::hours(1)}}, true);
  const auto send = [&](const std::string& who, int count) {
    for (int i = 0; i < count; ++i) {
      peaks.add(occurrence({Instant(std::chrono::seconds(1'700'000'000 + i)), who, "x@y"}));
    }
  };
  for (int i = 0; i < 20; ++i) send("honest" + std::to_string(i), 1 + i % 4);
  send("slow", 90);
  send("fast", 3000);

  auto advice = advise(peaks, {}, {50, 100});
  REQUIRE(advice);
  CHECK(advice->limit == 50);
  CHECK(advice->below == 4);
  CHECK(advice->above == 90);
  CHECK(advice->blocked == 2);
  REQUIRE(advice->ratelimit);
  CHECK(*advice->ratelimit > 4);
  CHECK(*advice->ratelimit <= 90);

  Labels labels;
  labels.spammers = {"fast"};
  labels.honest = {"slow"};
  advice = advise(peaks, labels, {50, 100});
  REQUIRE(advice);
  CHECK(advice->limit == 100);
  CHECK(advice->false_alarms == 0);

  labels.spammers = {"slow"};
  labels.honest = {"fast"};
  advice = advise(peaks, labels, {50, 100});
  REQUIRE(advice);
  CHECK(advice->exempt == std::vector<std::string>{"fast"});
  CHECK(advice->limit == 50);
  CHECK(advice->blocked == 1);
  CHECK(exempt_snippet(peaks.rule(), *advice) == "[exempt]\nusers = [\"fast\"]\n");
}

TEST_CASE("no advice blocks nobody, or has labelled senders on the wrong side") {
  struct Row {
    const char* what;
    std::vector<std::pair<std::string, int>> sent;
    std::vector<std::string> spammers, honest;
    std::uint32_t limit;  // 0: no advice
    std::vector<std::string> exempt;
  };
  const std::vector<std::pair<std::string, int>> three{{"ann", 40}, {"bob", 60}, {"news", 300}};
  const Row rows[] = {
      {"two of one kind", {{"one", 151}, {"two", 269}}, {}, {}, 0, {}},
      {"all alike", {{"a", 10}, {"b", 11}, {"c", 12}}, {}, {}, 0, {}},
      {"one alone", {{"a", 10}}, {}, {}, 0, {}},
      {"nobody above the honest", three, {}, {"news"}, 0, {}},
      {"honest ones only: the widest gap above them",
       {{"ann", 40}, {"bob", 60}, {"eve", 62}, {"mallory", 300}},
       {},
       {"bob"},
       100,
       {}},
      // Who has no label is left alone where that is possible.
      {"a spammer below an honest one", three, {"bob"}, {"news"}, 50, {"news"}},
      {"spammers only: others are honest", three, {"bob"}, {}, 50, {"news"}},
      {"hardly less than a spammer", {{"ann", 55}, {"bob", 60}}, {"bob"}, {"ann"}, 5, {"ann"}},
      {"what separates needs no exemption", three, {"news"}, {"bob"}, 100, {}},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    Peaks peaks(config_with(CountBy::attempts, 1, std::chrono::hours(1)).rules[0], 128,
                {{5, 50, 100, 200, 400}, {std::chrono::hours(1)}}, false);
    for (const auto& [who, count] : row.sent) {
      for (int i = 0; i < count; ++i)
        peaks.add(occurrence({Instant(std::chrono::seconds(1'700'000'000 + i)), who, "x@y"}));
    }
    Labels labels;
    labels.spammers.insert(row.spammers.begin(), row.spammers.end());
    labels.honest.insert(row.honest.begin(), row.honest.end());
    const auto advice = advise(peaks, labels, {});
    CHECK((advice ? advice->limit : 0) == row.limit);
    if (!advice) continue;
    CHECK(advice->blocked > 0);
    CHECK(advice->missed + advice->false_alarms == 0);
    CHECK(advice->exempt == row.exempt);
  }
}

TEST_CASE("of the periods longer than the logs the rule's own stands for all") {
  using std::chrono::seconds;
  const auto advised = [](seconds own, seconds span) {
    Peaks peaks(config_with(CountBy::attempts, 1, own).rules[0], 128,
                {{50}, {seconds(10), seconds(600), seconds(3600), seconds(86400)}}, false);
    for (int i = 0; i < 100; ++i) {
      peaks.add(occurrence({Instant(seconds(1'700'000'000 + i / 4)), "eve", "x@y"}));
      if (i < 2) peaks.add(occurrence({Instant(seconds(1'700'000'000 + i)), "ann", "x@y"}));
    }
    const auto advice = advise(peaks, {}, {}, span);
    REQUIRE(advice);
    return peaks.grid().periods[advice->period];
  };
  CHECK(advised(seconds(3600), seconds(25)) == seconds(3600));
  CHECK(advised(seconds(86400), seconds(25)) == seconds(86400));
  CHECK(advised(seconds(7200), seconds(25)) == seconds(600));     // not among those asked for
  CHECK(advised(seconds(10), seconds(25)) == seconds(600));       // not longer than the logs
  CHECK(advised(seconds(86400), seconds(7200)) == seconds(600));  // of those that can be told apart
}

TEST_CASE("the snippet of an advice is a configuration") {
  Advice advice;
  advice.limit = 42;
  Rule rule = default_config().rules[0];
  rule.name = "od\"d \\ name";
  const auto snippet = rule_snippet(rule, advice, std::chrono::minutes(90), "/var/lib/exiwarden");
  CHECK(snippet ==
        "[[rule]]\nname = \"od\\\"d \\\\ name\"\nidentity = \"user\"\nlimit = 42\n"
        "period = \"1h30m\"\n");
  const auto parsed = parse_config(snippet, "snippet");
  REQUIRE(parsed);
  REQUIRE(parsed->rules.size() == 1);
  CHECK(parsed->rules[0].limit == 42);
  CHECK(parsed->rules[0].period == std::chrono::minutes(90));
  CHECK(parsed->rules[0].name == rule.name);

  // What differs from the built-in values is shown.
  rule.count = CountBy::recipients;
  rule.block_for = {std::chrono::hours(1)};
  rule.overrides.push_back({{"big"}, {}, {}, 300});
  CHECK(
      rule_snippet(rule, advice, std::chrono::hours(1), "/elsewhere")
          .ends_with("limit = 42\nperiod = \"1h\"\ncount = \"recipients\"\n"
                     "list = \"/var/lib/exiwarden/exim/blocked_authenticated_users\"\n"
                     "block_for = [\"1h\"]\n[[rule.override]]\nusers = [\"big\"]\nlimit = 300\n"));
}
