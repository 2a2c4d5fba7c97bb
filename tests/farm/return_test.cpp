// Whole hosts that come back, or hear late: nobody is blocked or freed for it who should not be.
#include <fmt/format.h>

#include <filesystem>

#include "tests/catch.h"
#include "tests/farm/host.h"
#include "tests/farm/redis.h"

using farm_lab::Host;
using farm_lab::Redis;
using farm_lab::stamp_of;
using farm_lab::until;
using namespace std::chrono_literals;

namespace {

using Keys = std::set<std::string>;

bool connected(const std::vector<Host*>& hosts) {
  return until(hosts, [&] {
    return std::all_of(hosts.begin(), hosts.end(), [](Host* host) {
      return host->farm().connected && host->engine().metrics().farm.has_value();
    });
  });
}

std::string word_on(const Redis& redis, const std::string& user) {
  return redis.ask({"HGET", "test:blocks", "users|" + user}).text;
}

// Once the farm has heard of this user, it has heard of all that came before.
bool all_was_heard(const Redis& redis, Host& host, const std::vector<Host*>& all) {
  static int number = 0;
  const auto user = fmt::format("last{}", ++number);
  host.rejections(user, 1);
  return until(all, [&] { return redis.ask({"EXISTS", "test:w:users|" + user}).number == 1; });
}

// Two hosts with a server that has heard of both.
struct Two {
  Two() {
    a.start();
    b.start();
    REQUIRE(connected(all));
    REQUIRE(all_was_heard(*redis, a, all));
    REQUIRE(all_was_heard(*redis, b, all));
  }
  // Each is told its line while it hears nothing of the other; b's comes later.
  void told_apart(const std::string& of_a, const std::string& of_b) {
    redis->stop();
    REQUIRE(until(all, [&] { return !a.farm().connected && !b.farm().connected; }));
    a.edit(of_a);
    REQUIRE(until(all, [&] { return a.engine().metrics().farm->words == 1; }));
    const auto told = farm_lab::now();  // words are stamped by the second
    REQUIRE(until(all, [&] { return farm_lab::now() > told; }));
    b.edit(of_b);
    REQUIRE(until(all, [&] { return b.engine().metrics().farm->words == 1; }));
    redis->run();
  }

  std::unique_ptr<Redis> redis = Redis::start();
  Host a{"mx1", redis->socket()}, b{"mx2", redis->socket()};
  std::vector<Host*> all{&a, &b};
};

}  // namespace

TEST_CASE("who was freed while a host was down is not blocked by what it reads then") {
  const auto redis = Redis::start();
  Host a("mx1", redis->socket()), b("mx2", redis->socket());
  const std::vector all{&a, &b};
  a.start();
  b.start();
  REQUIRE(connected(all));
  b.rejections("zoe", 1);
  REQUIRE(all_was_heard(*redis, b, all));
  b.stop();
  b.rejections("bob", 20, 120s);
  a.rejections("bob", 20, 100s);
  REQUIRE(until({&a}, [&] { return a.listed() == Keys{"bob"}; }));
  a.free_user("bob");
  REQUIRE(until({&a}, [&] { return word_on(*redis, "bob").starts_with("op=free"); }));
  b.start();
  REQUIRE(connected(all));
  REQUIRE(all_was_heard(*redis, b, all));
  REQUIRE(until(all, [&] { return b.listed().empty(); }));
  CHECK(a.listed().empty());
  CHECK(word_on(*redis, "bob").starts_with("op=free"));
  // Nor by older lines that come when it has heard.
  b.rejections("bob", 20, 60s);
  REQUIRE(all_was_heard(*redis, b, all));
  CHECK(a.listed().empty());
  CHECK(b.listed().empty());
}

