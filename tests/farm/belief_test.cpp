// What a host believes of the words it hears, and how much of them: the server, or who writes
// there, may be anybody's.
#include <algorithm>

#include "tests/catch.h"
#include "tests/farm/member_lab.h"

using namespace member_lab;

namespace {

constexpr std::int64_t kFarm = kNow * 1000;  // by the server's clock
constexpr std::int64_t kDay = 86'400'000;

NamedStatement counted(std::int64_t stamp, const std::string& host = "mx1") {
  auto of = word(true, stamp, host);
  of.record.why = FarmStatement::Why::count;
  of.record.rule = "users";
  return of;
}

std::vector<FarmMember::Order> hear(Host& host, const NamedStatement& word) {
  host.link.say(FarmNews::Kind::word, word);
  return host.turn();
}

}  // namespace

TEST_CASE("our own name in a word opens no door") {
  Host seen("mx1", [](agent::Config& config) { config.farm.trust = agent::FarmTrust::seen; });
  CHECK(hear(seen, word(true, kFarm, "mx1")).empty());
  CHECK(seen.member.refused().trust == 1);
  Host few("mx1", [](agent::Config& config) { config.farm.max_per_hour = 1; });
  for (const char* user : {"a", "b", "c"}) (void)hear(few, word(true, kFarm, "mx1", user));
  CHECK(few.blocked().size() == 1);
}

