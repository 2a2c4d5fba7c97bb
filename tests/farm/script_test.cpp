// The scripts in a real server, against a plain model.
#include <algorithm>
#include <map>
#include <random>

#include "agent/core/attribution.h"
#include "tests/catch.h"
#include "tests/farm/redis.h"

using agent::FarmEvent;
using agent::FarmStatement;
using agent::NamedStatement;
using farm_lab::now;
using farm_lab::Redis;
using farm_lab::rule;

namespace {

FarmEvent event(std::int64_t time, std::uint64_t member, const std::string& key = "bob",
                std::uint32_t limit = 5) {
  return {0, limit, time, member, agent::folded(key), key};
}

agent::CountAnswer count(agent::FarmSession& session, const std::vector<agent::Rule>& rules,
                         const std::vector<FarmEvent>& events) {
  auto answer = session.count(agent::farm_rules(rules), events);
  if (!answer) FAIL(answer.error().what);
  return std::move(answer.value());
}

NamedStatement word(bool blocked, std::int64_t stamp, const std::string& host,
                    const std::string& key = "bob") {
  FarmStatement record;
  record.blocked = blocked;
  record.stamp = stamp;
  record.host = host;
  record.identity = key;
  return {{"r", key}, record};
}

struct Changed {
  FarmStatement holds;
  bool blocked_before = false;
};
Changed change(agent::FarmSession& session, const NamedStatement& word) {
  auto answer = session.change(std::vector{word});
  if (!answer) FAIL(answer.error().what);
  REQUIRE(answer->front().holds);
  return {*answer->front().holds, answer->front().blocked_before};
}

}  // namespace

TEST_CASE("four hosts with a quarter each reach the limit together") {
  const auto redis = Redis::start();
  const std::vector rules{rule("r", 20, 3600)};
  std::vector<agent::FarmSession> hosts;
  for (const char* name : {"mx1", "mx2", "mx3", "mx4"}) hosts.push_back(redis->session(name));
  const auto time = now() - 100;
  std::vector<NamedStatement> decided;
  for (std::uint64_t i = 0; i < 5; ++i) {
    for (auto& host : hosts) {
      CHECK(decided.empty());
      auto answer = count(host, rules, {event(time + static_cast<int>(i), 0, "Bob", 20)});
      CHECK(answer.counts.added == 1);
      decided = answer.decided;
    }
  }
  REQUIRE(decided.size() == 1);
  const auto& record = decided[0].record;
  CHECK(decided[0].name == agent::FarmName{"r", "bob"});
  CHECK(record.why == FarmStatement::Why::count);
  CHECK(record.host == "mx4");
  CHECK(record.identity == "Bob");
  CHECK(record.count == 20);
  CHECK(record.limit == 20);
  CHECK(record.period == 3600);
  CHECK(record.first == time);
  CHECK(record.time == time + 4);
  CHECK(record.hosts ==
        std::vector<agent::HostCount>{{"mx1", 5}, {"mx2", 5}, {"mx3", 5}, {"mx4", 5}});
  // It decides once.
  const auto after = count(hosts[0], rules, {event(time + 5, 0, "bob", 20)});
  CHECK(after.counts.blocked == 1);
  CHECK(after.decided.empty());
}

