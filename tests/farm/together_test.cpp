// Whole hosts through a real server.

#include "agent/values/digest.h"
#include "tests/catch.h"
#include "tests/farm/host.h"
#include "tests/farm/redis.h"

using farm_lab::Host;
using farm_lab::Redis;
using farm_lab::until;

namespace {

struct Farm {
  explicit Farm(const std::string& socket, int size = 4,
                std::chrono::milliseconds compare = std::chrono::minutes(5)) {
    for (int i = 1; i <= size; ++i)
      hosts.push_back(std::make_unique<Host>("mx" + std::to_string(i), socket, compare));
    for (auto& host : hosts) all.push_back(host.get());
  }
  void start() {
    for (auto* host : all) host->start();
    REQUIRE(until(all, [&] {
      return std::all_of(all.begin(), all.end(), [](Host* host) { return host->farm().connected; });
    }));
  }
  [[nodiscard]] bool all_list(const std::set<std::string>& keys) const {
    return std::all_of(all.begin(), all.end(),
                       [&](const Host* host) { return host->listed() == keys; });
  }
  [[nodiscard]] std::size_t mails() const {
    std::size_t sum = 0;
    for (const auto* host : all) sum += host->mails.subjects.size();
    return sum;
  }
  Host& operator[](std::size_t i) { return *all[i]; }

  std::vector<std::unique_ptr<Host>> hosts;
  std::vector<Host*> all;
};

}  // namespace

TEST_CASE("a quarter of the limit on each of four hosts blocks on all four, with one notice") {
  const auto redis = Redis::start();
  Farm farm(redis->socket());
  farm.start();
  for (auto* host : farm.all) host->rejections("Bob", 5);
  farm[0].rejections("alice", 19);
  const auto begin = std::chrono::steady_clock::now();
  REQUIRE(until(farm.all, [&] { return farm.all_list({"bob"}); }));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(1));
  REQUIRE(until(farm.all, [&] { return farm.mails() > 0; }));
  CHECK(farm.mails() == 1);
  for (auto* host : farm.all) {
    REQUIRE(host->decisions.size() == 1);
    const auto& decision = host->decisions[0];
    CHECK(decision.count == 20);
    CHECK(decision.limit == 20);
    CHECK(decision.identity == "Bob");
    CHECK(decision.place.file == "farm");
    CHECK(decision.farm.size() == 4);
  }
  // Nobody is blocked by less.
  farm[1].rejections("carol", 19);
  farm[2].rejections("dave", 20);
  REQUIRE(until(farm.all, [&] { return farm.all_list({"bob", "dave"}); }));
  CHECK(farm.mails() == 2);
}

TEST_CASE("hosts that decide alone at the same moment send one notice") {
  const auto redis = Redis::start();
  Farm farm(redis->socket());
  farm.start();
  for (int round = 1; round <= 5; ++round) {
    const auto user = "bob" + std::to_string(round);
    for (auto* host : farm.all) host->rejections(user, 10);
    for (auto* host : farm.all) host->turn();
    for (auto* host : farm.all) host->rejections(user, 10);
    REQUIRE(until(farm.all, [&] {
      return farm.mails() >= static_cast<std::size_t>(round) &&
             std::all_of(farm.all.begin(), farm.all.end(),
                         [&](Host* host) { return host->listed().count(user) > 0; });
    }));
  }
  for (int i = 0; i < 50; ++i) {
    for (auto* host : farm.all) host->turn();
  }
  CHECK(farm.mails() == 5);
}

TEST_CASE("who is freed or blocked by hand on one host is so on all, with a fresh window") {
  const auto redis = Redis::start();
  Farm farm(redis->socket(), 3);
  farm.start();
  for (auto* host : farm.all) host->rejections("bob", 7);
  REQUIRE(until(farm.all, [&] { return farm.all_list({"bob"}); }));
  farm[1].free_user("bob");
  REQUIRE(until(farm.all, [&] { return farm.all_list({}); }));
  farm[2].edit("# mine\neve: by the admin\n");
  REQUIRE(until(farm.all, [&] { return farm.all_list({"eve"}); }));
  CHECK(farm[0].list_text().find("by-hand by=farm:mx3") != std::string::npos);
  CHECK(farm[2].list_text().starts_with("# mine\neve: by the admin\n"));
  // The second of the release is over: from now on it counts.
  const auto freed = farm_lab::now();
  REQUIRE(until(farm.all, [&] { return farm_lab::now() > freed + 1; }));
  for (auto* host : farm.all) host->rejections("bob", 6);
  REQUIRE(until(farm.all, [&] { return redis->ask({"ZCARD", "test:w:users|bob"}).number == 18; }));
  CHECK(farm.all_list({"eve"}));
  farm[0].rejections("bob", 2);
  REQUIRE(until(farm.all, [&] { return farm.all_list({"bob", "eve"}); }));
  CHECK(farm.mails() == 2);
}

