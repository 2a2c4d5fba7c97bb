#include "agent/core/config.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "agent/config/config_dump.h"
#include "agent/config/config_file.h"
#include "tests/catch.h"

using agent::Config;
using agent::parse_config;

namespace {

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> problems_of(const std::string& text) {
  const auto parsed = parse_config(text, "x.toml");
  std::vector<std::string> described;
  if (!parsed) {
    for (const auto& problem : parsed.error()) described.push_back(agent::describe(problem));
  }
  return described;
}

Config sound(const std::string& text) {
  auto parsed = parse_config(text, "x.toml");
  if (!parsed) FAIL(agent::describe(parsed.error().front()) << "\nin: " << text);
  return std::move(parsed).value();
}

// "log.paths", "rule.limit": of a TOML text as we write it, one key a line.
std::set<std::string> keys_of(const std::string& text, bool commented_too) {
  std::set<std::string> keys;
  std::istringstream lines(text);
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    if (commented_too && line.starts_with("# [[")) line.erase(0, 2);
    if (line.starts_with("[")) {
      const auto begin = line.find_first_not_of('[');
      section = line.substr(begin, line.find(']') - begin);
    }
    if (commented_too && line.starts_with("# ")) line.erase(0, 2);
    const auto equals = line.find(" = ");
    if (equals == std::string::npos || line.find(' ') != equals || line[0] == '#') continue;
    keys.insert(section + "." + line.substr(0, equals));
  }
  return keys;
}

// What the code itself says it accepts in a section.
std::set<std::string> accepted_in(const std::string& section, const std::string& header) {
  std::set<std::string> keys;
  for (const auto& problem : problems_of(header + "\nqqqqqqqqqqqq = 1\n")) {
    const std::string words = "is no known key; accepted here: ";
    const auto at = problem.find(words);
    if (at == std::string::npos) continue;
    std::istringstream names(problem.substr(at + words.size()));
    for (std::string name; std::getline(names, name, ',');) {
      keys.insert(section + (section.empty() ? "" : ".") +
                  name.substr(name.find_first_not_of(' ')));
    }
  }
  return keys;
}

}  // namespace

TEST_CASE("conf/exiwarden.toml shows every key with its default") {
  const auto text = read_file(CONF_DIR "/exiwarden.toml");
  REQUIRE_FALSE(text.empty());
  const auto shipped = sound(text);
  CHECK(shipped.warnings.empty());
  CHECK(agent::effective_config(shipped) == agent::effective_config(agent::default_config()));

  std::set<std::string> known;
  for (const auto& section : accepted_in("", "")) {
    const bool many = section == "rule" || section == "pattern" || section == "identity_map" ||
                      section == "action";
    const auto header = many ? "[[" + section + "]]" : "[" + section + "]";
    const auto keys = accepted_in(section, header);
    CHECK_FALSE(keys.empty());
    known.insert(keys.begin(), keys.end());
  }
  const auto override = accepted_in(
      "rule.override", "[[rule]]\nname = \"r\"\nidentity = \"user\"\n[[rule.override]]");
  known.insert(override.begin(), override.end());
  known.erase("rule.override");
  CHECK(known.size() > 40);
  CHECK(keys_of(text, true) == known);
  // The other way that all keys are listed: what check prints.
  auto grouped = agent::default_config();
  grouped.rules[1].ipv6_prefix = 64;
  grouped.rules[1].count = agent::CountBy::networks;
  grouped.rules[1].overrides.push_back(
      {{"a"}, {"b.example"}, {*agent::Network::parse("192.0.2.1")}, 5});
  grouped.patterns.push_back({"warned", "^x (?P<user>.*)$", true});
  grouped.identity_maps.push_back({agent::IdentityKind::user, "x", "y", "/names"});
  // Of an action stands there what its transport needs.
  for (const auto transport : {agent::Transport::smtp, agent::Transport::sendmail,
                               agent::Transport::exec, agent::Transport::webhook}) {
    auto& action = grouped.actions.emplace_back();
    action.via.transports = {transport};
    if (transport == agent::Transport::smtp) action.via.to_file = "/customers";
  }
  CHECK(keys_of(agent::effective_config(grouped), false) == known);
}

