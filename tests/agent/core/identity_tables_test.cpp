#include "agent/core/identity_tables.h"

#include "actions/posix_files.h"
#include "agent/config/config_file.h"
#include "agent/config/table_files.h"
#include "agent/core/attribution.h"
#include "agent/core/exemption_uses.h"
#include "agent/service/queue_match.h"
#include "tests/catch.h"
#include "tests/fakes.h"

using namespace agent;
using std::chrono::seconds;

namespace {

Config config_of(const std::string& text) {
  auto parsed = parse_config(text, "x.toml");
  if (!parsed) FAIL(describe(parsed.error().front()));
  return std::move(parsed).value();
}

std::shared_ptr<const IdentityTables> read(const Config& config) {
  actions::PosixFiles files;
  auto tables = read_tables(config, files);
  if (!tables) FAIL(tables.error());
  return tables.value();
}

Charge charge(Attribution& attribution, std::optional<std::string_view> user,
              std::optional<std::string_view> host) {
  parsers::Event event;
  event.kind = parsers::Kind::rejected_rcpt;
  event.user = user;
  event.host = host;
  if (user) event.authenticator = "plain";
  return attribution.charge(event);
}

}  // namespace

TEST_CASE("an identity map rewrites first, then looks up") {
  fakes::Directory home;
  fakes::write(home / "names",
               "bob: robert\nRobert: never\n\"a b\": c d\nempty:\n"
               "192.0.2.7: customer7\n\"2001:DB8::1\": customer8\n");
  const auto config = config_of(
      "[[identity_map]]\nidentity = \"user\"\nregex = '[@+].*'\n"
      "rewrite = ''\nfile = \"" +
      home / "names" + "\"\n" +
      "[[identity_map]]\nidentity = \"user\"\nregex = '^x(.*)$'\n"
      "rewrite = 'y\\1'\n"
      "[[identity_map]]\nidentity = \"relay\"\nfile = \"" +
      home / "names" + "\"\n");
  const auto tables = read(config);
  const std::tuple<IdentityKind, std::string, std::string> rows[] = {
      {IdentityKind::user, "bob", "robert"},
      {IdentityKind::user, "BOB@example.org", "robert"},
      {IdentityKind::user, "ann+tag@example.org", "ann"},
      {IdentityKind::user, "a b", "c d"},
      {IdentityKind::user, "empty", "empty"},
      {IdentityKind::user, "@all", "@all"},  // nothing would be left: it stays
      {IdentityKind::user, "xylo", "yylo"},  // the maps follow one another
      {IdentityKind::user, "192.0.2.7", "customer7"},
      {IdentityKind::relay, "192.0.2.7", "customer7"},
      {IdentityKind::relay, "2001:db8::1", "customer8"},
      {IdentityKind::relay, "192.0.2.8", "192.0.2.8"},
      {IdentityKind::local, "bob", "bob"},
  };
  for (const auto& [kind, printed, name] : rows) {
    INFO(printed);
    CHECK(tables->identities.name(kind, printed) == name);
  }
  CHECK_FALSE(tables->identities.maps(IdentityKind::local));
}

