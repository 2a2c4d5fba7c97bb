#include "agent/core/attribution.h"

#include "agent/config/config_file.h"
#include "tests/catch.h"

using agent::Attribution;
using agent::Charged;

TEST_CASE("who is charged") {
  auto config = agent::default_config();
  config.relay.hosts = {*agent::Network::parse("192.0.2.0/24"),
                        *agent::Network::parse("2001:db8::/32")};
  config.exempt.users = {"Newsletter@Example.org", "tab\there"};
  config.exempt.domains = {"Lists.example"};
  config.exempt.hosts = {*agent::Network::parse("192.0.2.128/25"),
                         *agent::Network::parse("198.51.100.0/24")};
  Attribution attribution(
      config, {*agent::IpAddress::parse("192.0.2.25"), *agent::IpAddress::parse("2001:db8::25")});
  using Text = std::optional<std::string_view>;
  struct Row {
    const char* what;
    Text user, host, authenticator;
    Charged verdict;
    std::string_view identity;
  };
  const Row rows[] = {
      {"a user", "bob", "203.0.113.1", "plain", Charged::user, "bob"},
      {"as it is printed", "Bob@Example.ORG", "203.0.113.1", "plain", Charged::user,
       "Bob@Example.ORG"},
      {"a user without host", "bob", {}, "plain", Charged::user, "bob"},
      {"a user on a relay host", "bob", "192.0.2.1", "plain", Charged::user, "bob"},
      {"a user on our own address", "bob", "192.0.2.25", "plain", Charged::user, "bob"},
      {"a user on an exempt host", "bob", "192.0.2.200", "plain", Charged::user, "bob"},
      {"an id like an address", "192.0.2.1", "203.0.113.1", "plain", Charged::user, "192.0.2.1"},
      {"an exempt user", "newsletter@example.org", "203.0.113.1", "plain", Charged::exempt, ""},
      {"an exempt user, other case", "NEWSLETTER@EXAMPLE.ORG", "203.0.113.1", "plain",
       Charged::exempt, ""},
      {"blanks are part of an id", "newsletter@example.org ", "203.0.113.1", "plain", Charged::user,
       "newsletter@example.org "},
      {"a user of an exempt domain", "any@LISTS.example", "203.0.113.1", "plain", Charged::exempt,
       ""},
      {"what follows the last @", "a@b@lists.example", "203.0.113.1", "plain", Charged::exempt, ""},
      {"a subdomain of it", "any@sub.lists.example", "203.0.113.1", "plain", Charged::user,
       "any@sub.lists.example"},
      {"a user called as it", "lists.example", "203.0.113.1", "plain", Charged::user,
       "lists.example"},
      {"an exempt domain before another", "a@lists.example@x", "203.0.113.1", "plain",
       Charged::user, "a@lists.example@x"},
      {"no id", "", "203.0.113.1", "plain", Charged::nobody_known, ""},
      {"no id, on a relay host", "", "192.0.2.1", "plain", Charged::nobody_known, ""},
      {"a relay host", {}, "192.0.2.1", {}, Charged::relay, "192.0.2.1"},
      {"a relay host, IPv6", {}, "2001:db8:1::7", {}, Charged::relay, "2001:db8:1::7"},
      {"our own address", {}, "192.0.2.25", {}, Charged::own, ""},
      {"our own address, other spelling", {}, "::ffff:192.0.2.25", {}, Charged::own, ""},
      {"our own address, IPv6", {}, "2001:db8:0::25", {}, Charged::own, ""},
      {"an exempt host", {}, "192.0.2.200", {}, Charged::exempt, ""},
      {"an exempt host that may not relay", {}, "198.51.100.1", {}, Charged::outsider, ""},
      {"an outsider", {}, "203.0.113.1", {}, Charged::outsider, ""},
      {"next to a network", {}, "192.0.3.0", {}, Charged::outsider, ""},
      {"no address at all", {}, "bogus", {}, Charged::nobody_known, ""},
      {"neither id nor host", {}, {}, {}, Charged::nobody_known, ""},
  };
  // Twice: what is remembered of a host says the same.
  for (int round = 0; round < 2; ++round) {
    for (const auto& row : rows) {
      INFO(row.what);
      parsers::Event event;
      event.kind = parsers::Kind::rejected_rcpt;
      event.user = row.user;
      event.host = row.host;
      event.authenticator = row.authenticator;
      const auto charge = attribution.charge(event);
      CHECK(name_of(charge.verdict) == name_of(row.verdict));
      CHECK(charge.identity == row.identity);
      event.kind = parsers::Kind::ambiguous;
      CHECK(attribution.charge(event).verdict == Charged::nobody_known);
    }
  }
}

TEST_CASE("more hosts than are remembered are judged all the same") {
  auto config = agent::default_config();
  config.relay.hosts = {*agent::Network::parse("10.0.0.0/9")};
  Attribution attribution(config, {});
  for (unsigned i = 0; i < 70000; ++i) {
    const unsigned third = i >> 8 & 255, second = i >> 16 << 7;
    const auto host = "10." + std::to_string(second) + "." + std::to_string(third) + "." +
                      std::to_string(i & 255);
    parsers::Event event;
    event.kind = parsers::Kind::rejected_rcpt;
    event.host = host;
    const auto expected = second < 128 ? Charged::relay : Charged::outsider;
    if (attribution.charge(event).verdict != expected) FAIL(host);
  }
}

TEST_CASE("folding is ASCII only, as lsearch's") {
  CHECK(agent::folded("ABCxyz@[`{09") == "abcxyz@[`{09");
  CHECK(agent::folded("\xc3\x89\xc9") == "\xc3\x89\xc9");
  CHECK(agent::folded(std::string_view("A\0B", 3)) == std::string_view("a\0b", 3));
  // Every byte, at every place among eight, behind what is there already.
  for (std::size_t length = 1; length <= 17; ++length) {
    for (std::size_t at = 0; at < length; ++at) {
      for (int c = 0; c < 256; ++c) {
        std::string text(length, 'Z'), expected(length, 'z');
        text[at] = static_cast<char>(c);
        expected[at] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
        std::string out = "U:";
        agent::append_folded(text, out);
        if (out != "U:" + expected) FAIL(c << " at " << at << " of " << length);
      }
    }
  }
}
