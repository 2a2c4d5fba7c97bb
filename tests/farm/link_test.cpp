// The link alone: its queue, its thread, and a server that comes and goes.
#include <poll.h>

#include "agent/farm/redis_link.h"
#include "tests/catch.h"
#include "tests/farm/redis.h"

using agent::FarmNews;
using agent::RedisLink;
using farm_lab::Redis;

namespace {

agent::Config config_of(const std::string& socket) {
  agent::Config config;
  config.farm.url = "redis+unix://" + socket;
  config.farm.prefix = "test:";
  config.rules = {farm_lab::rule("users", 5000, 3600)};
  return config;
}

// Different numbers make different events, though a second may begin between two of them.
agent::FarmEvent event(int number) {
  static const auto start = farm_lab::now();
  return {0, 5000, start - number % 600, static_cast<std::uint64_t>(number / 600), "bob", "bob"};
}

// What an engine that knows nothing makes of the news; how often the windows were asked for.
int answer(RedisLink& link) {
  int windows = 0;
  for (const auto& news : link.take()) {
    if (news.kind == FarmNews::Kind::that_was) link.compared();
    if (news.kind == FarmNews::Kind::windows) ++windows;
  }
  return windows;
}

template <class Holds>
bool until(RedisLink& link, const Holds& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < end) {
    (void)answer(link);
    if (holds()) return true;
    pollfd waiting{link.fd(), POLLIN, 0};
    ::poll(&waiting, 1, 5);
  }
  return false;
}

}  // namespace

TEST_CASE("a link sends while it is asked of all sides, and stops at once") {
  const auto redis = Redis::start();
  RedisLink link(config_of(redis->socket()), "mx1");
  for (int i = 0; i < 200; ++i) {
    link.send({event(2 * i), event(2 * i + 1)});
    if (i % 50 == 0) link.configure(config_of(redis->socket()));
    (void)answer(link);
    (void)link.status();
  }
  link.send({event(1000)});
  REQUIRE(
      until(link, [&] { return link.status().counts.added > 0 && link.status().waiting == 0; }));
  agent::FarmStatement word;
  word.blocked = true;
  word.stamp = farm_lab::now() * 1000;
  word.host = "mx1";
  word.identity = "eve";
  link.propose({{{"users", "eve"}, word}});
  REQUIRE(until(link, [&] { return redis->ask({"HLEN", "test:blocks"}).number == 1; }));
  CHECK(link.status().connected);
}

TEST_CASE("no event is sent to a server that has not been told yet who is free and who is not") {
  const auto redis = Redis::start();
  RedisLink link(config_of(redis->socket()), "mx1");
  bool told = false;
  link.send({event(1)});
  while (!told) {
    for (const auto& news : link.take()) told = told || news.kind == FarmNews::Kind::that_was;
    ::poll(nullptr, 0, 1);
  }
  for (int i = 0; i < 20; ++i) {
    link.send({event(2 + i)});
    ::poll(nullptr, 0, 2);
  }
  CHECK(redis->ask({"EXISTS", "test:w:users|bob"}).number == 0);
  CHECK(link.status().waiting == 21);
  link.compared();
  REQUIRE(until(link, [&] { return link.status().waiting == 0; }));
  REQUIRE(until(link, [&] { return redis->ask({"ZCARD", "test:w:users|bob"}).number == 21; }));
}

TEST_CASE("no more waits than there is room for, and what did not fit is asked for again") {
  const auto redis = Redis::start();
  redis->stop();
  RedisLink link(config_of(redis->socket()), "mx1");
  std::vector<agent::FarmEvent> many;
  for (int i = 0; i < 1000; ++i) many.push_back(event(i));
  for (std::size_t i = 0; i < RedisLink::kMaxEvents / 1000 + 5; ++i) link.send(many);
  CHECK(link.status().waiting == RedisLink::kMaxEvents);
  CHECK(link.status().dropped == 5000);
  CHECK_FALSE(link.has_room(1));
  REQUIRE(until(link, [&] { return !link.status().fault.empty(); }));
  CHECK_FALSE(link.status().connected);
  redis->run();
  int windows = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while ((windows == 0 || link.status().waiting > 0) && std::chrono::steady_clock::now() < end) {
    windows += answer(link);
    ::poll(nullptr, 0, 2);
  }
  CHECK(windows > 0);
  CHECK(link.status().waiting == 0);
  CHECK(redis->ask({"ZCARD", "test:w:users|bob"}).number == 1000);
}

TEST_CASE("events that have waited too long for a server are not sent, and accuse nobody") {
  const auto redis = Redis::start();
  redis->stop();
  RedisLink link(config_of(redis->socket()), "mx1");
  auto old = event(1);
  old.time -= 3 * 3600;
  link.send({old, event(2)});
  redis->run();
  REQUIRE(until(link, [&] { return link.status().counts.added == 1; }));
  CHECK(link.status().waiting == 0);
  CHECK(link.status().counts.late == 0);
}

TEST_CASE("a frozen server holds nobody up, also not at the end") {
  const auto redis = Redis::start();
  const auto begin = std::chrono::steady_clock::now();
  {
    RedisLink link(config_of(redis->socket()), "mx1");
    REQUIRE(until(link, [&] { return link.status().connected; }));
    redis->freeze();
    link.send({event(1)});
    REQUIRE(until(link, [&] { return !link.status().connected; }));
  }
  redis->thaw();
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
}
