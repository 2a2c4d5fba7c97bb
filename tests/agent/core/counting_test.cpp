#include "agent/core/counting.h"

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "agent/config/config_file.h"
#include "agent/core/attribution.h"
#include "tests/catch.h"

namespace agent {
namespace {

using std::chrono::seconds;

Instant at(std::int64_t second) {
  return Instant(seconds(second));
}

Rule rule(std::string name, IdentityKind kind, std::uint32_t limit, int period,
          CountBy count = CountBy::attempts, std::string list = "", int prefix = 0) {
  Rule made;
  made.list = list.empty() ? "/lists/" + name : std::move(list);
  made.name = std::move(name);
  made.identity = kind;
  made.limit = limit;
  made.period = seconds(period);
  made.count = count;
  made.ipv6_prefix = prefix;
  return made;
}

struct Event {
  std::int64_t time = 0;
  Signal signal = Signal::rejected_rcpt;
  IdentityKind kind = IdentityKind::user;
  std::string identity, recipient = "dead@example.net", host = "198.51.100.7";
  std::optional<std::int64_t> first_start = std::nullopt;  // of its log
};

Occurrence occurrence(const Event& event) {
  Occurrence made;
  made.time = at(event.time);
  made.signal = event.signal;
  made.kind = event.kind;
  made.identity = event.identity;
  made.recipient = event.recipient;
  made.host = event.host;
  if (event.first_start) made.first_start = at(*event.first_start);
  return made;
}

// rule, identity, second, count, first second
using Verdict = std::tuple<std::string, std::string, std::int64_t, std::uint32_t, std::int64_t>;

Verdict verdict_of(const Decision& decision) {
  return {decision.rule, decision.identity, decision.time.time_since_epoch().count(),
          decision.count, decision.first.time_since_epoch().count()};
}

std::vector<Verdict> decide(Counting& counting, const Event& event) {
  std::vector<Verdict> verdicts;
  counting.add(occurrence(event),
               [&](Decision&& decision) { verdicts.push_back(verdict_of(decision)); });
  return verdicts;
}

// The contract in its own words, with everything that ever happened kept.
class Naive {
 public:
  explicit Naive(const Config& config) : config_(config) {}

  std::int64_t started = std::numeric_limits<std::int64_t>::min() / 2;

  std::vector<Verdict> add(const Event& event) {
    std::vector<Verdict> verdicts;
    std::set<std::size_t> unblocked_before;
    for (std::size_t i = 0; i < config_.rules.size(); ++i) {
      if (!blocked.count({config_.rules[i].list, key(i, event)})) unblocked_before.insert(i);
    }
    for (const auto i : unblocked_before) {
      const auto& rule = config_.rules[i];
      const bool listens = std::count(rule.signals.begin(), rule.signals.end(), event.signal) > 0;
      if (rule.identity != event.kind || !listens) continue;
      auto& story = stories_[{i, key(i, event)}];
      story.emplace_back(event.time, folded(event.recipient));
      std::int64_t newest = story[0].first;
      for (const auto& [time, who] : story) newest = std::max(newest, time);
      std::map<std::string, std::int64_t> recipients;  // when each was last tried
      std::vector<std::int64_t> inside;
      for (const auto& [time, who] : story) {
        if (time <= newest - rule.period.count()) continue;
        inside.push_back(time);
        auto [place, fresh] = recipients.emplace(who, time);
        place->second = std::max(place->second, time);
      }
      if (rule.count == CountBy::recipients) {
        inside.clear();
        for (const auto& [who, time] : recipients) inside.push_back(time);
      }
      if (inside.size() < rule.limit || event.time <= started - rule.period.count()) continue;
      if (!blocked.insert({rule.list, key(i, event)}).second) continue;
      std::sort(inside.begin(), inside.end());
      const auto first = inside[inside.size() - rule.limit];  // of the newest `limit`
      verdicts.emplace_back(rule.name, identity(i, event), event.time, rule.limit, first);
    }
    return verdicts;
  }

  void free(const std::string& list, const std::string& folded_key) {
    blocked.erase({list, folded_key});
    for (auto& [who, story] : stories_) {
      if (config_.rules[who.first].list == list && who.second == folded_key) story.clear();
    }
  }