TEST_CASE("what is in force, printed and read again, is the same") {
  const std::string texts[] = {
      "",
      "[relay]\nhosts = [\"192.0.2.0/24\", \"2001:db8::/32\", \"::ffff:192.0.2.1\"]\n"
      "own = [\"@[]\", \"192.0.2.1\"]\nipv6_prefix = 64\n",
      "[log]\npaths = [\"/a/mainlog-%D\", \"/b b/\\\"q\\\\\"]\njunk_helo = true\n"
      "syslog_duplication = false\ntimezone = \"Europe/Berlin\"\n",
      "[exempt]\nusers = [\"a b\\\"c\\\\d\\u001b\\u007f\", \"\\u00e9\"]\nhosts = "
      "[\"10.0.0.0/8\"]\n",
      "[reasons]\nmissing = [\"default\", '^no\\s+\"such\" user$']\nother = []\n",
      "[state]\ndirectory = \"/s\"\nmetrics = \"/m/x.prom\"\n",
      "[exim]\nbinary = \"/usr/sbin/exim\"\nuser = \"exim\"\n",
      "[notify]\nto = [\"a@b.example\", \"c@d.example\"]\nfrom = \"x@y.example\"\n"
      "transports = [\"none\"]\nsmtp = \"[::1]:2525\"\nsendmail = [\"/bin/x\", \"a b\"]\n",
      "[[rule]]\nname = \"fast\"\nidentity = \"user\"\nlimit = 10\nperiod = \"1m\"\n"
      "[[rule]]\nname = \"r\"\nidentity = \"relay\"\nsignals = [\"tagged\"]\nlimit = 1000000\n"
      "period = \"366d\"\ncount = \"recipients\"\nlist = \"/l\"\nipv6_prefix = 56\n",
      "[log]\nsilence_alarm = false\n[exim]\nspool_guard = true\n[notify]\n"
      "transports = [\"exec\", \"webhook\"]\nexec = [\"/bin/x\", \"{}\"]\n"
      "webhook = \"https://a.example/b?c\"\nsubject = \"{{{identity}}}\"\nbody_file = \"/b\"\n"
      "[[rule]]\nname = \"r\"\nidentity = \"user\"\nwatch = \"7%\"\nblock_for = \"1d\"\n"
      "[[rule]]\nname = \"s\"\nidentity = \"user\"\nblock_for = [\"1h\", \"2d\", \"forever\"]\n"
      "repeat_within = \"2w\"\n",
      "[exempt]\nuser_files = [\"/a\", \"/b\"]\nhost_files = [\"/c\"]\ndomains = [\"a.example\"]\n"
      "[[identity_map]]\nidentity = \"user\"\nregex = '\\W(.*)'\nrewrite = '\\1'\n"
      "[[identity_map]]\nidentity = \"relay\"\nfile = \"/d\"\n"
      "[[rule]]\nname = \"r\"\nidentity = \"relay\"\n"
      "[[rule.override]]\nusers = [\"u\"]\nhosts = [\"192.0.2.0/24\"]\nlimit = 7\n"
      "[[rule.override]]\ndomains = [\"a.example\"]\nlimit = 8\n",
      "[reasons]\nspam = [\"default\", \"yuck\"]\n[[rule]]\nname = \"r\"\nidentity = \"host\"\n"
      "mode = \"trial\"\nsignals = [\"auth_failed\"]\ncount = \"ids\"\n[[rule]]\nname = \"s\"\n"
      "identity = \"user\"\nsignals = [\"accepted\", \"deferred\", \"accused\"]\ncount = "
      "\"networks\"\n"
      "network_prefixes = [16, 32]\n[[rule]]\nname = \"t\"\nidentity = \"user\"\nmin_share = "
      "\"20%\"\n",
  };
  for (const auto& text : texts) {
    const auto once = agent::effective_config(sound(text));
    CHECK(agent::effective_config(sound(once)) == once);
  }
  const auto config = sound(texts[8]);
  REQUIRE(config.rules.size() == 2);
  CHECK(config.rules[0].limit == 10);
  CHECK(config.rules[0].period == std::chrono::minutes(1));
  CHECK(config.rules[0].list == "/var/lib/exiwarden/exim/blocked_authenticated_users");
  CHECK(config.rules[1].identity == agent::IdentityKind::relay);
  CHECK(config.rules[1].signals == std::vector{agent::Signal::tagged});
  CHECK(config.rules[1].count == agent::CountBy::recipients);
  CHECK(config.rules[1].ipv6_prefix == 56);
}

