// The scripts where blocks end, where words are none of ours, and where there is no room.

#include "agent/core/attribution.h"
#include "tests/catch.h"
#include "tests/farm/redis.h"

using agent::FarmEvent;
using farm_lab::now;
using farm_lab::Redis;
using farm_lab::rule;

namespace {

std::vector<FarmEvent> events(std::int64_t time, int count, std::uint32_t limit,
                              std::uint64_t first = 0) {
  std::vector<FarmEvent> out;
  for (int i = 0; i < count; ++i)
    out.push_back({0, limit, time, first + static_cast<std::uint64_t>(i), "bob", "bob"});
  return out;
}

agent::CountAnswer count(agent::FarmSession& session, const agent::Rule& rule,
                         std::vector<FarmEvent> first, const std::vector<FarmEvent>& more = {}) {
  first.insert(first.end(), more.begin(), more.end());
  auto answer = session.count(agent::farm_rules({rule}), first);
  if (!answer) FAIL(answer.error().what);
  return std::move(answer.value());
}

agent::Rule timed(std::uint32_t limit) {
  auto rule = farm_lab::rule("r", limit, 600);
  rule.block_for = {std::chrono::seconds(60), std::chrono::seconds(120)};
  return rule;
}

}  // namespace

TEST_CASE("a block that is found late takes no events from after its end") {
  const auto redis = Redis::start();
  auto one = redis->session("mx1"), other = redis->session("mx2");
  const auto rule = timed(10);
  const auto time = now() - 700;
  CHECK(count(one, rule, events(time, 5, 10), events(time + 600, 5, 10)).decided.empty());
  const auto decided = count(other, rule, events(time, 5, 10), events(time + 600, 5, 10)).decided;
  REQUIRE(decided.size() == 2);
  CHECK(decided[0].record.until == time + 60);
  CHECK(decided[1].record.until == time + 600 + 120);
  // One after the other, so that all agree on which is the last.
  CHECK(decided[0].record.times == 1);
  CHECK(decided[1].record.times == 2);
  CHECK(decided[1].record.newer_than(decided[0].record));
}

TEST_CASE("a release that a wrong clock has stamped keeps nobody from being counted") {
  const auto redis = Redis::start();
  auto session = redis->session("mx1");
  const auto rule = farm_lab::rule("r", 10, 600);
  (void)redis->ask(
      {"HSET", "test:blocks", "r|bob",
       "op=free t=" + std::to_string((now() + 3600) * 1000) + " host=mx2 why=hand id=bob"});
  CHECK(count(session, rule, events(now(), 10, 10)).decided.size() == 1);
}

TEST_CASE("what is none of ours counts for nothing and stops nothing") {
  const auto redis = Redis::start();
  auto session = redis->session("mx1");
  const auto rule = farm_lab::rule("r", 10, 600);
  agent::NamedStatement word{{"r", "bob"}, {}};
  word.record.stamp = 5;
  word.record.host = "mx1";
  word.record.identity = "bob";
  for (const char* strange : {"op=free x", "thing", "op=block", ""}) {
    INFO(strange);
    (void)redis->ask({"DEL", "test:w:r|bob"});
    (void)redis->ask({"HSET", "test:blocks", "r|bob", strange});
    CHECK(count(session, rule, events(now(), 10, 10)).decided.size() == 1);
    (void)redis->ask({"HSET", "test:blocks", "r|bob", strange});
    const auto changed = session.change(std::vector{word});
    REQUIRE(changed);
    CHECK(changed->at(0).holds == word.record);
  }
  // One that looks like ours, but can't be one, holds there; nobody here takes it for a word.
  (void)redis->ask({"HSET", "test:blocks", "r|bob", "op=block t=99 host=mx1 why=hand id=eve"});
  word.record.stamp = 50;
  const auto kept = session.change(std::vector{word});
  REQUIRE(kept);
  CHECK_FALSE(kept->at(0).holds);
}

