#include "agent/config/first_config.h"

#include <fstream>
#include <sstream>

#include "agent/config/config_file.h"
#include "agent/config/trial_rules.h"
#include "agent/core/config.h"
#include "tests/catch.h"

using namespace agent;

TEST_CASE("Exim's host lists as networks") {
  struct Case {
    const char* list;
    std::vector<std::string> networks, left_out;
  };
  const Case cases[] = {
      {"", {}, {}},
      {": 127.0.0.1 : ::::1", {"127.0.0.1", "::1"}, {}},
      {"<; 192.0.2.0/24 ; 2001:db8::/32", {"192.0.2.0/24", "2001:db8::/32"}, {}},
      {"<, 192.0.2.1,2001:db8::1", {"192.0.2.1", "2001:db8::1"}, {}},
      {"127.0.0.1 : @[] : @ : *.example.org : !192.0.2.7 : net-lsearch;/etc/relays",
       {"127.0.0.1"},
       {"*.example.org", "!192.0.2.7", "net-lsearch;/etc/relays"}},
      {"2001::db8::::5 : 10.0.0.1/8", {"2001:db8::5"}, {"10.0.0.1/8"}},
  };
  for (const auto& one : cases) {
    CAPTURE(one.list);
    const auto hosts = read_exim_hosts(one.list);
    std::vector<std::string> networks;
    for (const auto& network : hosts.networks) networks.push_back(network.text());
    CHECK(networks == one.networks);
    CHECK(hosts.left_out == one.left_out);
  }
}

TEST_CASE("the rules for stolen accounts are the same everywhere, sound, and all on trial") {
  const std::string rules(trial_rules());
  std::ifstream file(CONF_DIR "/exiwarden.toml");
  std::stringstream shipped;
  shipped << file.rdbuf();
  CHECK(shipped.str().find(rules) != std::string::npos);
  CHECK(first_config({}).toml.ends_with(rules));
  std::istringstream lines(rules);
  std::string toml;
  bool begun = false;
  for (std::string line; std::getline(lines, line);) {
    REQUIRE(line.starts_with("# "));
    begun = begun || line == "# [[rule]]";
    if (begun) toml += line.substr(2) + "\n";
  }
  const auto config = parse_config(toml, "");
  REQUIRE(config);
  CHECK(config.value().warnings.empty());
  CHECK(config.value().rules.size() == 6);
  for (const auto& rule : config.value().rules) {
    INFO(rule.name);
    CHECK(rule.mode == RuleMode::trial);
  }
}

TEST_CASE("a first configuration is sound, and holds what Exim said") {
  EximFacts facts;
  facts.binary = "/usr/sbin/exim";
  facts.config = "/etc/exim/exim.conf";
  facts.mail_name = "mx.example.org";
  facts.relay_list = "relay_from_hosts";
  facts.relays = read_exim_hosts("<; 192.0.2.0/24 ; 2001:db8::/32 ; *.x.test\nevil = 1");
  facts.settings = {{"log_file_path", "syslog : /var/log/exim/%s.log"},
                    {"timezone", "Europe/Berlin"},
                    {"exim_user", "exim"},
                    {"acl_smtp_rcpt", "acl_r"}};
  const auto first = first_config(facts);
  const auto parsed = parse_config(first.toml, "");
  REQUIRE(parsed);
  const auto& config = parsed.value();
  CHECK(config.log.paths == std::vector<std::string>{"/var/log/exim/main.log"});
  CHECK(config.log.timezone == "Europe/Berlin");
  CHECK(config.relay.hosts.size() == 2);
  CHECK(config.exim.user == "exim");
  CHECK(config.exim.binary == "/usr/sbin/exim");
  CHECK(config.notify.to == std::vector<std::string>{"postmaster@mx.example.org"});
  CHECK(config.rules.size() == 2);
  CHECK(first.not_found.size() == 1);

  EximFacts unknown;
  unknown.binary = "/usr/sbin/exim";
  const auto nothing = first_config(unknown);
  CHECK(parse_config(nothing.toml, ""));
  CHECK(nothing.not_found.size() >= 4);
}

TEST_CASE("whatever Exim's settings hold stays what it is in the configuration") {
  struct Case {
    const char* name;
    const char* value;
    const char* log;
    const char* zone;
    const char* user;
  };
  const Case cases[] = {
      {"timezone", "UTC0", "/var/log/exim4/mainlog", "UTC", "exim"},
      {"timezone", "", "/var/log/exim4/mainlog", "local", "exim"},
      {"log_file_path", "/l/a\"b\\c/%slog", "/l/a\"b\\c/mainlog", "local", "exim"},
      {"log_file_path", "/l/%s-%D", "/l/main-%D", "local", "exim"},
      {"exim_user", "ex\\im\"", "/var/log/exim4/mainlog", "local", "ex\\im\""},
      {"exim_user", "93", "/var/log/exim4/mainlog", "local", "Debian-exim"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.name, one.value);
    EximFacts facts;
    facts.binary = "/usr/sbin/exim4";
    facts.settings = {{"log_file_path", "/var/log/exim4/%slog"}, {"exim_user", "exim"}};
    facts.settings[one.name] = one.value;
    const auto parsed = parse_config(first_config(facts).toml, "");
    REQUIRE(parsed);
    CHECK(parsed.value().log.paths == std::vector<std::string>{one.log});
    CHECK(parsed.value().log.timezone == one.zone);
    CHECK(parsed.value().exim.user == one.user);
    CHECK(parsed.value().rules.size() == 1);  // nobody relays
  }
}

TEST_CASE("the variant that counts has its secret and counts nothing but tagged lines") {
  EximFacts facts;
  facts.binary = "/usr/sbin/exim4";
  facts.variant = AclVariant::count;
  facts.relays = read_exim_hosts("192.0.2.0/24");
  const auto parsed = parse_config(first_config(facts).toml, "");
  REQUIRE(parsed);
  const auto& config = parsed.value();
  CHECK(config.log.tag_secret_file == "/etc/exiwarden/tag.secret");
  REQUIRE(config.rules.size() == 2);
  for (const auto& rule : config.rules) CHECK(rule.signals == std::vector{Signal::tagged});
}