TEST_CASE("events in any order, repeated, in any batches: the count is that of a sorted list") {
  const auto redis = Redis::start();
  std::mt19937 random(1);
  const auto pick = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  std::vector<agent::FarmSession> hosts;
  for (const char* name : {"a", "b", "c"}) hosts.push_back(redis->session(name));
  int blocked = 0;
  for (int round = 0; round < 200; ++round) {
    const auto key = "user" + std::to_string(round);
    const int period = pick(1, 60);
    const auto limit = static_cast<std::uint32_t>(pick(1, 12));
    const std::vector rules{rule("r", limit, period)};
    const auto begin = now() - 200;
    // What happened: per host and second, so many.
    std::vector<std::pair<std::size_t, FarmEvent>> sent;
    std::vector<std::int64_t> times;
    for (std::size_t host = 0; host < 3; ++host) {
      std::map<std::int64_t, std::uint64_t> in_second;
      for (int i = pick(0, 15); i > 0; --i) {
        const auto time = begin + pick(0, 150);
        sent.emplace_back(host, event(time, in_second[time]++, key, limit));
        times.push_back(time);
      }
    }
    const auto repeats = sent;
    for (const auto& again : repeats) {
      if (pick(0, 3) == 0) sent.push_back(again);
    }
    std::shuffle(sent.begin(), sent.end(), random);

    std::vector<NamedStatement> decided;
    for (std::size_t at = 0; at < sent.size();) {
      std::vector<FarmEvent> batch{sent[at].second};
      const auto host = sent[at++].first;
      while (at < sent.size() && sent[at].first == host && pick(0, 4) > 0)
        batch.push_back(sent[at++].second);
      for (auto& found : count(hosts[host], rules, batch).decided) decided.push_back(found);
    }
    std::sort(times.begin(), times.end());
    bool expected = false;
    for (std::size_t i = limit - 1; i < times.size(); ++i)
      expected = expected || times[i] - times[i + 1 - limit] < period;
    INFO("round " << round << " limit " << limit << " period " << period);
    REQUIRE(decided.size() == (expected ? 1U : 0U));
    blocked += expected ? 1 : 0;
    if (!expected) {
      const auto held = redis->ask({"ZCARD", "test:w:r|" + key});
      CHECK(held.number == static_cast<std::int64_t>(times.size()));
      continue;
    }
    std::uint32_t named = 0;
    for (const auto& host : decided[0].record.hosts) named += host.count;
    CHECK(named == limit);
    CHECK(decided[0].record.time - decided[0].record.first < period);
  }
  CHECK(blocked > 50);
  CHECK(blocked < 150);
}

TEST_CASE("distinct recipients count once, whichever host refused them") {
  const auto redis = Redis::start();
  auto one = redis->session("mx1"), other = redis->session("mx2");
  const std::vector rules{rule("r", 3, 3600, agent::CountBy::recipients)};
  const auto time = now() - 10;
  CHECK(count(one, rules, {event(time, 111, "bob", 3)}).counts.added == 1);
  CHECK(count(other, rules, {event(time + 1, 111, "bob", 3)}).decided.empty());
  CHECK(count(other, rules, {event(time + 1, 111, "bob", 3)}).counts.again == 1);
  CHECK(count(other, rules, {event(time, 222, "bob", 3)}).decided.empty());
  const auto decided = count(one, rules, {event(time + 2, 333, "bob", 3)}).decided;
  REQUIRE(decided.size() == 1);
  CHECK(decided[0].record.hosts == std::vector<agent::HostCount>{{"mx2", 2}, {"mx1", 1}});
  CHECK(redis->ask({"EXISTS", "test:r:r|bob", "test:w:r|bob"}).number == 0);
}

TEST_CASE("stamps too far from the server's clock are refused, and their host is named") {
  const auto redis = Redis::start();
  auto good = redis->session("good"), bad = redis->session("bad");
  const std::vector rules{rule("r", 3, 60)};
  const auto time = now();
  CHECK(count(bad, rules, {event(time + 600, 0, "bob", 3), event(time + 600, 1, "bob", 3)})
            .counts.ahead == 2);
  CHECK(count(bad, rules, {event(time - 1000, 0, "bob", 3)}).counts.late == 1);
  // And the window of the others stays where it was.
  CHECK(count(good, rules, {event(time, 0, "bob", 3), event(time, 1, "bob", 3)}).decided.empty());
  CHECK(count(good, rules, {event(time, 2, "bob", 3)}).decided.size() == 1);
  const auto hosts = bad.hosts();
  REQUIRE(hosts);
  REQUIRE(hosts->size() == 2);
  CHECK(hosts->at(0).name == "bad");
  CHECK(hosts->at(0).ahead == 2);
  CHECK(hosts->at(0).late == 1);
  CHECK(hosts->at(1).ahead + hosts->at(1).late == 0);
}

