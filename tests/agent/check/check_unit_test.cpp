#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "agent/check/checks.h"
#include "agent/config/config_file.h"
#include "tests/catch.h"

using namespace agent;

namespace {

// What systemctl show prints of the packaged unit, with other values for some.
ServiceUnit unit_with(const std::map<std::string, std::string>& other) {
  std::map<std::string, std::string> values{{"LoadState", "loaded"},
                                            {"User", "exiwarden"},
                                            {"NoNewPrivileges", "yes"},
                                            {"CapabilityBoundingSet", ""},
                                            {"ProtectSystem", "strict"},
                                            {"ProtectHome", "yes"},
                                            {"PrivateTmp", "yes"},
                                            {"StateDirectory", "exiwarden"},
                                            {"IPAddressAllow", "127.0.0.0/8 ::1/128"},
                                            {"IPAddressDeny", "::/0 0.0.0.0/0"}};
  for (const auto& [name, value] : other) values[name] = value;
  std::string shown;
  for (const auto& [name, value] : values) shown += name + "=" + value + "\n";
  auto unit = ServiceUnit::parse(shown);
  REQUIRE(unit);
  return *unit;
}

Findings found(const std::string& toml, const std::map<std::string, std::string>& other) {
  const auto parsed = parse_config(toml, "");
  REQUIRE(parsed);
  const auto& config = parsed.value();
  const auto unit = unit_with(other);
  CheckContext context{config, "",  Zone::utc(), {}, unit.user(), actions::EximUser{1, {1}},
                       {},     unit};
  Findings findings;
  check_unit(context, false, findings);
  return findings;
}

const std::string kExim = "[exim]\nbinary = \"/no/such/exim\"\nuser = \"mail_user\"\n";

std::string smtp(const std::string& server) {
  return kExim + "[notify]\nto = [\"a@b.test\"]\ntransports = [\"smtp\"]\nsmtp = \"" + server +
         "\"\n";
}
std::string webhook(const std::string& host) {
  return kExim + "[notify]\ntransports = [\"webhook\"]\nwebhook = \"https://" + host +
         "/secret\"\n";
}
std::string metrics(const std::string& path) {
  return "[state]\nmetrics = \"" + path + "\"\n" + smtp("127.0.0.1:25");
}

}  // namespace

