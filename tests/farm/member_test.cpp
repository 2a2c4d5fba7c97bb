// A host's part in the farm, with a link that the test plays.
#include "agent/farm/member.h"

#include <algorithm>
#include <random>

#include "tests/catch.h"
#include "tests/farm/member_lab.h"

using namespace member_lab;

TEST_CASE("words of others become blocks, and freedom") {
  Host host;
  host.link.say(FarmNews::Kind::word, word(true, 5));
  CHECK(host.turn().size() == 1);
  CHECK(host.blocked() == Names{"bob"});
  CHECK(host.turn().empty());
  host.link.say(FarmNews::Kind::word, word(false, 4));  // an older one
  CHECK(host.turn().empty());
  host.link.say(FarmNews::Kind::word, word(false, 6));
  host.turn();
  CHECK(host.blocked().empty());
  CHECK(host.link.words.empty());
}

TEST_CASE("what somebody did in the list here is not undone by an old word") {
  Host host;
  host.link.all_words({word(true, 5)});
  host.turn();
  REQUIRE(host.blocked() == Names{"bob"});
  // Freed by hand while the server is away; then it tells all again.
  host.counting.set_freed(0, "bob", std::nullopt);
  host.link.all_words({word(true, 5)});
  host.turn();
  CHECK(host.blocked().empty());
  REQUIRE(host.link.words.size() >= 1);
  for (const auto& said : host.link.words) {
    CHECK_FALSE(said.record.blocked);
    CHECK(said.record.stamp > 5);
    CHECK(said.record.host == "mx1");
  }
}

TEST_CASE("the same after a restart in between") {
  Host before;
  before.link.all_words({word(true, 5)});
  before.turn();
  const auto saved = before.member.saved();
  Host host;
  host.member.restore(saved, {"/lists/users", "/lists/relays"});
  CHECK(host.member.saved() == saved);
  host.link.all_words({word(true, 5)});
  host.turn();
  CHECK(host.blocked().empty());
  CHECK_FALSE(host.link.words.empty());
}

TEST_CASE("a list that was there before becomes words only where the farm has none") {
  Host host;
  host.counting.set_blocked(0, "old");
  host.counting.set_blocked(0, "freed");
  host.turn();
  CHECK(host.link.words.empty());  // nothing is known of the farm yet
  host.link.all_words({word(false, 5, "mx2", "freed"), word(true, 5, "mx2", "new")});
  host.turn();
  CHECK(host.blocked() == Names{"new", "old"});
  REQUIRE(host.link.words.size() == 1);
  CHECK(host.link.words[0].name.key == "old");
  CHECK(host.link.compared_times == 1);
}

TEST_CASE("a server that knows less is told the rest") {
  Host host;
  host.link.all_words({word(true, kNow * 1000), word(false, kNow * 1000, "mx3", "eve")});
  host.turn();
  host.link.words.clear();
  host.link.all_words({word(true, kNow * 1000)});
  host.turn();
  REQUIRE(host.link.words.size() == 1);
  CHECK(host.link.words[0] == word(false, kNow * 1000, "mx3", "eve"));
}

TEST_CASE("words that are not followed are no words of ours") {
  const auto refusing = [](agent::FarmTrust trust) {
    return [trust](agent::Config& config) { config.farm.trust = trust; };
  };
  struct Row {
    NamedStatement word;
    std::function<void(agent::Config&)> config;
  };
  auto network = word(true, 5, "mx2", "192.0.2.0/24", "relays");
  const Row rows[] = {
      {word(true, 5, "mx2", "bob", "others"), [](agent::Config&) {}},
      {word(true, 5, "mx2", "not an address", "relays"), [](agent::Config&) {}},
      {word(true, 5, "mx2", "192.0.2.1/24", "relays"), [](agent::Config&) {}},
      {word(true, 5), [](agent::Config& config) { config.exempt.users = {"Bob"}; }},
      {word(true, 5), refusing(agent::FarmTrust::none)},
      {word(true, 5), refusing(agent::FarmTrust::seen)},
  };
  for (const auto& row : rows) {
    INFO(row.word.name.list << " " << row.word.name.key);
    Host host("mx1", row.config);
    host.link.all_words({row.word});
    CHECK(host.turn().empty());
    host.link.all_words({row.word});
    CHECK(host.turn().empty());
    CHECK(host.link.words.empty());
  }
  Host host;
  host.link.say(FarmNews::Kind::word, network);
  CHECK(host.turn().size() == 1);
}