TEST_CASE("who was freed starts with a fresh window, and old events don't fill it") {
  const auto redis = Redis::start();
  auto session = redis->session("mx1");
  const std::vector rules{rule("r", 3, 3600)};
  const auto time = now();
  const auto decided = count(session, rules,
                             {event(time - 9, 0, "bob", 3), event(time - 8, 0, "bob", 3),
                              event(time - 7, 0, "bob", 3)})
                           .decided;
  REQUIRE(decided.size() == 1);
  // A word that is older than the block changes nothing.
  auto stale = change(session, word(false, decided[0].record.stamp - 1, "zz"));
  CHECK(stale.holds == decided[0].record);
  // Another host is told that it was not the first, the same one is not.
  CHECK_FALSE(stale.blocked_before);
  auto other = redis->session("mx2");
  CHECK(change(other, word(true, 1, "mx2")).blocked_before);
  // A release of what the block was made of comes after it, whatever was heard first.
  CHECK(decided[0].record.stamp == (time - 9) * 1000);
  auto freed = change(session, word(false, (time - 3) * 1000, "mx1"));
  CHECK_FALSE(freed.holds.blocked);
  const auto old = count(
      session, rules,
      {event(time - 6, 0, "bob", 3), event(time - 5, 0, "bob", 3), event(time - 4, 0, "bob", 3)});
  CHECK(old.counts.blocked == 3);
  CHECK(old.decided.empty());
  const auto fresh = freed.holds.stamp / 1000 + 5;
  const auto anew = count(session, rules, {event(fresh, 0, "bob", 3), event(fresh, 1, "bob", 3)});
  CHECK(anew.counts.added == 2);
  CHECK(anew.decided.empty());
  const auto again = count(session, rules, {event(fresh, 2, "bob", 3)}).decided;
  REQUIRE(again.size() == 1);
  CHECK(again[0].record.stamp > freed.holds.stamp);
}

TEST_CASE("a block that ends by itself counts anew from its end, and the next one is longer") {
  const auto redis = Redis::start();
  auto session = redis->session("mx1");
  auto with_steps = rule("r", 2, 600);
  with_steps.block_for = {std::chrono::seconds(100), std::chrono::seconds(1000), agent::kForever};
  const std::vector rules{with_steps};
  const auto time = now() - 1400;
  const auto first =
      count(session, rules, {event(time, 0, "bob", 2), event(time, 1, "bob", 2)}).decided;
  REQUIRE(first.size() == 1);
  CHECK(first[0].record.until == time + 100);
  CHECK(first[0].record.times == 1);
  CHECK(count(session, rules, {event(time + 99, 0, "bob", 2)}).counts.blocked == 1);
  const auto second =
      count(session, rules, {event(time + 100, 0, "bob", 2), event(time + 101, 0, "bob", 2)})
          .decided;
  REQUIRE(second.size() == 1);
  CHECK(second[0].record.until == time + 1101);
  CHECK(second[0].record.times == 2);
  const auto third =
      count(session, rules, {event(time + 1200, 0, "bob", 2), event(time + 1200, 1, "bob", 2)})
          .decided;
  REQUIRE(third.size() == 1);
  CHECK_FALSE(third[0].record.until);
}

TEST_CASE("events from the end of a block on count, also when they were there before the block") {
  const auto redis = Redis::start();
  auto one = redis->session("mx1"), other = redis->session("mx2");
  auto with_steps = rule("r", 10, 600);
  with_steps.block_for = {std::chrono::seconds(60)};
  for (const auto by : {agent::CountBy::attempts, agent::CountBy::recipients}) {
    with_steps.count = by;
    const std::string key = by == agent::CountBy::attempts ? "bob" : "eve";
    const std::vector rules{with_steps};
    const auto time = now() - 700;
    const auto five = [&](std::int64_t at, std::uint64_t first) {
      std::vector<FarmEvent> events;
      for (std::uint64_t i = 0; i < 5; ++i) events.push_back(event(at, first + i, key, 10));
      return events;
    };
    CHECK(count(one, rules, five(time, 1)).decided.empty());
    CHECK(count(one, rules, five(time + 600, 11)).decided.empty());
    // Cut off until now: the five at `time` complete the first block, those at its end and after
    // the second one.
    auto late = five(time, 21);
    for (const auto& more : five(time + 600, 31)) late.push_back(more);
    const auto decided = count(other, rules, late).decided;
    REQUIRE(decided.size() == 2);
    CHECK(decided[0].record.time == time);
    CHECK(decided[1].record.time == time + 600);
    CHECK(decided[1].record.hosts == std::vector<agent::HostCount>{{"mx1", 5}, {"mx2", 5}});
    // No two words on an identity are equally new, and the second block is the second.
    CHECK(decided[1].record.newer_than(decided[0].record));
    CHECK(decided[1].record.times == decided[0].record.times + 1);
    CHECK(redis->ask({"EXISTS", "test:w:r|" + key, "test:r:r|" + key}).number == 0);
  }
}

