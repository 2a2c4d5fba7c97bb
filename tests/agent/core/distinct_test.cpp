// What is counted of an event, against a plain recount of everything that ever happened.
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "agent/config/config_file.h"
#include "agent/core/attribution.h"
#include "agent/core/counting.h"
#include "agent/values/network.h"
#include "tests/agent/core/restart.h"
#include "tests/catch.h"

namespace agent {
namespace {

using std::chrono::seconds;

struct Event {
  std::int64_t time = 0;
  Signal signal = Signal::rejected_rcpt;
  IdentityKind kind = IdentityKind::user;
  std::string identity, host, recipient, message_id, list;
  std::optional<std::string> sender, set_id;
};

Occurrence occurrence(const Event& event) {
  Occurrence made;
  made.time = Instant(seconds(event.time));
  made.signal = event.signal;
  made.kind = event.kind;
  made.identity = event.identity;
  made.host = event.host;
  made.recipient = event.recipient;
  made.message_id = event.message_id;
  made.recipient_list = event.list;
  if (event.sender) made.sender = *event.sender;
  if (event.set_id) made.set_id = *event.set_id;
  return made;
}

// The values that a rule tells apart, in words.
std::vector<std::string> values_of(const Rule& rule, const Event& event, std::size_t number) {
  const auto network = [&](int v4, int v6) -> std::vector<std::string> {
    const auto address = IpAddress::parse(event.host);
    if (!address) return {};
    return {Network::around(*address, address->v6 ? v6 : v4).text()};
  };
  switch (rule.count) {
    case CountBy::attempts:
      return {std::to_string(number)};
    case CountBy::recipients: {
      if (event.signal != Signal::accepted) return {folded(event.recipient)};
      if (event.list.empty()) return {folded(event.message_id)};
      std::istringstream list(event.list);
      std::vector<std::string> all;
      for (std::string one; list >> one;) all.push_back(folded(one));
      return all;
    }
    case CountBy::hosts:
      return network(32, 128);
    case CountBy::networks:
      return network(rule.network_v4, rule.network_v6);
    case CountBy::senders:
      return event.sender ? std::vector{folded(*event.sender)} : std::vector<std::string>();
    case CountBy::ids:
      return event.set_id ? std::vector{folded(*event.set_id)} : std::vector<std::string>();
  }
  return {};
}

using Verdict = std::tuple<std::string, std::string, std::int64_t, std::uint32_t, std::int64_t>;

class Naive {
 public:
  explicit Naive(const Config& config) : config_(config) {}

  std::vector<Verdict> add(const Event& event) {
    ++number_;
    std::vector<Verdict> verdicts;
    for (const auto& rule : config_.rules) {
      if (rule.identity != event.kind) continue;
      if (std::count(rule.signals.begin(), rule.signals.end(), event.signal) == 0) continue;
      const auto who = key(rule, event);
      if (blocked_.count({rule.name, folded(who)}) > 0) continue;
      auto& story = stories_[{rule.name, folded(who)}];
      const auto values = values_of(rule, event, number_);
      if (values.empty()) continue;
      for (const auto& value : values) story.emplace_back(event.time, value);
      std::int64_t newest = event.time;
      for (const auto& [time, value] : story) newest = std::max(newest, time);
      std::map<std::string, std::int64_t> last;
      for (const auto& [time, value] : story) {
        if (time <= newest - rule.period.count()) continue;
        auto& known = last.emplace(value, time).first->second;
        known = std::max(known, time);
      }
      if (last.size() < rule.limit) continue;
      std::vector<std::int64_t> times;
      for (const auto& [value, time] : last) times.push_back(time);
      std::sort(times.begin(), times.end());
      blocked_.insert({rule.name, folded(who)});
      verdicts.emplace_back(rule.name, who, event.time, rule.limit,
                            times[times.size() - rule.limit]);
    }
    return verdicts;
  }

