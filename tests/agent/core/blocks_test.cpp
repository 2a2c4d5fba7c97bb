// Blocks that end by themselves, and watch levels.
#include <algorithm>
#include <random>

#include "agent/config/config_file.h"
#include "agent/core/counting.h"
#include "agent/core/list_lines.h"
#include "agent/lists/list_keeper.h"
#include "agent/state/checkpoint.h"
#include "tests/catch.h"

using namespace agent;
using std::chrono::seconds;

namespace {

Instant at(std::int64_t second) {
  return Instant(seconds(second));
}

Config config_with(std::vector<std::int64_t> block_for, std::int64_t repeat_within = 1000,
                   std::uint32_t watch = 0) {
  Config config = default_config();
  Rule rule;
  rule.name = "u";
  rule.list = "/l";
  rule.limit = 3;
  rule.period = seconds(10);
  for (const auto length : block_for) rule.block_for.emplace_back(length);
  rule.repeat_within = seconds(repeat_within);
  rule.watch = watch;
  config.rules = {rule};
  return config;
}

// second of the decision, of its end (-1: none), its number in a row
using Verdict = std::tuple<std::int64_t, std::int64_t, std::uint32_t>;

struct Run {
  explicit Run(const Config& config) : counting(config) {}
  void event(std::int64_t second, const std::string& who = "bob") {
    Occurrence event;
    event.time = at(second);
    event.identity = who;
    counting.add(
        event,
        [&](Decision&& decision) {
          const auto until = decision.until ? decision.until->time_since_epoch().count() : -1;
          decided.emplace_back(decision.time.time_since_epoch().count(), until, decision.times);
        },
        [&](Decision&& decision) {
          watched.emplace_back(decision.time.time_since_epoch().count(), decision.count);
        });
  }
  // Three at once.
  void cross(std::int64_t second) {
    for (int i = 0; i < 3; ++i) event(second);
  }
  void clock(std::int64_t second) {
    for (const auto& block : counting.due(at(second))) counting.end(block);
  }
  Counting counting;
  std::vector<Verdict> decided;
  std::vector<std::pair<std::int64_t, std::uint32_t>> watched;
};

// The contract, naively.
struct Naive {
  std::vector<std::int64_t> lengths;
  std::int64_t repeat_within;
  std::vector<std::int64_t> window{};
  std::optional<std::int64_t> until{};
  bool blocked = false;
  std::int64_t ended = -1'000'000;
  std::uint32_t times = 0;
  std::vector<Verdict> decided{};

  void event(std::int64_t t) {
    if (blocked && until && t >= *until) {
      blocked = false;
      ended = *until;
      window.clear();
    }
    if (blocked || t < ended) return;
    window.push_back(t);
    const auto newest = *std::max_element(window.begin(), window.end());
    const auto inside = std::count_if(window.begin(), window.end(),
                                      [&](std::int64_t time) { return time > newest - 10; });
    if (inside < 3) return;
    if (times > 0 && t > ended + repeat_within) times = 0;
    const auto length = lengths[std::min<std::size_t>(times, lengths.size() - 1)];
    ++times;
    blocked = true;
    until = length == 0 ? std::nullopt : std::optional(t + length);
    decided.emplace_back(t, until.value_or(-1), times);
  }
};

}  // namespace

TEST_CASE("blocks grow with each repetition, and the row ends with a long calm") {
  Run run(config_with({10, 100, 0}));
  run.cross(1000);
  CHECK(run.counting.next_end() == at(1010));
  run.cross(1009);  // blocked still
  run.cross(1010);
  CHECK(run.counting.take_ended().size() == 1);
  run.event(1109);
  run.cross(1110);
  run.cross(1000000);
  CHECK(run.decided == std::vector<Verdict>{{1000, 1010, 1}, {1010, 1110, 2}, {1110, -1, 3}});
  run.counting.set_freed(0, "bob", std::nullopt);
  run.cross(1000001);  // by hand: the first again
  run.cross(1000001 + 10 + 1001);
  run.cross(1001012 + 10 + 1000);
  CHECK(run.decided[3] == Verdict{1000001, 1000011, 1});
  CHECK(run.decided[4] == Verdict{1001012, 1001022, 1});  // more than repeat_within later
  CHECK(run.decided[5] == Verdict{1002022, 1002122, 2});
}

TEST_CASE("the window after a block is a fresh one, and late lines of the block stay its own") {
  Run run(config_with({10}));
  run.cross(1000);
  run.event(1010);
  run.event(1009);  // late
  run.event(1008);
  run.event(1010);
  CHECK(run.decided.size() == 1);
  run.event(1011);
  CHECK(run.decided.size() == 2);
}

TEST_CASE("whether log or clock ends a block makes no difference, counted naively") {
  std::size_t decisions = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const auto pick = [&](int low, int high) {
      return std::uniform_int_distribution<int>(low, high)(random);
    };
    std::vector<std::int64_t> lengths;
    for (int i = pick(1, 3); i > 0; --i) lengths.push_back(pick(1, 40));
    if (pick(0, 3) == 0) lengths.push_back(0);
    const auto repeat = pick(1, 60);
    const auto config = config_with(lengths, repeat);
    Run by_log(config), by_clock(config);
    Naive naive{lengths, repeat};
    std::int64_t now = 1000;
    const auto ahead = pick(0, 1) == 0 ? 0 : 100000;  // the clock, while an old log is read
    for (int i = 0; i < 120; ++i) {
      now += pick(0, 4);
      if (pick(0, 20) == 0) now += pick(1, 80);
      const auto time = now - pick(0, 3);
      naive.event(time);
      by_log.event(time);
      by_clock.event(time);
      if (pick(0, 2) == 0) by_clock.clock(now + ahead);
      if (pick(0, 5) == 0) by_log.counting.expire(at(now));
      if (pick(0, 9) == 0) {
        // Saved and restored.
        Checkpoint state;
        state.subjects = by_clock.counting.subjects();
        state.layout = by_clock.counting.layout();
        auto back = decode_checkpoint(encode_checkpoint(state));
        REQUIRE(back);
        Counting counting(config);
        counting.restore(back->subjects, state.layout, at(now));
        by_clock.counting = std::move(counting);
      }
      REQUIRE(by_log.decided == naive.decided);
      REQUIRE(by_clock.decided == naive.decided);
    }
    decisions += naive.decided.size();
  }
  CHECK(decisions > 1000);
}

