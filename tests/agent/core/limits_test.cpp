#include "agent/core/limits.h"

#include "agent/config/config_file.h"
#include "agent/core/counting.h"
#include "tests/catch.h"

using namespace agent;

namespace {

Rule rule(const std::string& identity, const std::string& overrides) {
  const auto parsed = parse_config(
      "[[rule]]\nname = \"r\"\nlimit = 5\nidentity = \"" + identity + "\"\n" + overrides, "");
  return parsed->rules.at(0);
}

constexpr const char* kUsers = R"(
[[rule.override]]
users = ["Big@lists.example", "small@lists.example"]
limit = 50
[[rule.override]]
domains = ["Lists.Example"]
limit = 20
[[rule.override]]
users = ["small@lists.example", "solo"]
limit = 2
)";
constexpr const char* kRelays = R"(
[[rule.override]]
hosts = ["192.0.2.1"]
limit = 1
[[rule.override]]
hosts = ["192.0.2.0/24", "2001:db8::/48"]
users = ["customer"]
limit = 9
)";

}  // namespace

TEST_CASE("the first override that fits has the limit") {
  struct Row {
    const char *kind, *identity;
    std::uint32_t limit;
  };
  const Row rows[] = {
      {"user", "bob", 5},
      {"user", "big@lists.example", 50},
      {"user", "small@lists.example", 50},
      {"user", "other@lists.example", 20},
      {"user", "a@b@lists.example", 20},
      {"user", "lists.example", 5},
      {"user", "x@sub.lists.example", 5},
      {"user", "solo", 2},
      {"user", "192.0.2.1", 5},
      {"relay", "192.0.2.1", 1},
      {"relay", "192.0.2.2", 9},
      {"relay", "192.0.3.1", 5},
      {"relay", "2001:db8:0:1::/64", 9},
      {"relay", "2001:db8:0:1::7", 9},
      {"relay", "2001:db8:1::/64", 5},
      {"relay", "2001:db8::/32", 5},  // wider than what the override names
      {"relay", "customer", 9},
  };
  const Limits users(rule("user", kUsers)), relays(rule("relay", kRelays)), plain(rule("user", ""));
  for (const auto& row : rows) {
    INFO(row.identity);
    const auto& limits = row.kind == std::string("user") ? users : relays;
    CHECK(limits.of(row.identity) == row.limit);
    CHECK(limits.is_own(row.identity) == (row.limit != 5));
    CHECK(plain.of(row.identity) == 5);
  }
  CHECK(users.highest() == 50);
  CHECK(plain.highest() == 5);
}

TEST_CASE("decisions are made at the identity's own limit") {
  auto config = default_config();
  config.rules = {rule("user", kUsers)};
  Counting counting(config);
  std::vector<std::pair<std::string, std::uint32_t>> decided;
  for (int i = 0; i < 60; ++i) {
    for (const char* who : {"bob", "BIG@lists.example", "any@lists.example", "solo"}) {
      Occurrence event;
      event.time = Instant(std::chrono::seconds(1000 + i));
      event.identity = who;
      counting.add(event, [&](Decision&& decision) {
        CHECK(decision.limit == decision.count);
        CHECK(decision.limit == static_cast<std::uint32_t>(i + 1));
        decided.emplace_back(decision.identity, decision.limit);
      });
    }
  }
  CHECK(decided ==
        std::vector<std::pair<std::string, std::uint32_t>>{
            {"solo", 2}, {"bob", 5}, {"any@lists.example", 20}, {"BIG@lists.example", 50}});
}