 private:
  static std::string key(const Rule& rule, const Event& event) {
    if (rule.identity != IdentityKind::host) return event.identity;
    const auto address = *IpAddress::parse(event.identity);
    if (!address.v6) return address.text();
    return Network::around(address, rule.ipv6_prefix != 0 ? rule.ipv6_prefix : 56).text();
  }
  const Config& config_;
  std::size_t number_ = 0;
  std::set<std::pair<std::string, std::string>> blocked_;
  std::map<std::pair<std::string, std::string>, std::vector<std::pair<std::int64_t, std::string>>>
      stories_;
};

TEST_CASE(
    "each count decides as a plain recount does, on random logs with late lines and restarts") {
  const std::vector<std::string> hosts{"192.0.2.1",     "192.0.2.2",         "192.0.3.1",
                                       "198.51.100.1",  "2001:db8::1",       "2001:db8:0:1::1",
                                       "2001:db8:1::1", "2001:db8:0:100::1", "2001:DB8::2"};
  std::map<CountBy, std::size_t> decisions;
  std::size_t restarts = 0;
  for (unsigned seed = 0; seed < 1000; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](int low, int high) {
      return std::uniform_int_distribution<int>(low, high)(random);
    };
    const auto one_of = [&](const std::vector<std::string>& all) {
      return all[static_cast<std::size_t>(pick(0, static_cast<int>(all.size()) - 1))];
    };
    Config config = default_config();
    config.rules.clear();
    for (int i = 0, count = pick(1, 4); i < count; ++i) {
      Rule rule;
      rule.name = "rule" + std::to_string(i);
      rule.list = "/" + rule.name;
      rule.identity = pick(0, 2) == 0 ? IdentityKind::host : IdentityKind::user;
      if (rule.identity == IdentityKind::host && pick(0, 2) == 0) rule.ipv6_prefix = 48;
      rule.count = static_cast<CountBy>(pick(0, 5));
      if (pick(0, 1) == 0) rule.network_v4 = 16, rule.network_v6 = 64;
      rule.signals.clear();
      for (int s = 0; s < 8; ++s) {
        if (pick(0, 1) == 0) rule.signals.push_back(static_cast<Signal>(s));
      }
      if (rule.signals.empty()) rule.signals = {Signal::accepted};
      rule.limit = static_cast<std::uint32_t>(pick(1, 6));
      rule.period = seconds(pick(1, 60));
      config.rules.push_back(rule);
    }
    Counting counting(config);
    Naive naive(config);
    std::int64_t now = 1'000'000;
    for (int i = 0; i < 80; ++i) {
      INFO("seed " << seed << " event " << i);
      now += pick(0, 6);
      if (pick(0, 30) == 0) now += 4000;
      if (pick(0, 9) == 0) counting.expire(Instant(seconds(now)));
      if (pick(0, 9) == 0) {
        counting = restarted(counting, config);
        ++restarts;
      }
      Event event;
      event.time = now - pick(0, 8);
      event.signal = static_cast<Signal>(pick(0, 7));
      event.kind = pick(0, 1) == 0 ? IdentityKind::host : IdentityKind::user;
      event.host = one_of(hosts);
      event.identity =
          event.kind == IdentityKind::host ? event.host : one_of({"bob", "BOB", "eve"});
      event.recipient = one_of({"a@x", "A@X", "b@x", "c@x", "d@x"});
      event.message_id = "id" + std::to_string(pick(0, 5));
      if (pick(0, 1) == 0) event.list = one_of({"a@x", "a@x b@x", "c@x B@x d@x", "e@x f@x"});
      if (pick(0, 3) != 0) event.sender = one_of({"", "s@x", "S@x", "t@x", "u@x"});
      if (pick(0, 3) != 0) event.set_id = one_of({"", "bob", "BOB", "eve", "root"});
      auto expected = naive.add(event);
      std::vector<Verdict> got;
      counting.add(occurrence(event), [&](Decision&& decision) {
        got.emplace_back(decision.rule, decision.identity, decision.time.time_since_epoch().count(),
                         decision.count, decision.first.time_since_epoch().count());
        for (const auto& rule : config.rules) {
          if (rule.name == decision.rule) ++decisions[rule.count];
        }
      });
      std::sort(expected.begin(), expected.end());
      std::sort(got.begin(), got.end());
      REQUIRE(got == expected);
    }
  }
  for (int count = 0; count <= static_cast<int>(CountBy::ids); ++count) {
    INFO(name_of(static_cast<CountBy>(count)));
    CHECK(decisions[static_cast<CountBy>(count)] > 100);
  }
  CHECK(restarts > 1000);
}

TEST_CASE("values of one sort are not taken for another when a rule counts something else") {
  Rule rule;
  rule.name = "r";
  rule.list = "/r";
  rule.limit = 3;
  Config config = default_config();
  const auto made = [&](CountBy count) {
    rule.count = count;
    config.rules = {rule};
    return Counting(config);
  };
  const auto add = [](Counting& counting, std::int64_t time) {
    Event event;
    event.time = time;
    event.identity = "bob";
    event.host = "192." + std::to_string(time) + ".2.1";
    event.recipient = "a" + std::to_string(time);
    event.sender = "b" + std::to_string(time);
    bool decided = false;
    counting.add(occurrence(event), [&](Decision&&) { decided = true; });
    return decided;
  };
  for (int before = 0; before < 5; ++before) {
    for (int after = 0; after < 5; ++after) {
      if (before == after) continue;
      INFO(before << " " << after);
      auto old = made(static_cast<CountBy>(before));
      CHECK_FALSE(add(old, 1));
      CHECK_FALSE(add(old, 2));
      auto next = made(static_cast<CountBy>(after));
      next.restore(old.take_subjects(), old.layout(), old.newest());
      // Attempts that were counted stay attempts, whether they came with a recipient or not.
      const bool kept = after == 0 && before == 1;
      CHECK(add(next, 3) == kept);
      if (kept) continue;
      CHECK_FALSE(add(next, 4));
      CHECK(add(next, 5));
    }
  }
}

TEST_CASE("evidence of one signal is not shown for another") {
  Rule refused, hosts;
  refused.name = "refused";
  refused.list = "/a";
  refused.limit = 2;
  hosts.name = "hosts";
  hosts.list = "/b";
  hosts.limit = 3;
  hosts.count = CountBy::hosts;
  hosts.signals = {Signal::accepted};
  Config config = default_config();
  config.rules = {refused, hosts};
  Counting counting(config);
  std::vector<Decision> decisions;
  const auto add = [&](Signal signal, const char* host, const char* recipient) {
    Event event;
    event.time = 100;
    event.signal = signal;
    event.identity = "bob";
    event.host = host;
    event.recipient = recipient;
    counting.add(occurrence(event),
                 [&](Decision&& decision) { decisions.push_back(std::move(decision)); });
  };
  add(Signal::accepted, "192.0.2.1", "");
  add(Signal::accepted, "192.0.2.1", "");
  add(Signal::rejected_rcpt, "192.0.2.1", "dead1@x");
  add(Signal::rejected_rcpt, "192.0.2.2", "dead2@x");
  add(Signal::accepted, "192.0.2.3", "");
  add(Signal::accepted, "192.0.2.4", "");
  REQUIRE(decisions.size() == 2);
  CHECK(decisions[0].hosts == std::vector<HostCount>{{"192.0.2.1", 1}, {"192.0.2.2", 1}});
  CHECK(decisions[0].samples.size() == 2);
  CHECK(decisions[0].refusals);
  CHECK(decisions[0].what == "refused recipients");
  CHECK(decisions[1].hosts ==
        std::vector<HostCount>{{"192.0.2.3", 1}, {"192.0.2.4", 1}});  // from half of the limit on
  CHECK(decisions[1].samples.empty());
  CHECK(decisions[1].what == "client addresses");
}

}  // namespace
}  // namespace agent