TEST_CASE("while the server is away every host counts alone; afterwards all is made good") {
  const auto redis = Redis::start();
  Farm farm(redis->socket());
  farm.start();
  for (auto* host : farm.all) host->rejections("bob", 3);
  REQUIRE(until(farm.all, [&] { return redis->ask({"ZCARD", "test:w:users|bob"}).number == 12; }));
  redis->stop();
  REQUIRE(until(farm.all, [&] { return !farm[0].farm().connected; }));
  farm[0].rejections("carol", 20);
  REQUIRE(until(farm.all, [&] { return farm[0].listed() == std::set<std::string>{"carol"}; }));
  for (auto* host : farm.all) host->rejections("dave", 4);
  farm[3].rejections("bob", 7);
  for (int i = 0; i < 20; ++i) farm[1].turn();
  // It comes back without its memory.
  redis->run();
  REQUIRE(until(farm.all, [&] { return farm.all_list({"carol"}); }));
  REQUIRE(until(farm.all, [&] {
    return redis->ask({"ZCARD", "test:w:users|bob"}).number == 19 &&
           redis->ask({"ZCARD", "test:w:users|dave"}).number == 16;
  }));
  farm[2].rejections("bob", 1);
  REQUIRE(until(farm.all, [&] { return farm.all_list({"bob", "carol"}); }));
  REQUIRE(until(farm.all, [&] { return farm.mails() == 2; }));
  for (auto* host : farm.all) CHECK(host->longest_turn() < std::chrono::seconds(1));
}

TEST_CASE("a host that was away learns what happened, and what it did holds for all") {
  const auto redis = Redis::start();
  Farm farm(redis->socket(), 3);
  farm.start();
  for (auto* host : farm.all) host->rejections("bob", 7);
  farm[0].rejections("carol", 20);
  REQUIRE(until(farm.all, [&] { return farm.all_list({"bob", "carol"}); }));
  farm[2].stop();
  farm[0].free_user("bob");
  farm[1].rejections("dave", 20);
  const std::vector<farm_lab::Host*> two{farm.all[0], farm.all[1]};
  REQUIRE(until(two, [&] {
    return farm[0].listed() == std::set<std::string>{"carol", "dave"} &&
           farm[1].listed() == farm[0].listed();
  }));
  farm[2].free_user("carol");  // while its service is down
  farm[2].start();
  REQUIRE(until(farm.all, [&] { return farm.all_list({"dave"}); }));
  CHECK(farm.mails() == 3);
}

TEST_CASE("a sender that a host exempts, or does not take from others, is not in its list") {
  const auto redis = Redis::start();
  Farm farm(redis->socket(), 4);
  farm[1].config().exempt.users = {"bob"};
  farm[2].config().farm.trust = agent::FarmTrust::none;
  farm[3].config().farm.trust = agent::FarmTrust::seen;
  farm.start();
  farm[3].rejections("carol", 1);
  farm[0].rejections("bob", 20);
  farm[0].rejections("carol", 20);
  const bool good = until(farm.all, [&] {
    return farm[0].listed() == std::set<std::string>{"bob", "carol"} &&
           farm[1].listed() == std::set<std::string>{"carol"} &&
           farm[3].listed() == std::set<std::string>{"carol"};
  });
  INFO(farm[0].list_text() << "\n" << farm[1].list_text() << "\n" << farm[3].list_text());
  REQUIRE(good);
  CHECK(farm[2].listed().empty());
  // And that is no word of freedom for the others.
  farm[2].edit("x: y\n");
  REQUIRE(until(farm.all, [&] { return farm[0].listed().count("x") > 0; }));
  CHECK(farm[0].listed() == std::set<std::string>{"bob", "carol", "x"});
}

TEST_CASE("a server that forgets is told again what it knew, by whoever notices") {
  const auto redis = Redis::start();
  Farm farm(redis->socket(), 2, std::chrono::milliseconds(200));
  farm.start();
  farm[0].rejections("bob", 20);
  REQUIRE(until(farm.all, [&] { return farm.all_list({"bob"}); }));
  farm[1].free_user("bob");
  REQUIRE(until(farm.all, [&] { return farm.all_list({}); }));
  (void)redis->ask({"FLUSHALL"});
  REQUIRE(until(farm.all, [&] { return redis->ask({"HLEN", "test:blocks"}).number == 1; }));
  farm[1].rejections("carol", 20);
  REQUIRE(until(farm.all, [&] { return farm.all_list({"carol"}); }));
}