TEST_CASE("who is charged is who the id or host stands for, unless either is exempt") {
  fakes::Directory home;
  fakes::write(home / "users", "# ours\nList@example.org: since 2020\n\"a b\"\nmapped\n");
  fakes::write(home / "hosts", "# monitoring\n 192.0.2.128/25 # all of it\n\n2001:db8::9\n");
  const auto config = config_of(
      "[relay]\nhosts = [\"192.0.2.0/24\", \"2001:db8::/32\"]\nown = []\n"
      "[exempt]\nusers = [\"one\"]\nhosts = [\"192.0.2.1\"]\nuser_files = [\"" +
      home / "users" + "\"]\nhost_files = [\"" + home / "hosts" + "\"]\n" +
      "[[identity_map]]\nidentity = \"user\"\nregex = '-.*'\nrewrite = ''\n"
      "[[identity_map]]\nidentity = \"relay\"\nregex = '^192\\.0\\.2\\.7$'\nrewrite = "
      "'customer'\n");
  Attribution attribution(config, {}, read(config));
  using Text = std::optional<std::string_view>;
  const std::tuple<Text, Text, Charged, std::string_view> rows[] = {
      {"bob", {}, Charged::user, "bob"},
      {"bob-phone", {}, Charged::user, "bob"},
      {"one", {}, Charged::exempt, ""},
      {"one-phone", {}, Charged::exempt, ""},
      {"LIST@example.org", {}, Charged::exempt, ""},
      {"a b", {}, Charged::exempt, ""},
      {"mapped-by", {}, Charged::exempt, ""},
      {{}, "192.0.2.1", Charged::exempt, ""},
      {{}, "192.0.2.200", Charged::exempt, ""},
      {{}, "2001:db8::9", Charged::exempt, ""},
      {{}, "192.0.2.7", Charged::relay, "customer"},
      {{}, "192.0.2.8", Charged::relay, "192.0.2.8"},
  };
  for (const auto& [user, host, verdict, identity] : rows) {
    INFO(user.value_or("") << host.value_or(""));
    const auto found = charge(attribution, user, host);
    CHECK(name_of(found.verdict) == name_of(verdict));
    CHECK(found.identity == identity);
  }
  actions::QueuedMessage message;
  message.user = "bob-phone";
  message.authenticator = "plain";
  message.host = "192.0.2.7";
  const auto tables = read(config);
  const auto& map = tables->identities;
  CHECK(sent_by(message, IdentityKind::user, "bob", map));
  CHECK_FALSE(sent_by(message, IdentityKind::user, "bob-phone", map));
  CHECK_FALSE(sent_by(message, IdentityKind::relay, "customer", map));
  message.user = message.authenticator = "";
  CHECK(sent_by(message, IdentityKind::relay, "customer", map));
  CHECK_FALSE(sent_by(message, IdentityKind::relay, "192.0.2.7", map));
}