TEST_CASE("no more blocks in an hour than farm.max_per_hour; the rest comes later") {
  Host host("mx1", [](agent::Config& config) { config.farm.max_per_hour = 3; });
  std::vector<NamedStatement> many;
  for (int i = 0; i < 5; ++i) many.push_back(word(true, 5, "mx2", "u" + std::to_string(i)));
  host.link.all_words(many);
  host.turn();
  CHECK(host.blocked().size() == 3);
  CHECK(host.member.refused().postponed == 2);
  CHECK(host.link.words.empty());
  host.steady += std::chrono::minutes(61);
  host.link.all_words(many);
  host.turn();
  CHECK(host.blocked().size() == 5);
}

TEST_CASE("only the host that completed the count tells the abuse desk, also after a crash") {
  auto counted = word(true, kNow * 1000, "mx1");
  counted.record.why = FarmStatement::Why::count;
  counted.record.rule = "users";
  for (const char* name : {"mx1", "mx2"}) {
    Host host(name);
    host.link.say(FarmNews::Kind::word, counted);
    const auto orders = host.turn();
    REQUIRE(orders.size() == 1);
    CHECK(orders[0].notice == (std::string(name) == "mx1"));
  }
  // The line was written, then we died.
  Host host;
  host.counting.set_blocked(0, "bob");
  host.link.all_words({counted});
  const auto orders = host.turn();
  REQUIRE(orders.size() == 1);
  CHECK(orders[0].kind == FarmMember::Order::Kind::notice);
}

TEST_CASE("live windows are handed over in parts, under the names they had") {
  Host host;
  host.counting.on_counted([&](const auto& event) { host.member.counted(event); });
  for (int i = 0; i < 7; ++i) {
    agent::Occurrence event;
    event.time = Instant(std::chrono::seconds(kNow + i / 3));
    event.identity = "Bob";
    host.counting.add(event, [](agent::Decision&&) {});
  }
  host.turn();
  auto names_of = [](const std::vector<agent::FarmEvent>& events) {
    std::vector<std::pair<std::int64_t, std::uint64_t>> names;
    for (const auto& event : events) names.emplace_back(event.time, event.member);
    std::sort(names.begin(), names.end());
    return names;
  };
  const auto first = names_of(host.link.events);
  REQUIRE(first.size() == 7);
  CHECK(std::adjacent_find(first.begin(), first.end()) == first.end());
  host.link.events.clear();
  host.link.room = false;
  host.link.say(FarmNews::Kind::windows);
  host.turn();
  CHECK(host.link.events.empty());
  CHECK(host.member.has_windows());
  host.link.room = true;
  host.turn();
  CHECK(names_of(host.link.events) == first);
  CHECK_FALSE(host.member.has_windows());
}

TEST_CASE("whatever the order in which words come, all hosts end with the same") {
  std::mt19937 random(5);
  for (int round = 0; round < 100; ++round) {
    std::vector<NamedStatement> words;
    for (int i = 0; i < 12; ++i) {
      words.push_back(word(random() % 2 == 0, 1 + static_cast<int>(random() % 6),
                           "mx" + std::to_string(2 + random() % 3),
                           "k" + std::to_string(random() % 3)));
    }
    // A host says one thing about somebody at a time.
    std::sort(words.begin(), words.end(), [](const NamedStatement& a, const NamedStatement& b) {
      return std::tie(a.name, a.record.stamp, a.record.host) <
             std::tie(b.name, b.record.stamp, b.record.host);
    });
    words.erase(std::unique(words.begin(), words.end(),
                            [](const NamedStatement& a, const NamedStatement& b) {
                              return a.name == b.name && a.record.stamp == b.record.stamp &&
                                     a.record.host == b.record.host;
                            }),
                words.end());
    std::optional<Names> first;
    for (int order = 0; order < 4; ++order) {
      std::shuffle(words.begin(), words.end(), random);
      Host host;
      for (const auto& one : words) {
        host.link.say(FarmNews::Kind::word, one);
        if (random() % 2 == 0) host.turn();
        if (random() % 4 == 0) host.link.say(FarmNews::Kind::word, one);
      }
      host.turn();
      if (!first) first = host.blocked();
      CHECK(host.blocked() == *first);
      CHECK(host.link.words.empty());
    }
  }
}