TEST_CASE("old lines of one host do not beat a release that it has not heard of") {
  const auto redis = Redis::start();
  auto session = redis->session("mx2");
  const auto time = now();
  agent::NamedStatement free{{"r", "bob"}, {}};
  free.record.stamp = (time - 60) * 1000;
  free.record.host = "mx1";
  free.record.identity = "bob";
  REQUIRE(session.change(std::vector{free}));
  auto block = free;
  block.record.blocked = true;
  block.record.stamp = time * 1000;
  block.record.host = "mx2";
  block.record.why = agent::FarmStatement::Why::host;
  block.record.rule = "r";
  block.record.count = block.record.limit = 10;
  block.record.period = 600;
  block.record.first = time - 200;
  block.record.time = time - 100;
  CHECK(session.change(std::vector{block})->at(0).holds == free.record);
  // By what came after it, or by hand, it is blocked.
  block.record.time = time - 30;
  CHECK(session.change(std::vector{block})->at(0).holds == block.record);
}

TEST_CASE(
    "whoever blocked first tells of it, though its answer be lost and another was first then") {
  const auto redis = Redis::start();
  auto one = redis->session("mx1"), other = redis->session("mx2");
  agent::NamedStatement word{{"r", "bob"}, {}};
  word.record.blocked = true;
  word.record.stamp = (now() - 60) * 1000;
  word.record.host = "mx1";
  word.record.identity = "bob";
  auto later = word;
  later.record.host = "mx2";
  ++later.record.stamp;
  CHECK_FALSE(one.change(std::vector{word})->at(0).blocked_before);
  for (int i = 0; i < 2; ++i) {
    const auto second = other.change(std::vector{later})->at(0);
    CHECK(second.blocked_before);
    CHECK(second.holds->host == "mx2");
    CHECK(second.holds->told_by() == "mx1");
    CHECK_FALSE(one.change(std::vector{word})->at(0).blocked_before);
  }
  // In the next block the first is another one.
  auto free = later;
  free.record.blocked = false;
  ++free.record.stamp;
  (void)other.change(std::vector{free});
  later.record.stamp += 5;
  CHECK_FALSE(other.change(std::vector{later})->at(0).blocked_before);
}

TEST_CASE("distinct recipients that are over leave nothing behind") {
  const auto redis = Redis::start();
  auto session = redis->session("mx1");
  const auto by_recipient = rule("r", 100'000, 600, agent::CountBy::recipients);
  const auto time = now() - 1000;
  for (std::uint64_t part = 0; part < 6; ++part)
    (void)count(session, by_recipient, events(time, 500, 100'000, 1 + part * 500));
  CHECK(redis->ask({"HLEN", "test:r:r|bob"}).number == 3000);
  agent::NamedStatement free{{"r", "bob"}, {}};
  free.record.stamp = (time + 1) * 1000;
  free.record.host = "mx1";
  free.record.identity = "bob";
  REQUIRE(session.change(std::vector{free}));
  (void)count(session, by_recipient, events(time + 2, 1, 100'000, 9000));
  CHECK(redis->ask({"HLEN", "test:r:r|bob"}).number == 1);
  CHECK(redis->ask({"ZCARD", "test:w:r|bob"}).number == 1);
}

TEST_CASE("hosts are named with when they were heard and refused, and not for ever") {
  const auto redis = Redis::start();
  auto session = redis->session("mx1");
  const auto rule = farm_lab::rule("r", 10, 600);
  (void)count(session, rule, events(now() + 3600, 1, 10));
  const auto long_ago = std::to_string(now() - 40 * 86'400);
  (void)redis->ask({"HSET", "test:hosts", "old/seen", long_ago, "old/late", "7"});
  auto hosts = session.hosts();
  REQUIRE(hosts);
  REQUIRE(hosts->size() == 2);
  CHECK(hosts->at(0).ahead == 1);
  CHECK(hosts->at(0).refused >= now() - 5);
  REQUIRE(session.forget({}, std::chrono::hours(24 * 30)));
  CHECK(session.hosts()->size() == 1);
  CHECK(redis->ask({"HEXISTS", "test:hosts", "old/late"}).number == 0);
}