TEST_CASE("lists stand below the state directory unless they are given") {
  const auto config = sound("[state]\ndirectory = \"/srv/x\"\n");
  REQUIRE(config.rules.size() == 2);
  CHECK(config.rules[0].list == "/srv/x/exim/blocked_authenticated_users");
  CHECK(config.rules[1].list == "/srv/x/exim/blocked_relay_users");
}

TEST_CASE("each fault is said with its place, its key and what is accepted") {
  const std::string rule = "[[rule]]\nname = \"r\"\nidentity = \"user\"\n";
  struct Row {
    std::string text;
    std::string place_and_key;
    std::vector<std::string> parts;
  };
  const Row rows[] = {
      {"[lgo]\n", "x.toml:1:2: lgo ", {"no known key", "did you mean \"log\"?", "accepted here: "}},
      {"[log]\ntimezon = \"UTC\"\n", "x.toml:2:1: log.timezon ", {"did you mean \"timezone\"?"}},
      {"[log]\nwurstbrot = 1\n", "x.toml:2:1: log.wurstbrot ", {"no known key; accepted here:"}},
      {"log = 3\n", "x.toml:1:7: log ", {"is 3; accepted: a table, written as [log]"}},
      {"[log]\npaths = \"/a\"\n", "x.toml:2:9: log.paths ", {"a list in square brackets"}},
      {"[log]\npaths = []\n", "x.toml:2:9: log.paths ", {"at least one log"}},
      {"[log]\npaths = [\"a\"]\n", "x.toml:2:10: log.paths ", {"holds \"a\"", "absolute path"}},
      {"[log]\npaths = [\"/%D/x\"]\n", "x.toml:2:10: log.paths ", {"last part"}},
      {"[log]\ntimezone = \"../etc\"\n", "x.toml:2:12: log.timezone ", {"Europe/Berlin"}},
      {"[log]\ntimezone = \"Europe/Nirgends\"\n", "x.toml:2:12: log.timezone ", {"this machine"}},
      {"[log]\ntimezone = 1\n", "x.toml:2:12: log.timezone ", {"a string in quotes"}},
      {"[log]\njunk_helo = \"yes\"\n", "x.toml:2:13: log.junk_helo ", {"true, false, \"auto\""}},
      {"[relay]\nhosts = [\"10.0.0.1/8\"]\n",
       "x.toml:2:10: relay.hosts ",
       {"holds \"10.0.0.1/8\"", "did you mean \"10.0.0.0/8\"?"}},
      {"[relay]\nhosts = [\"host.example\"]\n", "x.toml:2:10: relay.hosts ", {"a network like"}},
      {"[relay]\nhosts = [5]\n", "x.toml:2:10: relay.hosts ", {"a list of strings"}},
      {"[relay]\nown = [\"@\"]\n", "x.toml:2:8: relay.own ", {"every interface"}},
      {"[relay]\nipv6_prefix = 0\n", "x.toml:2:15: relay.ipv6_prefix ", {"from 1 to 128"}},
      {"[relay]\nipv6_prefix = 64.0\n", "x.toml:2:15: relay.ipv6_prefix ", {"from 1 to 128"}},
      {"[exempt]\nusers = [\"\"]\n", "x.toml:2:10: exempt.users ", {"a name"}},
      {"[exempt]\nusers = [\"*@a.example\"]\n",
       "x.toml:2:10: exempt.users ",
       {"no patterns", "domains = [\"a.example\"]"}},
      {"[exempt]\nusers = [\"@a.example\"]\n",
       "x.toml:2:10: exempt.users ",
       {"no patterns", "domains = [\"a.example\"]"}},
      {"[exempt]\nusers = [\"news*\"]\n", "x.toml:2:10: exempt.users ", {"no patterns"}},
      {"[exempt]\ndomains = [\"*.a.example\"]\n", "x.toml:2:12: exempt.domains ", {"no pattern"}},
      {"[exempt]\ndomains = [\"u@a.example\"]\n",
       "x.toml:2:12: exempt.domains ",
       {"without \"@\""}},
      {"[reasons]\nother = [\"(\"]\n", "x.toml:2:10: reasons.other ", {"RE2 says: missing )"}},
      {"[state]\ndirectory = \"/a/\"\n",
       "x.toml:2:13: state.directory ",
       {"without '/' at its end"}},
      {"[state]\nmetrics = \"m\"\n", "x.toml:2:11: state.metrics ", {"absolute path"}},
      {"[exim]\nuser = \"\"\n", "x.toml:2:8: exim.user ", {"a name"}},
      {"[notify]\nto = [\"abuse\"]\n", "x.toml:2:7: notify.to ", {"abuse@example.org"}},
      {"[notify]\nto = [\"a@b.example\\nBcc: x@y.example\"]\n",
       "x.toml:2:7: notify.to ",
       {"a@b.example\\x0aBcc"}},
      {"[notify]\nto = [\"-f@b.example\"]\n", "x.toml:2:7: notify.to ", {"an address"}},
      {"[notify]\nto = [\"a@b!c\"]\n", "x.toml:2:7: notify.to ", {"an address"}},
      {"[notify]\ntransports = [\"sntp\"]\n",
       "x.toml:2:15: notify.transports ",
       {"did you mean \"smtp\"?", "smtp, sendmail, exec, webhook, none"}},
      {"[notify]\nsmtp = \"localhost\"\n", "x.toml:2:8: notify.smtp ", {"host:port"}},
      {"[notify]\nsmtp = \"h:0\"\n", "x.toml:2:8: notify.smtp ", {"host:port"}},
      {"[notify]\nsmtp = \"h:65536\"\n", "x.toml:2:8: notify.smtp ", {"host:port"}},
      {"[notify]\nsmtp = \"u@h/x:25\"\n", "x.toml:2:8: notify.smtp ", {"host:port"}},
      {"[notify]\nsendmail = [\"exim\"]\n", "x.toml:2:12: notify.sendmail ", {"absolute path"}},
      {"[notify]\nsendmail = []\n", "x.toml:2:12: notify.sendmail ", {"absolute path"}},
      {rule + "limit = 0\n", "x.toml:4:9: rule[1].limit ", {"from 1 to 1000000"}},
      {rule + "limit = \"many\"\n", "x.toml:4:9: rule[1].limit ", {"is \"many\"; accepted:"}},
      {rule + "limit = 1000001\n", "x.toml:4:9: rule[1].limit ", {"is 1000001"}},
      {rule + "period = 3600\n", "x.toml:4:10: rule[1].period ", {"units", "\"1h30m\""}},
      {rule + "period = \"60\"\n", "x.toml:4:10: rule[1].period ", {"is \"60\"", "units"}},
      {rule + "period = \"0s\"\n", "x.toml:4:10: rule[1].period ", {"from 1s to 366d"}},
      {rule + "period = \"367d\"\n", "x.toml:4:10: rule[1].period ", {"from 1s to 366d"}},
      {rule + "count = \"attempt\"\n",
       "x.toml:4:9: rule[1].count ",
       {"did you mean \"attempts\"?", "attempts, recipients"}},
      {rule + "signals = []\n", "x.toml:4:11: rule[1].signals ", {"empty"}},
      {rule + "signals = [\"rejected\"]\n", "x.toml:4:12: rule[1].signals ", {"rejected_rcpt"}},
      {rule + "list = \"relative\"\n", "x.toml:4:8: rule[1].list ", {"absolute path"}},
      {rule + "list = \"/a//b\"\n", "x.toml:4:8: rule[1].list ", {"absolute path"}},
      {rule + "list = \"/a/../b\"\n", "x.toml:4:8: rule[1].list ", {"absolute path"}},
      {rule + "ipv6_prefix = 64\n", "x.toml:4:15: rule[1].ipv6_prefix ", {"\"host\" only"}},
      {"[[rule]]\nidentity = \"user\"\n", "x.toml:1:1: rule[1].name ", {"is missing"}},
      {"[[rule]]\nname = \"r\"\n", "x.toml:1:1: rule[1].identity ", {"user, relay"}},
      {"[[rule]]\nname = \"\"\nidentity = \"user\"\n", "x.toml:2:8: rule[1].name ", {"1 to 64"}},
      {"[[rule]]\nname = \"r\"\nidentity = \"usr\"\n",
       "x.toml:3:12: rule[1].identity ",
       {"did you mean \"user\"?"}},
      {"[rule]\nname = \"r\"\n", "x.toml:1:1: rule ", {"[[rule]]"}},
      {"rule = []\n", "x.toml: rule ", {"no rule at all"}},
      {"[[pattern]]\n", "x.toml:1:1: pattern[1].regex ", {"is missing", "RE2"}},
      {"[[pattern]]\nregex = '('\n", "x.toml:2:9: pattern[1].regex ", {"RE2", "missing"}},
      {"[[pattern]]\nregex = '^(?P<usr>x)'\n",
       "x.toml:2:9: pattern[1].regex ",
       {"\"usr\"", "user, host"}},
      {"[[pattern]]\nregex = '^x'\n", "x.toml:2:9: pattern[1].regex ", {"charge nobody"}},
      {"[[pattern]]\nregex = '^(?P<user>x)'\nkind = \"tagged\"\n",
       "x.toml:3:8: pattern[1].kind ",
       {"accepted: warned"}},
      {"[[pattern]]\nregex = '^(?P<user>x)'\ndequote = 1\n",
       "x.toml:3:11: pattern[1].dequote ",
       {"true, false"}},
      {"[log]\ntag_secret_file = \"x\"\n", "x.toml:2:19: log.tag_secret_file ", {"absolute path"}},
      {rule + "watch = 50\n", "x.toml:4:9: rule[1].watch ", {"is 50; accepted:", "in quotes"}},
      {rule + "watch = \"0%\"\n", "x.toml:4:9: rule[1].watch ", {"\"1%\" to \"99%\""}},
      {rule + "watch = \"100%\"\n", "x.toml:4:9: rule[1].watch ", {"\"1%\" to \"99%\""}},
      {rule + "watch = \"5 %\"\n", "x.toml:4:9: rule[1].watch ", {"\"1%\" to \"99%\""}},
      {rule + "block_for = 60\n", "x.toml:4:13: rule[1].block_for ", {"is 60", "\"forever\""}},
      {rule + "block_for = [\"1h\", \"x\"]\n", "x.toml:4:20: rule[1].block_for ", {"is \"x\""}},
      {rule + "block_for = [\"forever\", \"1h\"]\n",
       "x.toml:4:13: rule[1].block_for ",
       {"after \"forever\""}},
      {rule + "repeat_within = \"forever\"\n", "x.toml:4:17: rule[1].repeat_within ", {"units"}},
      {"[notify]\ntransports = [\"exec\"]\n",
       "x.toml:2:14: notify.transports ",
       {"no notify.exec"}},
      {"[notify]\ntransports = [\"webhook\"]\n",
       "x.toml:2:14: notify.transports ",
       {"no notify.webhook"}},
      {"[notify]\nexec = [\"x\"]\n", "x.toml:2:8: notify.exec ", {"absolute path"}},
      {"[notify]\nwebhook = \"ftp://a\"\n", "x.toml:2:11: notify.webhook ", {"https://"}},
      {"[notify]\nwebhook = \"https://a b\"\n", "x.toml:2:11: notify.webhook ", {"https://"}},
      {"[notify]\nsubject = \"{identty}\"\n",
       "x.toml:2:11: notify.subject ",
       {"{identty} is none", "did you mean {identity}?"}},
      {"[notify]\nsubject = \"a } b\"\n", "x.toml:2:11: notify.subject ", {"written twice"}},
      {rule + "[[rule.override]]\nlimit = 5\n",
       "x.toml:4:1: rule[1].override[1].users ",
       {"domains and hosts"}},
      {rule + "[[rule.override]]\nusers = [\"u\"]\n",
       "x.toml:4:1: rule[1].override[1].limit ",
       {"is missing"}},
      {rule + "[[rule.override]]\nuser = [\"u\"]\nlimit = 5\n",
       "x.toml:5:1: rule[1].override[1].user ",
       {"did you mean \"users\"?"}},
      {rule + "[[rule.override]]\nhosts = [\"192.0.2.1\"]\nlimit = 5\n",
       "x.toml:5:9: rule[1].override[1].hosts ",
       {"\"host\" only"}},
      {rule + "[[rule.override]]\nusers = [\"*@a\"]\nlimit = 5\n",
       "x.toml:5:10: rule[1].override[1].users ",
       {"domains = [\"a\"]"}},
      {rule + "[[rule.override]]\ndomains = [\"@a\"]\nlimit = 5\n",
       "x.toml:5:12: rule[1].override[1].domains ",
       {"without \"@\""}},
      {"[exempt]\nuser_files = [\"x\"]\n", "x.toml:2:15: exempt.user_files ", {"absolute path"}},
      {"[[identity_map]]\nregex = 'x'\nrewrite = ''\n",
       "x.toml:1:1: identity_map[1].identity ",
       {"user, relay, local"}},
      {"[[identity_map]]\nidentity = \"user\"\n",
       "x.toml:1:1: identity_map[1].regex ",
       {"so is file"}},
      {"[[identity_map]]\nidentity = \"user\"\nregex = 'x'\n",
       "x.toml:1:1: identity_map[1].rewrite ",
       {"is missing"}},
      {"[[identity_map]]\nidentity = \"user\"\nregex = '('\nrewrite = ''\n",
       "x.toml:3:9: identity_map[1].regex ",
       {"RE2 says"}},
      {"[[identity_map]]\nidentity = \"user\"\nregex = 'x'\nrewrite = '\\1'\n",
       "x.toml:3:9: identity_map[1].regex ",
       {"RE2 says"}},
      {rule + rule, "x.toml:5:8: rule[2].name ", {"earlier rule"}},
      {rule + "list = \"/l\"\n[[rule]]\nname = \"q\"\nidentity = \"relay\"\nlist = \"/l\"\n",
       "x.toml:8:8: rule[2].list ",
       {"is also the list of rule \"r\""}},
      {"[log\n", "x.toml:1:", {"not valid TOML"}},
      {"[log]\ntimezone = \"UTC\"\ntimezone = \"UTC\"\n", "x.toml:3:", {"not valid TOML"}},
      {"[log]\ntimezone = \"\xff\"\n", "x.toml:2:", {"not valid TOML"}},
  };
  for (const auto& row : rows) {
    INFO(row.text);
    const auto problems = problems_of(row.text);
    REQUIRE_FALSE(problems.empty());
    const auto found = std::any_of(problems.begin(), problems.end(), [&](const auto& problem) {
      return problem.starts_with(row.place_and_key) &&
             std::all_of(row.parts.begin(), row.parts.end(),
                         [&](const auto& part) { return problem.find(part) != std::string::npos; });
    });
    INFO(problems.front());
    CHECK(found);
  }
}