TEST_CASE("a word from far ahead is none") {
  Host host;
  CHECK(hear(host, word(false, 253402300799000, "mx2")).empty());
  CHECK(hear(host, word(true, kFarm + 600'000)).empty());
  CHECK(host.member.records() == 0);
  CHECK(hear(host, word(true, kFarm + 60'000)).size() == 1);
  // What was believed once goes with the next comparison.
  Host old;
  old.member.restore({{"users|bob", "op=free t=253402300799000 host=x why=hand id=bob", true}},
                     {"/lists/users"});
  old.link.all_words({});
  old.turn();
  CHECK(old.member.records() == 0);
  CHECK(old.link.words.empty());
}

TEST_CASE(
    "networks are taken as wide as a list may hold them, and none with an exempt host in it") {
  Host host("mx1", [](agent::Config& config) {
    config.exempt.hosts = {*agent::Network::parse("192.0.2.0/28"),
                           *agent::Network::parse("2001:db8::1")};
  });
  for (const char* key : {"192.0.2.7", "192.0.2.0/24", "192.0.2.8/29", "0.0.0.0/0", "10.0.0.0/8",
                          "::/0", "2001:db8::/64", "2001::/16"}) {
    INFO(key);
    CHECK(hear(host, word(true, kFarm, "mx2", key, "relays")).empty());
  }
  for (const char* key : {"192.0.2.64", "198.51.100.0/24", "2001:db8:1::/64"}) {
    INFO(key);
    CHECK(hear(host, word(true, kFarm, "mx2", key, "relays")).size() == 1);
  }
}

TEST_CASE("releases that empty a window are counted like any other") {
  Host host("mx1", [](agent::Config& config) { config.farm.max_per_hour = 1; });
  agent::Occurrence event;
  event.time = Instant(std::chrono::seconds(kNow));
  event.identity = "bob";
  const auto count = [&] { host.counting.add(event, [](agent::Decision&&) {}); };
  count();
  CHECK(hear(host, word(false, kFarm + 1)).size() == 1);
  count();
  CHECK(hear(host, word(false, kFarm + 2)).empty());
  CHECK(host.member.refused().postponed == 1);
  // Nothing is to be done about a sender of which nothing is known and that was freed long ago.
  CHECK(hear(host, word(false, kFarm - kDay, "mx2", "eve")).empty());
  CHECK(host.member.refused().postponed == 1);
}

TEST_CASE("old news is no notice") {
  Host host;
  host.counting.set_blocked(0, "bob");
  CHECK(hear(host, counted(kFarm - 3 * 60'000)).empty());
  Host crashed;
  crashed.counting.set_blocked(0, "bob");
  const auto orders = hear(crashed, counted(kFarm - 60'000));
  REQUIRE(orders.size() == 1);
  CHECK(orders[0].kind == FarmMember::Order::Kind::notice);
  // Cut off when it was decided, and not listed yet.
  Host cut;
  CHECK(hear(cut, counted(kFarm - 20 * 60'000)).at(0).notice);
  // Another has blocked, too, meanwhile: ours was the first.
  auto second = counted(kFarm - 60'000, "mx2");
  second.record.teller = "mx1";
  CHECK(hear(*std::make_unique<Host>(), second).at(0).notice);
  CHECK_FALSE(hear(*std::make_unique<Host>("mx2"), second).at(0).notice);
  Host rebuilt;
  CHECK_FALSE(hear(rebuilt, counted(kFarm - kDay)).at(0).notice);
}

TEST_CASE("words that nobody needs any more are forgotten, and not told again") {
  Host host;
  auto ended = word(true, kFarm - 50 * kDay, "mx2", "ended");
  ended.record.until = kNow - 40 * 86'400;
  const std::vector words{word(false, kFarm - 40 * kDay), ended,
                          word(true, kFarm - 40 * kDay, "mx2", "eve"),
                          word(false, kFarm - 20 * kDay, "mx2", "carol")};
  host.link.all_words(words);
  host.turn();
  CHECK(host.member.records() == 2);
  host.link.words.clear();
  host.link.all_words({});
  host.turn();
  Names told;
  for (const auto& said : host.link.words) told.push_back(said.name.key);
  std::sort(told.begin(), told.end());
  CHECK(told == Names{"carol", "eve"});
}

TEST_CASE("a list that moved to another file is nobody's release") {
  Host before;
  before.link.all_words({word(true, kFarm)});
  before.turn();
  Host host;  // with an empty list
  host.member.restore(before.member.saved(), {"/old/users", "/lists/relays"});
  host.member.compare(host.counting, true, host.now());
  host.member.hand_over(host.counting);
  CHECK(host.link.words.empty());
  // What holds is put into the new one.
  host.turn();
  CHECK(host.blocked() == Names{"bob"});
  CHECK(host.link.words.empty());
  auto moved = host.config;
  moved.rules[0].list = "/other/users";
  host.counting = agent::Counting(moved);
  host.member.configure(moved, "mx1");
  host.turn();
  CHECK(host.link.words.empty());
  CHECK(host.blocked() == Names{"bob"});
}

TEST_CASE("the later of two words says until when a block lasts") {
  Host host;
  auto first = word(true, kFarm, "mx2"), second = word(true, kFarm + 1, "mx3");
  first.record.until = kNow + 100;
  second.record.until = kNow + 200;
  second.record.times = 2;
  (void)hear(host, first);
  host.counting.set_end(0, "bob", Instant(std::chrono::seconds(kNow + 100)));
  const auto orders = hear(host, second);
  REQUIRE(orders.size() == 1);
  CHECK(orders[0].kind == FarmMember::Order::Kind::end);
  CHECK(orders[0].word.record.until == kNow + 200);
  host.counting.set_end(0, "bob", Instant(std::chrono::seconds(kNow + 200)));
  CHECK(hear(host, second).empty());
  CHECK(hear(host, first).empty());
}

TEST_CASE("a log whose stamps are ahead makes no word of a block that still lasts") {
  Host host;
  auto timed = word(true, kFarm, "mx2");
  timed.record.until = kNow + 1800;
  (void)hear(host, timed);
  host.counting.set_end(0, "bob", Instant(std::chrono::seconds(kNow + 1800)));
  agent::Occurrence event;
  event.time = Instant(std::chrono::seconds(kNow + 3600));
  event.identity = "eve";
  host.counting.add(event, [](agent::Decision&&) {});
  host.turn();
  CHECK(host.link.words.empty());
  // Nor of one that has ended here by it.
  host.counting.end({Instant(std::chrono::seconds(kNow + 1800)), 0, "bob"});
  host.turn();
  CHECK(host.link.words.empty());
  CHECK(host.blocked().empty());
}

TEST_CASE("windows that can't decide any more are not told, nor names that nobody could take") {
  Host host;
  host.counting.on_counted([&](const auto& event) { host.member.counted(event); });
  const auto count = [&](const std::string& user, std::int64_t time) {
    agent::Occurrence event;
    event.time = Instant(std::chrono::seconds(time));
    event.identity = user;
    host.counting.add(event, [](agent::Decision&&) {});
  };
  count("old", kNow - 3601);
  count("young", kNow - 3599);
  count(std::string(600, 'x'), kNow);
  count("a\tb", kNow);
  host.turn();
  CHECK(host.link.events.size() == 2);
  host.link.events.clear();
  host.link.say(FarmNews::Kind::windows);
  host.turn();
  REQUIRE(host.link.events.size() == 1);
  CHECK(host.link.events[0].key == "young");
}

TEST_CASE("the name of a host may change while it runs") {
  Host host("mx7");
  host.member.configure(host.config, "mx8");
  host.link.all_words({});
  host.counting.set_blocked(0, "bob");
  host.turn();
  REQUIRE(host.link.words.size() == 1);
  CHECK(host.link.words[0].record.host == "mx8");
}
