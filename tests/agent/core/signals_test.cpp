// Signals beside refused recipients: which lines they are, who is charged, and that nothing is read
// for which no rule asks.
#include "agent/config/config_file.h"
#include "agent/core/pipeline.h"
#include "tests/catch.h"

namespace agent {
namespace {

const std::string kSites =
    "[relay]\nhosts = [\"192.0.2.0/24\"]\nown = []\n[exempt]\nhosts = [\"198.51.100.99\"]\n";

std::string rule(const std::string& name, const std::string& identity, const std::string& more) {
  return "[[rule]]\nname = \"" + name + "\"\nidentity = \"" + identity + "\"\n" + more + "\n";
}

// "kind charged-kind identity" of each event.
std::vector<std::string> charged(const std::string& toml, const std::string& log) {
  const auto config = parse_config(kSites + toml, "test.toml");
  if (!config) FAIL(config.error().front().key + ": " + config.error().front().what);
  PipelineOptions options;
  options.reasons = parsers::Reasons::defaults();
  Pipeline pipeline(config.value(), std::move(options));
  std::vector<std::string> seen;
  pipeline.on_signal([&](const Signalled& signalled) {
    std::string text(parsers::name_of(signalled.event.kind));
    text += " ";
    text += name_of(signalled.charge.verdict);
    if (!signalled.charge.identity.empty()) text += " " + std::string(signalled.charge.identity);
    if (signalled.event.recipients) text += " " + std::to_string(*signalled.event.recipients);
    if (signalled.event.set_id) text += " (" + std::string(*signalled.event.set_id) + ")";
    seen.push_back(text);
  });
  const auto number = pipeline.add_log("log");
  pipeline.feed(number, log);
  return seen;
}

using Seen = std::vector<std::string>;

const std::string kAt = "2026-11-23 11:04:13 ";
const std::string kAll =
    kAt +
    "1xVRqH-0001Nb-2t <= a@x.test H=(h) [203.0.113.7] P=esmtpa A=plain:bob S=1 for u@y.test "
    "v@y.test\n" +
    kAt +
    "1xVRqH-0001Nb-2t == u@y.test R=r T=t defer (-44) H=mx [203.0.113.9]: SMTP error from "
    "remote mail server after RCPT TO:<u@y.test>: 451 later\n" +
    kAt +
    "1xVRqH-0001Nb-2t == u@y.test R=r T=t defer (-44) H=mx [203.0.113.9]: SMTP error from "
    "remote mail server after RCPT TO:<u@y.test>: 451 later\n" +
    kAt +
    "1xVRqH-0001Nb-2t == v@y.test R=r T=t defer (-46) H=mx [203.0.113.9]: SMTP error from "
    "remote mail server after end of data: 451 spam message rejected, try again\n" +
    kAt +
    "1xVRqH-0001Nb-2t ** u@y.test R=r T=t H=mx [203.0.113.9]: SMTP error from remote mail "
    "server after end of data: 554 5.7.1 message identified as spam\n" +
    kAt + "1xVRqH-0001Nb-2t Completed\n" + kAt +
    "1xVRqH-0001Nb-2u <= c@x.test H=(h) [192.0.2.5] P=esmtp S=1\n" + kAt +
    "1xVRqH-0001Nb-2v <= d@x.test U=web P=local S=1\n" + kAt +
    "1xVRqH-0001Nb-2w <= <> R=1xVRqH-0001Nb-2t U=Debian-exim P=local S=1\n" + kAt +
    "1xVRqH-0001Nb-2x <= s@z.test H=(h) [203.0.113.8] P=esmtp S=1\n" + kAt +
    "1xVRqH-0001Nb-2y <= s@z.test H=(h) [198.51.100.99] P=esmtp S=1\n" + kAt +
    "plain authenticator failed for (h) [203.0.113.8]: 535 Incorrect authentication data "
    "(set_id=victim)\n" +
    kAt +
    "plain authenticator failed for (h) [192.0.2.5]: 535 Incorrect authentication data "
    "(set_id=bob)\n" +
    kAt + "plain authenticator failed for (h) [198.51.100.99]: 535 Incorrect authentication data\n";

TEST_CASE("what no rule counts is not read") {
  CHECK(charged("", kAll).empty());
  CHECK(charged(rule("u", "user", "signals = [\"bounced\"]"), kAll).empty());
}

TEST_CASE("a message that came in is charged to who submitted it, a bounce to nobody") {
  CHECK(charged(rule("u", "user", "signals = [\"accepted\"]"), kAll) ==
        Seen{"accepted user bob 2", "accepted relay 192.0.2.5", "accepted local web",
             "accepted nobody_known", "accepted outsider", "accepted outsider"});
}

TEST_CASE("what is put off counts once for each recipient of a message") {
  CHECK(charged(rule("u", "user", "signals = [\"deferred\"]"), kAll) ==
        Seen{"deferred user bob", "deferred user bob"});
}

TEST_CASE("who is called spam is told by remote servers' answers, however the delivery ends") {
  CHECK(charged(rule("u", "user", "signals = [\"accused\"]"), kAll) ==
        Seen{"accused user bob", "accused user bob"});
  CHECK(charged(rule("u", "user", "signals = [\"accused\", \"deferred\"]"), kAll) ==
        Seen{"deferred user bob", "deferred user bob", "accused user bob", "accused user bob"});
  CHECK(charged("[reasons]\nspam = []\n" + rule("u", "user", "signals = [\"accused\"]"), kAll)
            .size() == 2);  // the test's reasons are the built-in ones
}

TEST_CASE("a failed login is charged to its address, and never to the name that it claims") {
  CHECK(charged(rule("h", "host", "signals = [\"auth_failed\"]"), kAll) ==
        Seen{"auth_failed host 203.0.113.8 (victim)", "auth_failed relay 192.0.2.5 (bob)",
             "auth_failed exempt"});
  CHECK(charged(rule("r", "relay", "signals = [\"auth_failed\"]"), kAll) ==
        Seen{"auth_failed outsider (victim)", "auth_failed relay 192.0.2.5 (bob)",
             "auth_failed outsider"});
}

TEST_CASE("a failed login that syslog has twice counts once") {
  const std::string entry =
      "Nov 23 11:04:13 mx exim[77]: 2026-11-23 11:04:13 plain authenticator failed for (h) "
      "[203.0.113.8]: 535 Incorrect authentication data (set_id=victim)\n";
  const auto rules = rule("h", "host", "signals = [\"auth_failed\"]");
  CHECK(charged(rules, entry + entry).size() == 1);
  CHECK(charged("[log]\nsyslog_duplication = false\n" + rules, entry + entry).size() == 2);
}

TEST_CASE("any host is charged for what nobody else is, where a rule is about hosts") {
  const auto line = kAt +
                    "H=(h) [203.0.113.8] F=<a@b.test> rejected RCPT <x@y.test>: Unrouteable "
                    "address\n" +
                    kAt +
                    "H=(h) [203.0.113.8] F=<a@b.test> A=plain:bob rejected RCPT <x@y.test>: "
                    "Unrouteable address\n";
  CHECK(charged("", line) == Seen{"rejected_rcpt outsider", "rejected_rcpt user bob"});
  CHECK(charged(rule("h", "host", ""), line) ==
        Seen{"rejected_rcpt host 203.0.113.8", "rejected_rcpt user bob"});
}

TEST_CASE("text that others write into the new lines charges nobody") {
  const auto rules = rule("h", "host", "signals = [\"auth_failed\"]") +
                     rule("u", "user", "signals = [\"accepted\", \"deferred\", \"accused\"]");
  const std::string rows[] = {
      // In a sender, a subject, an answer, a HELO that is none.
      "1xVRqH-0001Nb-2t => u@y.test R=r T=t H=mx [203.0.113.9] C=\"250 x == v@y.test defer: spam\"",
      "H=(h) [203.0.113.8] Warning: plain authenticator failed for (h) [192.0.2.1]: 535 no",
      "SMTP syntax error in \"plain authenticator failed for (h) [192.0.2.1]: 535 no\"",
      "plain authenticator failed for (a b) [192.0.2.1]: 535 no",
      // A failure of a message whose arrival is not known.
      "1xVRqH-0001Nb-2t == u@y.test R=r T=t defer (-44): SMTP error from remote mail server after "
      "end of data: 451 spam message rejected",
  };
  for (const auto& row : rows) {
    INFO(row);
    CHECK(charged(rules, kAt + row + "\n").empty());
  }
  // Nor are recipients counted that stand in an id or a subject.
  CHECK(charged(rules, kAt +
                           "1xVRqH-0001Nb-2t <= a@x.test H=(h) [203.0.113.7] P=esmtpa A=plain:bob "
                           "S=1 id=\"a for victim\"@y.test T=\"x for victim@y.test\"\n") ==
        Seen{"accepted user bob"});
}

TEST_CASE("configurations that could not do what they seem to are refused or warned of") {
  struct Row {
    std::string rule;
    const char* problem;  // null: a warning only
  };
  const Row rows[] = {
      {rule("a", "user", "count = \"ids\""), "rule[1].count"},
      {rule("a", "user", "network_prefixes = [24, 48]"), "rule[1].network_prefixes"},
      {rule("a", "user", "count = \"networks\"\nnetwork_prefixes = [24]"),
       "rule[1].network_prefixes"},
      {rule("a", "user", "count = \"networks\"\nnetwork_prefixes = [33, 48]"),
       "rule[1].network_prefixes"},
      {rule("a", "user", "signals = [\"auth_failed\"]"), nullptr},
      {rule("a", "local", "signals = [\"warned\"]"), nullptr},
  };
  for (const auto& row : rows) {
    INFO(row.rule);
    const auto config = parse_config(row.rule, "test.toml");
    if (row.problem == nullptr) {
      REQUIRE(config);
      CHECK(config.value().warnings.size() == 1);
    } else {
      REQUIRE(!config);
      CHECK(config.error().front().key == row.problem);
    }
  }
  const auto good =
      parse_config(kSites +
                       rule("a", "host",
                            "signals = [\"auth_failed\"]\ncount = \"ids\"\nipv6_prefix = 64\n"
                            "[[rule.override]]\nhosts = [\"203.0.113.0/24\"]\nlimit = 3") +
                       rule("b", "user", "count = \"networks\"\nnetwork_prefixes = [16, 32]") +
                       rule("c", "local", "signals = [\"accepted\"]"),
                   "test.toml");
  REQUIRE(good);
  CHECK(good.value().warnings.empty());
  CHECK(good.value().rules[0].list.ends_with("/exim/blocked_hosts"));
  CHECK(good.value().rules[1].network_v4 == 16);
}

}  // namespace
}  // namespace agent