TEST_CASE(
    "an exemption ends when its line says, in the files of either kind and in those of exempt") {
  fakes::Directory home;
  constexpr Instant kNow{seconds(1'800'000'000)};  // 2027-01-15T08:00:00Z
  fakes::write(home / "users",
               "ann: until=2027-01-15T08:00:01Z list, ticket 12\n"
               "bob: until=2027-01-15T09:00:00+01:00\n"
               "\"c c\": reason=until=2020-01-01T00:00:00Z\n");
  fakes::write(home / "hosts",
               "192.0.2.1 until=2027-01-15T08:00:01Z # monitoring\n"
               "192.0.2.2 until=2027-01-15T08:00:00Z\n"
               "2001:db8::/64\tuntil=2028-01-01T00:00:00Z\n"
               "192.0.2.4: text\n");
  fakes::write(home / "exempt_users",
               "dora: 2027-01-01T00:00:00Z by-hand by=root until=2027-02-01T00:00:00Z\n");
  fakes::write(home / "exempt_hosts",
               "\"2001:db8:1::/64\": 2027-01-01T00:00:00Z by-hand by=root reason=x\n"
               "192.0.2.5: 2027-01-01T00:00:00Z by-hand by=root until=2027-01-02T00:00:00Z\n");
  const auto config =
      config_of("[state]\ndirectory = \"" + home.path() + "\"\n[exempt]\nuser_files = [\"" +
                home / "users" + "\"]\nhost_files = [\"" + home / "hosts" + "\"]\n");
  actions::PosixFiles files;
  const auto tables = read_tables(config, files, kNow);
  if (!tables) FAIL(tables.error());
  const std::pair<std::string, bool> rows[] = {
      {"ann", true},        {"ANN", true},         {"bob", false},         {"c c", true},
      {"dora", true},       {"192.0.2.1", true},   {"192.0.2.2", false},   {"192.0.2.4", true},
      {"192.0.2.5", false}, {"2001:db8::7", true}, {"2001:db8:1::7", true}};
  for (const auto& [key, exempt] : rows) {
    INFO(key);
    CHECK(tables.value()->exempts(key) == exempt);
  }
  CHECK(tables.value()->ends.size() == 4);

  // By the clock alone they are over.
  TableFiles live(files, [](const std::string&) {});
  live.follow(config);
  TableFiles::Steady now{};
  const auto look = [&](Instant wall) { return live.look({wall, now += TableFiles::kLook}); };
  CHECK(look(kNow)->exempts("ann"));
  CHECK(look(kNow) == nullptr);
  const auto later = look(kNow + seconds(1));
  REQUIRE(later);
  CHECK_FALSE(later->exempts("ann"));
  CHECK(later->exempts("dora"));

  for (const auto* odd : {"users", "hosts"}) {
    fakes::write(home / odd, "192.0.2.9: until=tomorrow\n");
    const auto wrong = read_tables(config, files, kNow);
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().find("until=") != std::string::npos);
    fakes::write(home / odd, "");
  }
}

TEST_CASE("an exemption's last use is known while it lasts, and of no other") {
  IdentityTables tables;
  tables.ends = {{"ann", std::nullopt, Instant(seconds(100)), ""},
                 {"192.0.2.0/24", Network::parse("192.0.2.0/24"), Instant(seconds(100)), ""}};
  ExemptionUses uses;
  const auto note = [&](std::optional<std::string_view> user, std::string_view host, int at) {
    parsers::Event event;
    event.user = user;
    event.host = host;
    uses.note(tables, event, Instant(seconds(at)));
  };
  note("bob", "198.51.100.1", 1);
  CHECK_FALSE(uses.last(tables.ends[0]));
  note("Ann", "198.51.100.1", 3);
  note("ann", "198.51.100.1", 2);
  CHECK(uses.last(tables.ends[0]) == Instant(seconds(3)));
  CHECK_FALSE(uses.last(tables.ends[1]));
  note(std::nullopt, "192.0.2.7", 5);
  CHECK(uses.last(tables.ends[1]) == Instant(seconds(5)));
  const auto ann = tables.ends[0];
  tables.ends.erase(tables.ends.begin());
  uses.keep(tables);
  CHECK_FALSE(uses.last(ann));
  CHECK(uses.last(tables.ends[0]));
}

TEST_CASE("files are read again once a change has settled, and a fault changes nothing") {
  fakes::Directory home;
  fakes::write(home / "hosts", "192.0.2.1\n");
  const auto config = config_of("[exempt]\nhost_files = [\"" + home / "hosts" + "\"]\n");
  actions::PosixFiles files;
  std::vector<std::string> said;
  TableFiles tables(files, [&](const std::string& text) { said.push_back(text); });
  CHECK_FALSE(tables.next_look());
  tables.follow(config);
  TableFiles::Steady now{};
  const auto at_once = [&] {
    return tables.look({Instant(now.time_since_epoch().count() / 1'000'000'000 * seconds(1)), now});
  };
  const auto look = [&] {
    now += TableFiles::kLook;
    return at_once();
  };
  const auto hosts = [](const std::shared_ptr<const IdentityTables>& found) {
    return found ? static_cast<int>(found->exempt_hosts.size()) : -1;
  };
  CHECK(hosts(look()) == 1);
  CHECK(hosts(look()) == -1);
  CHECK(said.empty());
  fakes::write(home / "hosts", "192.0.2.1\n192.0.2.2\n");
  CHECK(hosts(look()) == -1);  // somebody may still be writing
  CHECK(at_once() == nullptr);
  CHECK(hosts(look()) == 2);
  fakes::write(home / "hosts", "192.0.2.1\nnonsense\n");
  CHECK(hosts(look()) == -1);
  CHECK(hosts(look()) == -1);
  CHECK(tables.fault().find("line 2 is \"nonsense\"") != std::string::npos);
  CHECK(said.size() == 2);
  CHECK(hosts(look()) == -1);
  CHECK(said.size() == 2);
  std::filesystem::remove(home / "hosts");
  (void)look();
  CHECK(hosts(look()) == -1);
  CHECK(tables.fault().find("No such file") != std::string::npos);
  fakes::write(home / "hosts", "\n");
  (void)look();
  CHECK(hosts(look()) == 0);
  CHECK(tables.fault().empty());
}