TEST_CASE("a release of a sender that a host knew nothing about keeps its older lines out, too") {
  const auto redis = Redis::start();
  Host a("mx1", redis->socket()), b("mx2", redis->socket());
  const std::vector all{&a, &b};
  a.start();
  REQUIRE(connected({&a}));
  a.rejections("bob", 20, 100s);
  REQUIRE(until({&a}, [&] { return a.listed() == Keys{"bob"}; }));
  a.free_user("bob");
  REQUIRE(until({&a}, [&] { return word_on(*redis, "bob").starts_with("op=free"); }));
  b.start();
  REQUIRE(connected(all));
  REQUIRE(until(all, [&] { return b.engine().metrics().farm->words == 1; }));
  b.rejections("bob", 19, 60s);
  b.rejections("eve", 20);
  REQUIRE(until(all, [&] { return a.listed() == Keys{"eve"}; }));
  b.rejections("bob", 1, 50s);
  REQUIRE(all_was_heard(*redis, b, all));
  CHECK(a.listed() == Keys{"eve"});
  CHECK(b.listed() == Keys{"eve"});
}

TEST_CASE("a block whose line was given an earlier end ends on all hosts") {
  Two two;
  two.a.edit("eve: x\n");
  REQUIRE(until(two.all, [&] { return two.b.listed() == Keys{"eve"}; }));
  two.a.edit("eve: x until=" + stamp_of(farm_lab::now() + 2) + "\n");
  REQUIRE(until(two.all, [&] { return two.a.listed().empty(); }));
  CHECK(until(two.all, [&] { return two.b.listed().empty(); }));
}

TEST_CASE("of two blocks made apart the later says when it ends, in both lists") {
  Two two;
  const auto now = farm_lab::now();
  const auto end = "until=" + stamp_of(now + 200);
  two.told_apart("# mine\neve: x until=" + stamp_of(now + 100) + " reason=until then\n",
                 "eve: y " + end + "\n");
  REQUIRE(until(two.all, [&] {
    return two.a.list_text().find(end) != std::string::npos &&
           two.b.list_text().find(end) != std::string::npos;
  }));
  CHECK(two.a.list_text() == "# mine\neve: x " + end + " reason=until then\n");
  CHECK(word_on(*two.redis, "eve").find(fmt::format("until={}", now + 200)) != std::string::npos);
}

TEST_CASE("somebody's block without an end is not given one by another host's") {
  Two two;
  const auto now = farm_lab::now();
  two.told_apart("eve: by the admin\n", "eve: y until=" + stamp_of(now + 200) + "\n");
  REQUIRE(until(two.all, [&] {
    return word_on(*two.redis, "eve").find(fmt::format("until={}", now + 200)) != std::string::npos;
  }));
  REQUIRE(all_was_heard(*two.redis, two.a, two.all));
  CHECK(two.a.list_text() == "eve: by the admin\n");
}

TEST_CASE("a list that moves to another directory frees nobody") {
  Two two;
  auto& [redis, a, b, all] = two;
  for (int i = 0; i < 3; ++i) a.rejections(fmt::format("u{}", i), 20);
  REQUIRE(until(all, [&] { return b.listed().size() == 3; }));
  const auto before = b.list_text();
  const auto said = b.said.size();
  a.stop();
  const std::filesystem::path old = a.list();
  const auto moved = old.parent_path().parent_path() / "moved";
  std::filesystem::create_directories(moved);
  std::filesystem::rename(old, moved / "users");
  a.config().rules[0].list = moved / "users";
  a.start();
  REQUIRE(connected(all));
  REQUIRE(all_was_heard(*redis, a, all));
  REQUIRE(all_was_heard(*redis, b, all));
  CHECK(b.list_text() == before);
  std::string more;
  for (auto i = said; i < b.said.size(); ++i) more += b.said[i] + "\n";
  CHECK(more.find("free again") == std::string::npos);
  CHECK(more.find("blocked") == std::string::npos);
  // One for each, or one for several that were blocked in the same turn; none for the move.
  const auto mails = a.mails.subjects.size() + b.mails.subjects.size();
  CHECK((mails >= 1 && mails <= 3));
}