  std::set<std::pair<std::string, std::string>> blocked;  // list and key

 private:
  std::string identity(std::size_t i, const Event& event) const {
    const auto& rule = config_.rules[i];
    if (rule.identity != IdentityKind::relay) return event.identity;
    const auto address = *IpAddress::parse(event.identity);
    if (!address.v6) return address.text();
    return Network::around(address,
                           rule.ipv6_prefix != 0 ? rule.ipv6_prefix : config_.relay.ipv6_prefix)
        .text();
  }
  std::string key(std::size_t i, const Event& event) const {
    return config_.rules[i].identity == event.kind ? folded(identity(i, event)) : "";
  }

  const Config& config_;
  std::map<std::pair<std::size_t, std::string>, std::vector<std::pair<std::int64_t, std::string>>>
      stories_;
};

Config random_config(std::mt19937& random) {
  const auto pick = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  Config config = default_config();
  config.rules.clear();
  config.relay.ipv6_prefix = pick(0, 1) == 0 ? 128 : 64;
  for (int i = 0, count = pick(1, 5); i < count; ++i) {
    const auto kind = pick(0, 1) == 0 ? IdentityKind::user : IdentityKind::relay;
    // Some rules of a kind share a list.
    const auto list =
        std::string(kind == IdentityKind::user ? "/u" : "/r") + std::to_string(pick(0, 1));
    auto made = rule("rule" + std::to_string(i), kind, static_cast<std::uint32_t>(pick(1, 6)),
                     pick(1, 40), pick(0, 1) == 0 ? CountBy::attempts : CountBy::recipients, list);
    if (kind == IdentityKind::relay && pick(0, 2) == 0)
      made.ipv6_prefix = pick(0, 1) == 0 ? 64 : 48;
    if (pick(0, 2) == 0) made.signals = {Signal::tagged};
    config.rules.push_back(made);
  }
  return config;
}

TEST_CASE("decisions are those of the contract, counted naively, on random events") {
  const std::vector<std::string> users{"bob", "BOB", "Bob ", "eve@example.org", "EVE@example.ORG"};
  const std::vector<std::string> relays{"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2",
                                        "2001:DB8:0:1::1"};
  std::size_t decisions = 0, freed = 0;
  for (unsigned seed = 0; seed < 400; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](int low, int high) {
      return std::uniform_int_distribution<int>(low, high)(random);
    };
    const auto config = random_config(random);
    Counting counting(config);
    Naive naive(config);
    std::int64_t now = 1'000'000;
    if (seed % 3 == 0) naive.started = now + 60;
    for (int i = 0; i < 150; ++i) {
      INFO("seed " << seed << " event " << i);
      now += pick(0, 5);
      if (pick(0, 40) == 0) now += 4000;
      if (pick(0, 9) == 0) counting.expire(at(now));
      if (pick(0, 14) == 0 && !naive.blocked.empty()) {
        auto place = naive.blocked.begin();
        std::advance(place, pick(0, static_cast<int>(naive.blocked.size()) - 1));
        const auto [list, key] = *place;
        for (std::size_t l = 0; l < counting.lists().size(); ++l) {
          if (counting.lists()[l].path == list) counting.set_freed(l, key, std::nullopt);
        }
        naive.free(list, key);
        ++freed;
      }
      Event event;
      event.time = now - pick(0, 6);
      event.signal = pick(0, 1) == 0 ? Signal::rejected_rcpt : Signal::tagged;
      event.kind = pick(0, 1) == 0 ? IdentityKind::user : IdentityKind::relay;
      const auto& names = event.kind == IdentityKind::user ? users : relays;
      event.identity = names[static_cast<std::size_t>(pick(0, 4))];
      event.recipient = std::string(pick(0, 1) == 0 ? "R" : "r") + std::to_string(pick(0, 5));
      if (seed % 3 == 0) event.first_start = naive.started;
      auto expected = naive.add(event);
      auto got = decide(counting, event);
      std::sort(expected.begin(), expected.end());
      std::sort(got.begin(), got.end());
      REQUIRE(got == expected);
      decisions += got.size();
      for (std::size_t l = 0; l < counting.lists().size(); ++l) {
        std::set<std::string> keys;
        for (const auto& [list, key] : naive.blocked) {
          if (list == counting.lists()[l].path) keys.insert(key);
        }
        const auto blocked = counting.blocked(l);
        REQUIRE(std::set<std::string>(blocked.begin(), blocked.end()) == keys);
      }
    }
  }
  CHECK(decisions > 1000);
  CHECK(freed > 200);
}

Config with(std::vector<Rule> rules) {
  Config config = default_config();
  config.rules = std::move(rules);
  return config;
}

TEST_CASE("the edge of the window is exact, to the second") {
  Counting counting(with({rule("u", IdentityKind::user, 3, 60)}));
  CHECK(decide(counting, {.time = 1000, .identity = "bob"}).empty());
  CHECK(decide(counting, {.time = 1030, .identity = "bob"}).empty());
  CHECK(decide(counting, {.time = 1060, .identity = "bob"}).empty());  // the first is 60 s old: out
  CHECK(decide(counting, {.time = 1089, .identity = "bob"}) ==
        std::vector<Verdict>{{"u", "bob", 1089, 3, 1030}});
}

TEST_CASE(
    "identities are one whatever the case of their ASCII letters, and named as last printed") {
  Counting counting(with({rule("u", IdentityKind::user, 3, 60)}));
  CHECK(decide(counting, {.time = 1, .identity = "Bob"}).empty());
  CHECK(decide(counting, {.time = 2, .identity = "bob "}).empty());
  CHECK(decide(counting, {.time = 2, .identity = "bOB"}).empty());
  CHECK(decide(counting, {.time = 3, .identity = "BOB"}) ==
        std::vector<Verdict>{{"u", "BOB", 3, 3, 1}});
  CHECK(counting.is_blocked(0, "boB"));
  CHECK_FALSE(counting.is_blocked(0, "bob "));
}

TEST_CASE("a user and a relay host of one name are two") {
  Counting counting(
      with({rule("u", IdentityKind::user, 2, 60), rule("r", IdentityKind::relay, 2, 60)}));
  CHECK(decide(counting, {.time = 1, .identity = "192.0.2.1"}).empty());
  CHECK(
      decide(counting, {.time = 1, .kind = IdentityKind::relay, .identity = "192.0.2.1"}).empty());
  CHECK(decide(counting, {.time = 2, .identity = "192.0.2.1"}).size() == 1);
  CHECK(counting.is_blocked(0, "192.0.2.1"));
  CHECK_FALSE(counting.is_blocked(1, "192.0.2.1"));
}

TEST_CASE("who was blocked by hand is not decided on, and starts anew when freed") {
  Counting counting(with({rule("u", IdentityKind::user, 2, 60)}));
  CHECK(decide(counting, {.time = 1, .identity = "bob"}).empty());
  counting.set_blocked(0, "BOB");
  CHECK(decide(counting, {.time = 2, .identity = "bob"}).empty());
  CHECK(counting.blocked(0) == std::vector<std::string>{"bob"});
  counting.set_freed(0, "bob", std::nullopt);
  CHECK(decide(counting, {.time = 3, .identity = "bob"}).empty());
  CHECK(decide(counting, {.time = 4, .identity = "bob"}) ==
        std::vector<Verdict>{{"u", "bob", 4, 2, 3}});
}

TEST_CASE("what was written up to the moment of freeing belongs to the story before") {
  Counting counting(with({rule("u", IdentityKind::user, 2, 60)}));
  counting.set_blocked(0, "bob");
  counting.set_freed(0, "bob", at(10));
  for (int second = 8; second <= 10; ++second)
    CHECK(decide(counting, {.time = second, .identity = "bob"}).empty());
  CHECK(decide(counting, {.time = 11, .identity = "bob"}).empty());
  CHECK(decide(counting, {.time = 12, .identity = "bob"}).size() == 1);
}

TEST_CASE("of a release that others made, and that is heard late, what came after it counts on") {
  for (const auto by : {CountBy::attempts, CountBy::recipients}) {
    Counting counting(with({rule("u", IdentityKind::user, 5, 60, by)}));
    for (int second = 8; second <= 11; ++second) {
      const auto recipient = std::to_string(second);
      CHECK(decide(counting, {.time = second, .identity = "bob", .recipient = recipient}).empty());
    }
    counting.set_freed_by_others(0, "bob", at(9));
    for (int second = 9; second <= 13; ++second) {
      const auto recipient = "later" + std::to_string(second);
      CHECK(decide(counting, {.time = second, .identity = "bob", .recipient = recipient}).empty() ==
            (second != 12));
    }
    // Of a sender that was unknown, only the time of its release is kept.
    counting.set_freed_by_others(0, "eve", at(20));
    CHECK(decide(counting, {.time = 20, .identity = "eve"}).empty());
    CHECK_FALSE(counting.is_blocked(0, "eve"));
  }
}

TEST_CASE("rules with one list: the first to be reached decides, the other is silent until freed") {
  Counting counting(with({rule("fast", IdentityKind::user, 2, 5, CountBy::attempts, "/l"),
                          rule("slow", IdentityKind::user, 3, 100, CountBy::attempts, "/l")}));
  CHECK(counting.lists().size() == 1);
  CHECK(decide(counting, {.time = 1, .identity = "bob"}).empty());
  CHECK(decide(counting, {.time = 10, .identity = "bob"}).empty());
  // Both at once: one line in the list, so one decision.
  CHECK(decide(counting, {.time = 11, .identity = "bob"}) ==
        std::vector<Verdict>{{"fast", "bob", 11, 2, 10}});
  CHECK(decide(counting, {.time = 12, .identity = "bob"}).empty());
  counting.set_freed(0, "bob", std::nullopt);
  CHECK(decide(counting, {.time = 20, .identity = "bob"}).empty());
  CHECK(decide(counting, {.time = 30, .identity = "bob"}).empty());
  CHECK(decide(counting, {.time = 40, .identity = "bob"}) ==
        std::vector<Verdict>{{"slow", "bob", 40, 3, 20}});
}

TEST_CASE("old lines fill windows; only what is younger than a period at the start decides") {
  Counting counting(with({rule("u", IdentityKind::user, 3, 100)}));
  const auto refused_at = [&](std::int64_t second) {
    return decide(counting, {.time = second, .identity = "bob", .first_start = 1000});
  };
  for (int second = 880; second < 890; ++second) CHECK(refused_at(second).empty());
  CHECK(refused_at(900).empty());  // a period old to the second
  CHECK(refused_at(901) == std::vector<Verdict>{{"u", "bob", 901, 3, 889}});
}

TEST_CASE("senders whose old lines fill a window are told once, those that are blocked since not") {
  Counting counting(
      with({rule("u", IdentityKind::user, 3, 100), rule("v", IdentityKind::user, 4, 100),
            rule("r", IdentityKind::relay, 1, 100)}));
  const auto refused = [&](const char* who, std::int64_t second) {
    return decide(counting, {.time = second, .identity = who, .first_start = 1000});
  };
  const auto told = [&] {
    std::vector<std::pair<std::string, std::uint64_t>> rules;
    for (const auto& rule : counting.take_undecided()) {
      CHECK(rule.limit == (rule.rule == "u" ? 3 : 4));
      CHECK(rule.period == std::chrono::seconds(100));
      rules.emplace_back(rule.rule, rule.senders);
    }
    return rules;
  };
  using Told = std::vector<std::pair<std::string, std::uint64_t>>;
  CHECK_FALSE(counting.has_undecided());
  for (int second = 880; second < 883; ++second) CHECK(refused("ann", second).empty());
  for (int second = 880; second < 890; ++second) CHECK(refused("Bob", second).empty());
  CHECK(refused("carol", 880).empty());
  CHECK(counting.has_undecided());
  CHECK(told() == Told{{"u", 2}, {"v", 1}});
  CHECK_FALSE(counting.has_undecided());
  for (int second = 500; second < 503; ++second) CHECK(refused("ann", second).empty());
  CHECK(told().empty());  // told already
  for (int second = 880; second < 883; ++second) CHECK(refused("dave", second).empty());
  CHECK(refused("dave", 950).size() == 2);
  CHECK(told().empty());
}

TEST_CASE("a decision carries hosts and samples, each refusal once") {
  // Two ways of grouping: an IPv4 host is the same identity in both.
  Counting counting(with({rule("each", IdentityKind::relay, 4, 60, CountBy::attempts, "/a"),
                          rule("net", IdentityKind::relay, 6, 60, CountBy::attempts, "/b", 64)}));
  std::vector<Decision> decisions;
  for (int i = 0; i < 6; ++i) {
    const Event event{.time = i,
                      .kind = IdentityKind::relay,
                      .identity = "192.0.2.1",
                      .recipient = "r" + std::to_string(i),
                      .host = "192.0.2.1"};
    counting.add(occurrence(event),
                 [&](Decision&& decision) { decisions.push_back(std::move(decision)); });
  }
  REQUIRE(decisions.size() == 2);
  CHECK(decisions[0].hosts == std::vector<HostCount>{{"192.0.2.1", 4}});
  CHECK(decisions[1].hosts == std::vector<HostCount>{{"192.0.2.1", 6}});
  REQUIRE(decisions[0].samples.size() == 3);  // from half of the limit on
  CHECK(decisions[0].samples.back().recipient == "r3");
  CHECK(decisions[1].samples.size() == 5);
}

TEST_CASE("evidence is bounded, whatever a sender does") {
  Counting counting(with({rule("u", IdentityKind::user, 1000, 3600)}));
  std::vector<Decision> decisions;
  for (int i = 0; i < 1000; ++i) {
    const Event event{.time = i,
                      .identity = "bob",
                      .recipient = std::string(5000, 'x'),
                      .host = "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250)};
    counting.add(occurrence(event),
                 [&](Decision&& decision) { decisions.push_back(std::move(decision)); });
  }
  REQUIRE(decisions.size() == 1);
  CHECK(decisions[0].hosts.size() == Counting::kMaxHosts);
  CHECK(decisions[0].other_hosts == 1000 - Counting::kMaxHosts);
  CHECK(decisions[0].samples.size() == Counting::kMaxSamples);
  CHECK(decisions[0].samples.back().recipient.size() < 1000);
}

TEST_CASE("identities are forgotten when nothing of them can count any more") {
  Counting counting(with({rule("u", IdentityKind::user, 3, 60)}));
  decide(counting, {.time = 1000, .identity = "bob"});
  decide(counting, {.time = 1000, .identity = "eve"});
  counting.set_blocked(0, "eve");
  counting.expire(at(4659));
  CHECK(counting.identities() == 2);  // a line that is late may still come
  counting.expire(at(4660));
  CHECK(counting.identities() == 1);
  CHECK(counting.is_blocked(0, "eve"));
}

TEST_CASE("windows and blocks follow their rule and list into another config") {
  const auto old_config = with({rule("a", IdentityKind::user, 3, 60, CountBy::attempts, "/a"),
                                rule("r", IdentityKind::relay, 3, 60, CountBy::attempts, "/r"),
                                rule("b", IdentityKind::user, 5, 60, CountBy::attempts, "/b")});
  Counting before(old_config);
  for (int i = 0; i < 2; ++i) decide(before, {.time = 100 + i, .identity = "bob"});
  before.set_blocked(0, "eve");
  before.set_blocked(1, "192.0.2.1");
  Counting after(with({rule("new", IdentityKind::user, 9, 60, CountBy::attempts, "/new"),
                       rule("b", IdentityKind::user, 3, 60, CountBy::attempts, "/b"),
                       rule("r", IdentityKind::relay, 3, 60, CountBy::attempts, "/r"),
                       rule("a", IdentityKind::user, 9, 60, CountBy::attempts, "/a")}));
  after.restore(before.subjects(), before.layout(), before.newest());
  CHECK(after.newest() == at(101));
  CHECK(after.blocked(3) == std::vector<std::string>{"eve"});
  CHECK(after.blocked(2) == std::vector<std::string>{"192.0.2.1"});
  CHECK(after.blocked(0).empty());
  // Two of bob's were counted for "b" already, whose limit is 3 now.
  CHECK(decide(after, {.time = 102, .identity = "bob"}) ==
        std::vector<Verdict>{{"b", "bob", 102, 3, 100}});
}

}  // namespace
}  // namespace agent