TEST_CASE("a server without room is a fault that is said, and nothing is lost by it") {
  const auto redis = Redis::start({"--maxmemory", "100mb"});
  Farm farm(redis->socket(), 2);
  farm.start();
  (void)redis->ask({"CONFIG", "SET", "maxmemory", "1kb"});
  for (auto* host : farm.all) host->rejections("bob", 10);
  REQUIRE(
      until(farm.all, [&] { return farm[0].farm().fault.find("no room") != std::string::npos; }));
  (void)redis->ask({"CONFIG", "SET", "maxmemory", "100mb"});
  REQUIRE(until(farm.all, [&] { return farm.all_list({"bob"}); }));
}

TEST_CASE("the user of conf/redis/exiwarden.acl may do all that a farm needs, and no more") {
  fakes::Directory directory;
  auto acl = fakes::content(CONF_DIR "/redis/exiwarden.acl");
  const std::string mark = "PASSWORD_SHA256";
  REQUIRE(acl.find(mark) != std::string::npos);
  acl.replace(acl.find(mark), mark.size(), agent::sha256_hex("secret"));
  fakes::write(directory / "acl", acl);
  fakes::write(directory / "password", "secret\n", 0600);
  const auto redis = Redis::start({"--aclfile", directory / "acl"});
  Farm farm(redis->socket(), 2, std::chrono::milliseconds(200));
  for (auto* host : farm.all) {
    host->config().farm.user = "exiwarden";
    host->config().farm.password_file = directory / "password";
    host->config().farm.prefix = "exiwarden:";
    host->config().rules[0].block_for = {std::chrono::hours(1)};
    host->config().rules.push_back(host->config().rules[0]);
    host->config().rules[1].name = "distinct";
    host->config().rules[1].count = agent::CountBy::recipients;
  }
  farm.start();
  for (auto* host : farm.all) host->rejections("bob", 10);
  REQUIRE(until(farm.all, [&] { return farm.all_list({"bob"}); }));
  farm[0].free_user("bob");
  REQUIRE(until(farm.all, [&] { return farm.all_list({}); }));
  farm[1].stop();
  farm[1].start();
  farm[0].rejections("eve", 20);
  REQUIRE(until(farm.all, [&] { return farm.all_list({"eve"}); }));
  CHECK(farm[0].farm().fault.empty());

  auto settings = redis->settings("mx1");
  settings.user = "exiwarden";
  settings.password_file = directory / "password";
  auto connection = agent::FarmSession::connect(settings);
  REQUIRE(connection);
  for (const auto& command : std::vector<agent::FarmConnection::Words>{
           {"FLUSHALL"},
           {"KEYS", "*"},
           {"CONFIG", "GET", "*"},
           {"GET", "other"},
           {"SET", "other", "x"},
           {"SCRIPT", "FLUSH"},
           {"SHUTDOWN"},
           {"EVAL", "return redis.call('SET', 'other', 'x')", "0"}}) {
    INFO(command[0]);
    const auto answer = connection->ask(command);
    REQUIRE(answer);
    CHECK(answer->is_error());
  }
}

TEST_CASE("distinct networks count once for the whole farm, on whichever host each was seen") {
  const auto redis = Redis::start();
  Farm farm(redis->socket(), 3);
  for (auto* host : farm.all) {
    auto& rule = host->config().rules[0];
    rule.signals = {agent::Signal::accepted};
    rule.count = agent::CountBy::networks;
    rule.limit = 4;
  }
  farm.start();
  // Three networks, each seen by several hosts, from addresses of their own.
  for (std::size_t i = 0; i < 3; ++i) {
    farm[i].message("bob", "192.0.2." + std::to_string(i + 1));
    farm[i].message("bob", "198.51.100." + std::to_string(i + 1));
    farm[i].message("bob", "203.0.113." + std::to_string(i + 1));
    farm[i].message("eve", "10.0." + std::to_string(i) + ".1");
  }
  farm[0].message("eve", "10.0.3.1");
  REQUIRE(until(farm.all, [&] { return farm.all_list({"eve"}); }));
  farm[2].message("bob", "2001:db8::1");
  REQUIRE(until(farm.all, [&] { return farm.all_list({"bob", "eve"}); }));
  CHECK(farm[0].decisions.at(0).count == 4);
}