TEST_CASE("a restart names nobody for a wrong clock, and blocks nobody for what was before") {
  const auto redis = Redis::start();
  Host a("mx1", redis->socket());
  a.config().rules[0].period = 600s;
  // It counted half an hour ago, and nobody heard.
  redis->freeze();
  a.set_clock(-1790s);
  a.start();
  a.rejections("ann", 3);
  REQUIRE(until({&a}, [&] { return a.engine().metrics().identities == 1; }));
  a.stop();
  redis->thaw();
  a.set_clock(0s);
  a.start();
  REQUIRE(connected({&a}));
  REQUIRE(all_was_heard(*redis, a, {&a}));
  CHECK(a.farm().counts.late == 0);

  Host fresh("mx2", redis->socket());
  fresh.rejections("old", 20, 5400s);
  fresh.start();
  REQUIRE(connected({&fresh}));
  REQUIRE(all_was_heard(*redis, fresh, {&fresh}));
  CHECK(fresh.listed().empty());
  CHECK(redis->ask({"HLEN", "test:blocks"}).number == 0);
}

TEST_CASE("many releases at once cost one look at the list, in parts between which logs are read") {
  const auto redis = Redis::start();
  Host a("mx1", redis->socket());
  std::string list;
  for (int i = 0; i < 2000; ++i) list += fmt::format("hand{}: for this reason or that\n", i);
  a.edit(list);
  std::vector<std::string> words{"HSET", "test:blocks"};
  for (int i = 0; i < 3000; ++i) {
    words.push_back(fmt::format("users|{}{}", i < 500 ? "hand" : "f", i));
    words.push_back(fmt::format("op=free t={} host=mx9 why=hand id={}{}",
                                farm_lab::now() * 1000 - (i < 500 ? 0 : 86'400'000),
                                i < 500 ? "hand" : "f", i));
  }
  (void)redis->ask(words);
  a.start();
  const auto reads = a.list_reads();
  REQUIRE(until({&a}, [&] { return a.engine().metrics().farm->words >= 3000; }));
  REQUIRE(until({&a}, [&] { return a.listed().size() == 1500; }));
  CHECK(a.list_reads() - reads < 100);
}

TEST_CASE("a host that is quiet is heard with each comparison") {
  const auto redis = Redis::start();
  Host a("mx1", redis->socket(), 200ms);
  a.start();
  REQUIRE(connected({&a}));
  (void)redis->ask({"HSET", "test:hosts", "mx1/seen", "5"});
  CHECK(until({&a}, [&] { return redis->ask({"HGET", "test:hosts", "mx1/seen"}).text != "5"; }));
}

TEST_CASE("old words that are forgotten are not told again") {
  const auto redis = Redis::start();
  Host a("mx1", redis->socket(), 100ms), b("mx2", redis->socket(), 100ms);
  const std::vector all{&a, &b};
  const auto long_ago = (farm_lab::now() - 40 * 86'400) * 1000;
  for (int i = 0; i < 20; ++i) {
    (void)redis->ask({"HSET", "test:blocks", fmt::format("users|old{}", i),
                      fmt::format("op=free t={} host=mx9 why=hand id=old{}", long_ago, i)});
  }
  a.start();
  b.start();
  REQUIRE(connected(all));
  REQUIRE(until(all, [&] { return redis->ask({"HLEN", "test:blocks"}).number == 0; }));
  for (int i = 0; i < 3; ++i) {
    (void)redis->ask({"HSET", "test:hosts", "mx1/seen", "5", "mx2/seen", "5"});
    REQUIRE(until(all, [&] {
      return redis->ask({"HGET", "test:hosts", "mx1/seen"}).text != "5" &&
             redis->ask({"HGET", "test:hosts", "mx2/seen"}).text != "5";
    }));
    REQUIRE(all_was_heard(*redis, a, all));
  }
  CHECK(redis->ask({"XLEN", "test:feed"}).number == 0);
}
