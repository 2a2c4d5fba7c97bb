// What a farm costs: farm_tests "[load]" prints figures. Not run by ctest.
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <thread>

#include "agent/config/config_file.h"
#include "agent/farm/redis_link.h"
#include "tests/catch.h"
#include "tests/farm/redis.h"

using farm_lab::now;
using farm_lab::Redis;
using Steady = std::chrono::steady_clock;

namespace {

double seconds_since(Steady::time_point begin) {
  return std::chrono::duration<double>(Steady::now() - begin).count();
}

std::int64_t used_memory(const Redis& redis) {
  const auto info = redis.ask({"INFO", "memory"}).text;
  const auto at = info.find("used_memory:");
  return std::stoll(info.substr(at + 12));
}

std::unique_ptr<agent::RedisLink> link_of(const Redis& redis, int host) {
  auto config = agent::default_config();
  config.farm.url = "redis+unix://" + redis.socket();
  config.farm.prefix = "test:";
  config.rules = {farm_lab::rule("users", 100, 3600)};
  auto link = std::make_unique<agent::RedisLink>(config, fmt::format("mx{}", host));
  // As an engine that knows nothing would answer.
  for (;;) {
    for (const auto& news : link->take()) {
      if (news.kind == agent::FarmNews::Kind::that_was) {
        link->compared();
        return link;
      }
    }
    ::poll(nullptr, 0, 1);
  }
}

}  // namespace

TEST_CASE("events in a second, from four hosts through one server", "[.][load]") {
  const auto redis = Redis::start({"--zset-max-listpack-entries", "512"});
  constexpr int kUsers = 10'000, kSeconds = 10;
  std::vector<std::thread> hosts;
  std::vector<std::uint64_t> counted(4);
  const auto begin = Steady::now();
  for (int host = 0; host < 4; ++host) {
    hosts.emplace_back([&, host] {
      const auto link = link_of(*redis, host);
      std::uint64_t sent = 0;
      while (seconds_since(begin) < kSeconds) {
        std::vector<agent::FarmEvent> events;
        for (int i = 0; i < 500; ++i, ++sent) {
          const auto user = fmt::format("user{}@example.org", sent % kUsers);
          events.push_back({0, 1'000'000, now() - 600 + static_cast<int>(sent / kUsers % 600),
                            sent / kUsers / 600, user, user});
        }
        while (!link->has_room(95'000) && seconds_since(begin) < kSeconds) ::poll(nullptr, 0, 1);
        link->send(std::move(events));
        (void)link->take();
      }
      counted[static_cast<std::size_t>(host)] = link->status().counts.added;
    });
  }
  for (auto& host : hosts) host.join();
  std::uint64_t sum = 0;
  for (const auto count : counted) sum += count;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  fmt::print("{:.0f} events/s; the four agents' side took {:.1f} s of processor time in {} s\n",
             static_cast<double>(sum) / seconds_since(begin),
             static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec), kSeconds);
  CHECK(sum > 0);
}

TEST_CASE("bytes for each identity", "[.][load]") {
  const auto redis = Redis::start({"--zset-max-listpack-entries", "512"});
  auto session = redis->session("mx1");
  const std::vector rules{farm_lab::rule("users", 1000, 3600)};
  for (const int each : {1, 10, 50, 100, 200}) {
    (void)redis->ask({"FLUSHALL"});
    session = redis->session("mx1");
    const auto before = used_memory(*redis);
    constexpr int kUsers = 5000;
    for (int user = 0; user < kUsers; ++user) {
      std::vector<agent::FarmEvent> events;
      const auto name = fmt::format("user{}@example.org", user);
      for (int i = 0; i < each; ++i) events.push_back({0, 1000, now() - i, 0, name, name});
      REQUIRE(session.count(agent::farm_rules(rules), events));
    }
    fmt::print("{:>4} events each: {} bytes an identity\n", each,
               (used_memory(*redis) - before) / kUsers);
  }
}

TEST_CASE("from an event to the decision", "[.][load]") {
  const auto redis = Redis::start();
  auto session = redis->session("mx1");
  const auto rules = agent::farm_rules({farm_lab::rule("users", 2, 3600)});
  std::vector<double> times;
  for (int i = 0; i < 5000; ++i) {
    const auto name = fmt::format("user{}", i);
    const auto begin = Steady::now();
    REQUIRE(session.count(rules, std::vector<agent::FarmEvent>{{0, 2, now(), 0, name, name}}));
    times.push_back(seconds_since(begin) * 1e6);
  }
  std::sort(times.begin(), times.end());
  fmt::print("round trip of one event: p50 {:.0f} us, p99 {:.0f} us\n", times[times.size() / 2],
             times[times.size() * 99 / 100]);
}