TEST_CASE("what is no word stops nobody") {
  const auto redis = Redis::start();
  auto session = redis->session("mx1");
  const std::vector rules{rule("r", 2, 600)};
  const auto far = std::to_string((now() + 86400) * 1000);
  for (const std::string& value :
       {std::string("op=free x"), std::string("op=block until=x"), std::string("x"),
        std::string(""), "op=free t=" + far + " host=mx9 why=hand id=bob",
        "op=block t=" + far + " host=mx9 why=hand id=bob"}) {
    INFO(value);
    (void)redis->ask({"DEL", "test:w:r|bob"});
    (void)redis->ask({"HSET", "test:blocks", "r|bob", value});
    const auto decided =
        count(session, rules, {event(now(), 0, "bob", 2), event(now(), 1, "bob", 2)}).decided;
    REQUIRE(decided.size() == 1);
    CHECK(decided[0].record.stamp <= (now() + 1) * 1000);
    (void)redis->ask({"HSET", "test:blocks", "r|bob", value});
    REQUIRE(session.forget({{"r", "bob"}}, std::chrono::hours(1)));
    const auto freed = change(session, word(false, (now() - 5) * 1000, "mx1"));
    CHECK(freed.holds == word(false, freed.holds.stamp, "mx1").record);
    CHECK_FALSE(freed.blocked_before);
  }
}

TEST_CASE("a word of release that is a little ahead empties no window of later seconds") {
  const auto redis = Redis::start();
  auto session = redis->session("mx1");
  const std::vector rules{rule("r", 2, 600)};
  const auto time = now();
  (void)redis->ask(
      {"HSET", "test:blocks", "r|bob",
       "op=free t=" + std::to_string((time + 200) * 1000) + " host=mx9 why=hand id=bob"});
  const auto decided =
      count(session, rules, {event(time + 100, 0, "bob", 2), event(time + 100, 1, "bob", 2)})
          .decided;
  CHECK(decided.size() == 1);
}

TEST_CASE("for many late events a full window is looked for once") {
  const auto redis = Redis::start();
  auto one = redis->session("mx1"), other = redis->session("mx2");
  const std::uint32_t limit = 5000;
  const std::vector rules{rule("r", limit, 600)};
  const auto begin = now() - 1200;
  // Nine tenths of the limit in each period: full in 20 min, and never in 10.
  std::vector<FarmEvent> busy, late;
  for (int i = 0; i < 9000; ++i)
    busy.push_back(event(begin + i * 1200 / 9000, static_cast<std::uint64_t>(i), "bob", limit));
  CHECK(count(one, rules, busy).decided.empty());
  for (int i = 0; i < 400; ++i)
    late.push_back(event(begin + 600 + i % 100, static_cast<std::uint64_t>(i), "bob", limit));
  (void)redis->ask({"CONFIG", "RESETSTAT"});
  const auto answer = count(other, rules, late);
  CHECK(answer.counts.added == 400);
  CHECK(answer.decided.empty());
  // A few thousand events are looked at once, and not for each of the 400.
  const auto stats = redis->ask({"INFO", "commandstats"}).text;
  CHECK(stats.find("cmdstat_zrevrange:calls=2,") != std::string::npos);
  // And exactly: what is missing decides.
  std::vector<FarmEvent> rest;
  for (int i = 400; i < 520; ++i)
    rest.push_back(event(begin + 650, static_cast<std::uint64_t>(i), "bob", limit));
  CHECK(count(other, rules, rest).decided.size() == 1);
}