TEST_CASE("all faults are said at once, in the file's order") {
  const auto problems = problems_of(
      "colour = 1\n"
      "[log]\ntimezone = 1\npath = [\"/x\"]\n"
      "[relay]\nhosts = [\"x\", \"192.0.2.0/24\", \"y\"]\n"
      "[[rule]]\nname = \"a\"\nidentity = \"user\"\nlimit = -1\nperiod = \"soon\"\n"
      "[[rule]]\nname = \"a\"\nidentity = \"nobody\"\n");
  std::vector<std::string> places;
  for (const auto& problem : problems)
    places.push_back(problem.substr(0, problem.find(' ', problem.find(": ") + 2)));
  CHECK(places == std::vector<std::string>{
                      "x.toml:1:1: colour", "x.toml:3:12: log.timezone", "x.toml:4:1: log.path",
                      "x.toml:6:10: relay.hosts", "x.toml:6:31: relay.hosts",
                      "x.toml:10:9: rule[1].limit", "x.toml:11:10: rule[1].period",
                      "x.toml:13:8: rule[2].name", "x.toml:14:12: rule[2].identity"});
}

TEST_CASE("what is sound but can't do what it seems to is a warning") {
  const std::string relay = "[[rule]]\nname = \"r\"\nidentity = \"relay\"\n";
  const std::string user = "[[rule]]\nname = \"u\"\nidentity = \"user\"\n";
  const std::pair<std::string, std::vector<std::string>> rows[] = {
      {"", {}},
      {user, {}},
      {relay, {"rule[1].identity"}},
      {"[relay]\nhosts = []\n" + relay, {}},
      {"[relay]\nhosts = [\"192.0.2.1\"]\n" + relay, {}},
      {"[[rule]]\nname = \"l\"\nidentity = \"local\"\n", {}},
      {"[[rule]]\nname = \"l\"\nidentity = \"local\"\nsignals = [\"tagged\"]\n",
       {"rule[1].signals"}},
      {user + "signals = [\"bounced\"]\n", {}},
      {user + "signals = [\"bounced\", \"tagged\"]\n", {"rule[1].signals"}},
      {"[[pattern]]\nregex = '^x (?P<user>.*)$'\n", {}},
      {"[[pattern]]\nregex = 'x (?P<user>.*)$'\n", {"pattern[1].regex"}},
      {"[[pattern]]\nregex = '^H=.* id=(?P<user>.*)$'\n", {"pattern[1].regex"}},
  };
  for (const auto& [text, keys] : rows) {
    INFO(text);
    std::vector<std::string> found;
    for (const auto& warning : sound(text).warnings) found.push_back(warning.key);
    CHECK(found == keys);
  }
}

TEST_CASE("a hostile config file reaches the screen only escaped") {
  for (const auto& problem :
       problems_of("[log]\n\"a\\u001b[31mb\" = 1\ntimezone = \"\\u001b]0;x\\u0007\\u202e\"\n")) {
    INFO(problem);
    CHECK(std::all_of(problem.begin(), problem.end(),
                      [](char c) { return c >= ' ' && static_cast<unsigned char>(c) < 0x7f; }));
  }
}

TEST_CASE("a config that can't be read is a problem that says why") {
  std::string directory = "/tmp/exiwarden-config-XXXXXX";
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  const auto why = [&](const std::string& path) {
    const auto loaded = agent::load_config(path);
    return loaded ? std::string() : agent::describe(loaded.error().front());
  };
  CHECK(why(directory + "/none") == directory + "/none: can't be read: No such file or directory");
  CHECK(why(directory) == directory + ": can't be read: Is a directory");
  const auto file = directory + "/c.toml";
  std::ofstream(file) << "[log]\ntimezone = \"UTC\"\n";
  const auto loaded = agent::load_config(file);
  REQUIRE(loaded);
  CHECK(loaded->log.timezone == "UTC");
  std::remove(file.c_str());
  ::rmdir(directory.c_str());
}