TEST_CASE("what a list says of an end has the last word") {
  Run run(config_with({10}));
  run.cross(1000);
  run.counting.set_end(0, "BOB", at(1100));
  run.cross(1099);
  CHECK(run.decided.size() == 1);
  run.clock(1100);
  CHECK_FALSE(run.counting.is_blocked(0, "bob"));
  run.cross(1100);
  CHECK(run.decided.size() == 2);
  run.counting.set_end(0, "bob", std::nullopt);
  CHECK_FALSE(run.counting.next_end());
  run.cross(1000000);
  CHECK(run.decided.size() == 2);
  // Somebody blocked by hand, for a time.
  run.counting.set_blocked(0, "eve");
  run.counting.set_end(0, "eve", at(2000));
  CHECK(run.counting.due(at(1999)).empty());
  run.clock(2000);
  CHECK_FALSE(run.counting.is_blocked(0, "eve"));
}

TEST_CASE("who may be blocked for longer next time is remembered for so long") {
  Run run(config_with({10, 20}, 100000));
  run.cross(1000);
  run.clock(1010);
  run.counting.expire(at(90000));
  CHECK(run.counting.identities() == 1);
  run.counting.expire(at(1010 + 100000 + 3601));
  CHECK(run.counting.identities() == 0);
}

TEST_CASE("terms and watches follow their list and rule into another config") {
  auto config = config_with({10, 20}, 1000, 50);
  Run run(config);
  run.cross(1000);
  auto other = config;
  other.rules.insert(other.rules.begin(), config.rules[0]);
  other.rules[0].name = "new";
  other.rules[0].list = "/other";
  other.rules[0].limit = 50;
  Run after(other);
  after.counting.restore(run.counting.subjects(), run.counting.layout(), at(1000));
  CHECK(after.counting.due(at(1010)) == std::vector<Counting::End>{{at(1010), 1, "bob"}});
  after.cross(1010);
  CHECK(after.decided == std::vector<Verdict>{{1010, 1030, 2}});
}

TEST_CASE("a watch level tells once, until the sender has calmed down") {
  auto config = config_with({}, 1000, 50);
  config.rules[0].limit = 16;
  Run run(config);
  using Told = std::vector<std::pair<std::int64_t, std::uint32_t>>;
  for (int i = 0; i < 15; ++i) run.event(1000);
  CHECK(run.watched == Told{{1000, 8}});
  for (int i = 0; i < 10; ++i) run.event(1011);  // the window was empty meanwhile
  CHECK(run.watched == Told{{1000, 8}, {1011, 8}});
  for (int i = 0; i < 3; ++i) run.event(1017);
  CHECK(run.watched.size() == 2);
  run.event(1022);  // four left: half of the level
  for (int i = 0; i < 4; ++i) run.event(1023);
  CHECK(run.watched.size() == 2);
  run.event(1030);  // six
  run.event(1038);  // two: less than half
  for (int i = 0; i < 6; ++i) run.event(1039);
  CHECK(run.watched == Told{{1000, 8}, {1011, 8}, {1039, 8}});
  for (int i = 0; i < 8; ++i) run.event(1039);
  CHECK(run.decided.size() == 1);
  CHECK(run.watched.size() == 3);
  // Who reaches the limit at once is only blocked.
  auto one = config_with({}, 1000, 99);
  one.rules[0].limit = 1;
  Run at_once(one);
  at_once.event(1);
  CHECK(at_once.watched.empty());
  CHECK(at_once.decided.size() == 1);
}

TEST_CASE("a list's line says when it ends, and what else it says is no end") {
  Decision decision;
  decision.rule = "until=no";
  decision.time = at(1795426955);
  decision.count = 3;
  decision.period = seconds(3600);
  const auto zone = *Zone::named("Europe/Berlin");
  CHECK_FALSE(ends_at(list_data(decision, zone)));
  decision.until = at(1795430555);
  const auto data = list_data(decision, zone);
  CHECK(data ==
        "2026-11-23T10:42:35+01:00 exiwarden rule=until=no count=3 period=1h "
        "until=2026-11-23T11:42:35+01:00");
  CHECK(ends_at(data) == decision.until);
  CHECK(decided_at(data) == decision.time);
  const auto guarded = list_data(decision, zone, 123456);
  CHECK(guarded == "123456 " + data);
  CHECK(ends_at(guarded) == decision.until);
  CHECK(decided_at(guarded) == decision.time);
  CHECK_FALSE(decided_at("123456"));
  CHECK_FALSE(ends_at("x until=tomorrow"));
  CHECK_FALSE(ends_at("x until=2026-11-23T11:42:35+01:00x"));
  CHECK_FALSE(ends_at("x by-hand reason= until=2026-11-23T11:42:35+01:00"));
}