TEST_CASE("of distinct recipients no name stays behind") {
  const auto redis = Redis::start();
  auto session = redis->session("mx1");
  const std::vector rules{rule("r", 5000, 60, agent::CountBy::recipients)};
  std::vector<FarmEvent> many;
  const auto time = now() - 30;
  for (std::uint64_t i = 1; i <= 3000; ++i) many.push_back(event(time, i, "bob", 5000));
  CHECK(count(session, rules, many).counts.added == 3000);
  REQUIRE(redis->ask({"HLEN", "test:r:r|bob"}).number == 3000);
  (void)change(session, word(false, now() * 1000 - 1, "mx1"));
  CHECK(count(session, rules, {event(now() + 1, 1, "bob", 5000)}).counts.added == 1);
  CHECK(redis->ask({"ZCARD", "test:w:r|bob"}).number == 1);
  CHECK(redis->ask({"HLEN", "test:r:r|bob"}).number == 1);
}

TEST_CASE("the same words in any order end the same") {
  const auto redis = Redis::start();
  auto session = redis->session("lab");
  std::mt19937 random(3);
  const auto base = (now() - 100) * 1000;
  for (int round = 0; round < 40; ++round) {
    const auto key = "k" + std::to_string(round);
    std::vector<NamedStatement> words;
    for (int i = 0; i < 6; ++i) {
      words.push_back(word(random() % 2 == 0, base + static_cast<int>(random() % 3),
                           std::string(1, static_cast<char>('a' + random() % 3)), key));
    }
    // One host says one thing at a time.
    std::stable_sort(words.begin(), words.end(),
                     [](const auto& a, const auto& b) { return b.record.newer_than(a.record); });
    words.erase(
        std::unique(words.begin(), words.end(),
                    [](const auto& a, const auto& b) { return !b.record.newer_than(a.record); }),
        words.end());
    const auto last = words.back().record;
    std::shuffle(words.begin(), words.end(), random);
    for (const auto& one : words) (void)change(session, one);
    auto holds = change(session, words[0]).holds;
    holds.teller.clear();  // who was first depends on the order
    CHECK(holds == last);
  }
  // A clock that is ahead has the last word only until the next one.
  const auto ahead = change(session, word(true, (now() + 1000) * 1000, "zz", "x"));
  CHECK(ahead.holds.stamp <= (now() + 1) * 1000);
}

TEST_CASE("words come by the stream and by looking at all of them") {
  const auto redis = Redis::start();
  auto session = redis->session("mx1");
  const auto begin = session.feed_end();
  REQUIRE(begin);
  CHECK(begin.value() == "0-0");
  const auto said = change(session, word(true, 1'000'000'000'000, "mx1"));
  const auto news = agent::read_feed(
      redis->ask({"XREAD", "COUNT", "500", "STREAMS", "test:feed", begin.value()}));
  REQUIRE(news);
  REQUIRE(news->words.size() == 1);
  CHECK(news->words[0].record == said.holds);
  CHECK(session.feed_holds(news->position).value());
  CHECK_FALSE(session.feed_holds("1-1").value());
  CHECK(session.feed_end().value() == news->position);
  const auto all = session.pull("0");
  REQUIRE(all);
  CHECK(all->cursor == "0");
  CHECK(all->words == news->words);
  // What is none of ours is left out, and counted.
  (void)redis->ask({"HSET", "test:blocks", "strange", "thing"});
  CHECK(session.pull("0")->strange == 1);
  CHECK(session.pull("0")->words == news->words);
  // A block stays; a word of freedom goes when nobody can need it.
  REQUIRE(session.forget({{"r", "bob"}}, std::chrono::hours(1)));
  CHECK(session.pull("0")->words.size() == 1);
  (void)change(session, word(false, 1'000'000'000'001, "mx1"));
  REQUIRE(session.forget({{"r", "bob"}}, std::chrono::hours(1)));
  CHECK(session.pull("0")->words.empty());
}

TEST_CASE("a server that has lost its memory is not mistaken for the one before") {
  const auto redis = Redis::start();
  auto session = redis->session("mx1");
  const std::vector rules{rule("r", 3, 60)};
  (void)count(session, rules, {event(now(), 0)});
  (void)redis->ask({"FLUSHALL"});
  auto events = std::vector{event(now(), 1)};
  const auto lost = session.count(agent::farm_rules(rules), events);
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code == actions::Errc::changed);
  const auto before = session.epoch();
  CHECK(redis->session("mx1").epoch() != before);
}