TEST_CASE("what the unit keeps the service from doing is found, with the drop-in that helps") {
  struct Case {
    std::string toml;
    std::map<std::string, std::string> other;
    std::optional<Verdict> verdict;  // nullopt: nothing of the kind is said
    std::string what, advice;
  };
  const auto kBad = Verdict::bad, kDoubtful = Verdict::doubtful, kGood = Verdict::good;
  const std::string queue = "exiwarden-queue.conf", network = "exiwarden-network.conf";
  const auto sendmail = kExim + "[notify]\nto = [\"a@b.test\"]\n";
  const auto frozen = [](const char* value) {
    return kExim + "freeze_queued = " + value + "\n[notify]\nto = [\"a@b.test\"]\n";
  };
  const std::vector<Case> cases{
      // As whom: the queue, and sendmail's setuid.
      {sendmail, {}, kDoubtful, "is not frozen, and notify.sendmail does not work", queue},
      {sendmail, {{"NoNewPrivileges", "no"}}, {}, "sendmail", ""},
      {kExim, {}, {}, "sendmail", ""},
      {smtp("127.0.0.1:25"), {}, {}, "sendmail", ""},
      {frozen("true"), {}, kBad, "the service runs as exiwarden: what a blocked sender", queue},
      {frozen("false"), {}, kDoubtful, "notify.sendmail does not work", queue},
      {frozen("false"), {}, {}, "frozen", ""},
      {frozen("true"), {{"User", "mail_user"}}, kGood, "runs as mail_user", ""},
      {sendmail, {{"User", "mail_user"}}, {}, "sendmail", ""},
      {sendmail, {{"User", ""}}, kGood, "runs as root", ""},
      // What it may write.
      {kExim, {}, {}, "may not write", ""},
      {kExim,
       {{"StateDirectory", ""}},
       kBad,
       "below /var/lib/exiwarden (state.directory)",
       "ReadWritePaths=/var/lib/exiwarden"},
      {kExim, {{"StateDirectory", "exiwarden:alias other"}}, {}, "may not write", ""},
      {kExim, {{"StateDirectory", ""}, {"ReadWritePaths", "-/x +/var/lib"}}, {}, "write", ""},
      {kExim, {{"StateDirectory", "exi"}}, kBad, "may not write below /var/lib/exiwarden", ""},
      {kExim, {{"StateDirectory", ""}, {"ProtectSystem", "full"}}, {}, "may not write", ""},
      {metrics("/var/lib/prometheus/node-exporter/m.prom"),
       {},
       kBad,
       "(state.metrics)",
       "set it to /var/lib/exiwarden/exiwarden.prom, and make a link"},
      {metrics("/var/lib/exiwarden/m.prom"), {}, {}, "may not write", ""},
      {metrics("/home/m/m.prom"), {}, kBad, "/home/m of its own, or none", "another directory"},
      {metrics("/home/m/m.prom"), {{"ProtectHome", "no"}, {"ProtectSystem", "no"}}, {}, "own", ""},
      {metrics("/tmp/m.prom"), {{"PrivateTmp", "disconnected"}}, kBad, "/tmp of its own", ""},
      {metrics("/tmp/m.prom"), {}, kBad, "/tmp of its own, or none (state.metrics)", ""},
      {metrics("/usr/m/m.prom"), {{"ProtectSystem", "yes"}}, kBad, "below /usr/m", ""},
      {metrics("/etc/m/m.prom"), {{"ProtectSystem", "yes"}}, {}, "may not write", ""},
      {metrics("/etc/m/m.prom"), {{"ProtectSystem", "full"}}, kBad, "below /etc/m", ""},
      {kExim + "[[rule]]\nname = \"a\"\nidentity = \"user\"\nlist = \"/var/spool/exim4/list\"\n",
       {},
       kBad,
       "below /var/spool/exim4 (list)",
       "ReadWritePaths=/var/spool/exim4"},
      // What it may read and start.
      {kExim + "[log]\npaths = [\"/home/l/mainlog\"]\n",
       {},
       kBad,
       "not see /home/l/mainlog",
       "put"},
      {kExim + "[notify]\ntransports = [\"exec\"]\nexec = [\"/root/told\"]\n",
       {},
       kBad,
       "does not see /root/told (notify.exec)",
       "another directory"},
      {kExim + "[notify]\ntransports = [\"exec\"]\nexec = [\"/bin/cat\"]\n", {}, {}, "not see", ""},
      {kExim + "[notify]\nexec = [\"/root/told\"]\n", {}, {}, "not see", ""},
      // Whom it may reach.
      {smtp("127.0.0.1:25"), {}, {}, "may not reach", ""},
      {smtp("[::1]:25"), {}, {}, "may not reach", ""},
      {smtp("LocalHost:25"), {}, {}, "may not reach", ""},
      {smtp("192.0.2.9:25"), {}, kBad, "may not reach 192.0.2.9 (notify.smtp)", network},
      {smtp("[2001:db8::9]:25"), {}, kBad, "may not reach 2001:db8::9 (notify.smtp)", network},
      {smtp("192.0.2.9:25"), {{"IPAddressAllow", "localhost 192.0.2.0/28"}}, {}, "reach", ""},
      {smtp("192.0.2.19:25"), {{"IPAddressAllow", "localhost 192.0.2.0/28"}}, kBad, "reach", ""},
      {smtp("192.0.2.9:25"), {{"IPAddressAllow", "any"}}, {}, "may not reach", ""},
      {smtp("192.0.2.9:25"), {{"IPAddressDeny", ""}}, {}, "may not reach", ""},
      {smtp("192.0.2.9:25"), {{"IPAddressDeny", "multicast link-local"}}, {}, "reach", ""},
      {smtp("169.254.1.1:25"), {{"IPAddressDeny", "multicast link-local"}}, kBad, "reach", network},
      {smtp("mx.invalid:25"), {{"IPAddressAllow", "any"}}, {}, "may not reach", ""},
      {webhook("192.0.2.9"), {}, kBad, "may not reach 192.0.2.9 (notify.webhook)", network},
      {webhook("u:p@192.0.2.9:8443"), {}, kBad, "reach 192.0.2.9 (notify.webhook)", network},
      {webhook("[2001:db8::9]:8443"), {}, kBad, "reach 2001:db8::9 (notify.webhook)", network},
      {webhook("chat.invalid"), {}, kBad, "may not reach chat.invalid (notify.webhook)", network},
      {webhook("chat.invalid"), {{"IPAddressDeny", ""}}, {}, "may not reach", ""},
      {sendmail + "webhook = \"http://192.0.2.9/\"\n", {}, {}, "may not reach", ""},
#ifdef EXIWARDEN_FARM
      {kExim + "[farm]\nurl = \"redis://192.0.2.9:6379/0\"\n", {}, kBad, "(farm.url)", network},
      {kExim + "[farm]\nurl = \"redis+unix:///run/r.sock\"\n", {}, {}, "farm.url", ""},
#endif
  };
  for (const auto& one : cases) {
    std::string other;
    for (const auto& [name, value] : one.other) other += name + "=" + value + " ";
    CAPTURE(one.toml, other, one.what);
    std::optional<Verdict> verdict;
    std::string advice;
    for (const auto& finding : found(one.toml, one.other).all) {
      CHECK(finding.about == "unit");
      CHECK(finding.what.find("secret") == std::string::npos);
      CHECK(finding.advice.empty() == (finding.verdict == Verdict::good));
      if (finding.what.find(one.what) == std::string::npos || verdict) continue;
      verdict = finding.verdict;
      advice = finding.advice;
    }
    CHECK(verdict == one.verdict);
    CHECK(advice.find(one.advice) != std::string::npos);
  }
}

TEST_CASE("what systemctl prints is a unit only if there is one") {
  for (const char* text : {"", "\n", "LoadState", "LoadState=not-found\nUser=x\n", "User=x\n",
                           "LoadState=masked\n", "=loaded\n"}) {
    CAPTURE(text);
    CHECK(!ServiceUnit::parse(text));
  }
  const auto unit = ServiceUnit::parse("LoadState=loaded\nWhatever\nUser=a=b\n=\nUser=c");
  REQUIRE(unit);
  CHECK(unit->user() == "a=b");
  CHECK(!unit->identity());
  CHECK(unit->lets_write("/usr"));
  CHECK(unit->lets_reach(*IpAddress::parse("192.0.2.1")));
}

TEST_CASE("the limits go to systemd-run in its own words") {
  const auto limits = unit_with({{"SupplementaryGroups", ""}, {"User", "x"}}).limits();
  std::string text;
  for (const auto& word : limits) text += word + "|";
  CHECK(text.find("-p|User=x|") != std::string::npos);
  CHECK(text.find("-p|CapabilityBoundingSet=|") != std::string::npos);  // none of them
  CHECK(text.find("-p|IPAddressDeny=::/0 0.0.0.0/0|") != std::string::npos);
  for (const char* absent : {"SupplementaryGroups", "StateDirectory", "LoadState"})
    CHECK(text.find(absent) == std::string::npos);
}
