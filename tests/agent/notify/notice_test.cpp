#include "agent/notify/notice.h"

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/notify/notice_json.h"
#include "tests/catch.h"

using agent::compose_notice;
using agent::Decision;
using agent::NoticeContext;
using agent::shell_word;

namespace {

const agent::Instant kNow(std::chrono::seconds(1795427000));

Decision sample_decision() {
  Decision decision;
  decision.rule = "authenticated";
  decision.identity = "bob@example.org";
  decision.list = "/var/lib/exiwarden/exim/blocked_authenticated_users";
  decision.time = agent::Instant(std::chrono::seconds(1795426955));
  decision.first = agent::Instant(std::chrono::seconds(1795426855));
  decision.count = decision.limit = 100;
  decision.period = std::chrono::hours(1);
  decision.place = {"/var/log/exim4/mainlog", 4711, 99};
  decision.hosts = {{"192.0.2.7", 3}, {"2001:db8::7", 97}};
  decision.other_hosts = 5;
  decision.samples = {{1795426900, "192.0.2.7", "dead@example.net", "Unrouteable address"},
                      {1795426955, "2001:db8::7", "gone@example.net", ""}};
  return decision;
}

NoticeContext sample_context() {
  return {"mx1.example.org",
          "",
          "bob@example.org: 2026-11-23T10:42:35+01:00 exiwarden",
          "/usr/sbin/exim4",
          std::nullopt,
          "",
          "",
          false};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// What a shell makes of a word that was pasted.
std::string through(const std::string& shell, const std::string& word) {
  const auto command =
      "exec " + shell + " -c \"$(cat <<'END OF WORD'\nprintf %s. " + word + "\nEND OF WORD\n)\"";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), &::pclose);
  REQUIRE(pipe);
  std::string out;
  for (int c = 0; (c = std::fgetc(pipe.get())) != EOF;) out.push_back(static_cast<char>(c));
  REQUIRE(out.ends_with('.'));
  out.pop_back();
  return out;
}

}  // namespace

TEST_CASE(
    "a notice says who, how many, since when, from where, to which addresses, and what to do") {
  auto context = sample_context();
  const auto zone = *agent::Zone::named("Europe/Berlin");
  const auto notice = compose_notice(sample_decision(), zone, kNow, context);
  CHECK(notice.subject ==
        "[mx1.example.org] user bob@example.org blocked: 100 refused recipients in 1h");
  CHECK(notice.date == 1795427000);
  for (const char* part : {
           "\n    bob@example.org\n",
           "because 100 recipients",
           "between 2026-11-23 10:40:55 and 2026-11-23 10:42:35 (UTC+01:00).",
           "Rule \"authenticated\": 100 in 1h.",
           "/var/log/exim4/mainlog:4711\n",
           "    /var/lib/exiwarden/exim/blocked_authenticated_users\n"
           "    bob@example.org: 2026-11-23T10:42:35+01:00 exiwarden\n",
           "         97  2001:db8::7\n          3  192.0.2.7\n          5  further hosts\n",
           "    2026-11-23 10:41:40  dead@example.net\n        Unrouteable address\n"
           "    2026-11-23 10:42:35  gone@example.net\n\n",
           "    exipick -z '$authenticated_id eq bob@example.org'\n",
           "    '/usr/sbin/exim4' -Mvh ID; '/usr/sbin/exim4' -Mvb ID\n",
           "    exiwarden release --exact --rule 'authenticated' -- 'bob@example.org'\n",
           "    exiwarden unblock --delete --exact --rule 'authenticated' -- 'bob@example.org'\n",
       }) {
    INFO(notice.body);
    INFO(part);
    CHECK(notice.body.find(part) != std::string::npos);
  }
  context.config_path = "/etc/x y.toml";
  CHECK(compose_notice(sample_decision(), zone, kNow, context)
            .body.find("exiwarden release -c '/etc/x y.toml' --exact --rule ") !=
        std::string::npos);
}

TEST_CASE("a notice tells each reason once, by the remote server's own words") {
  auto decision = sample_decision();
  const std::string remote =
      "mx.test [192.0.2.1] : SMTP error from remote mail server after RCPT TO:<";
  decision.samples.clear();
  for (const char* reason : {"a@x.test>: 550 no", "b@x.test>: 550 no", "c@x.test>: 550 gone"})
    decision.samples.push_back(
        {1795427000, "192.0.2.7", std::string(1, reason[0]) + "@x.test", remote + reason});
  const auto body = compose_notice(decision, agent::Zone::utc(), kNow, sample_context()).body;
  INFO(body);
  CHECK(body.find("  a@x.test\n        remote: 550 no\n") != std::string::npos);
  CHECK(body.find("  b@x.test\n    2026-") != std::string::npos);
  CHECK(body.find("  c@x.test\n        remote: 550 gone\n\n") != std::string::npos);
}

TEST_CASE("the same decision has the same Message-ID, another one another") {
  const auto zone = agent::Zone::utc();
  const auto id = [&](const Decision& decision) {
    return compose_notice(decision, zone, kNow, sample_context()).message_id;
  };
  const auto first = id(sample_decision());
  CHECK(first.ends_with("@mx1.example.org"));
  CHECK(first ==
        compose_notice(sample_decision(), zone, kNow + std::chrono::hours(5), sample_context())
            .message_id);
  auto other = sample_decision();
  other.identity = "BOB@example.org";  // the same to Exim
  CHECK(id(other) == first);
  other.identity = "bobby@example.org";
  CHECK(id(other) != first);
  other = sample_decision();
  other.time += std::chrono::seconds(1);
  CHECK(id(other) != first);
  other = sample_decision();
  other.rule = "day";
  CHECK(id(other) != first);
  other = sample_decision();
  other.identity_kind = agent::IdentityKind::relay;
  CHECK(id(other) != first);
  for (const char* host : {"", "...", "bad host\r\nX: y", "h\xc3\xb6st"}) {
    auto context = sample_context();
    context.host = host;
    const auto odd = compose_notice(sample_decision(), zone, kNow, context).message_id;
    INFO(odd);
    CHECK(odd.find_first_not_of(
              "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.@-") ==
          std::string::npos);
    CHECK(odd.find("@.") == std::string::npos);
    CHECK_FALSE(odd.ends_with('@'));
  }
}

TEST_CASE("hostile bytes reach a notice only escaped") {
  auto decision = sample_decision();
  const std::string hostile =
      "x\r\nBcc: "
      "victim@example.net\r\n\r\n\x1b]0;owned\x07\x7f\xff\xe2\x80\xae%s%n<script>alert(1)</script>";
  decision.identity = decision.rule = decision.place.file = hostile;
  decision.hosts = {{hostile, 1}};
  decision.samples = {{1795426900, hostile, hostile, hostile}};
  auto context = sample_context();
  context.list_line = hostile;
  const auto notice = compose_notice(decision, agent::Zone::utc(), kNow, context);
  for (const auto& text : {notice.subject, notice.body}) {
    INFO(text);
    bool good = true;
    for (const char c : text) {
      good = good && (c == '\n' || static_cast<unsigned char>(c) >= ' ') &&
             static_cast<unsigned char>(c) < 0x7f;
    }
    CHECK(good);
  }
  CHECK(notice.subject.find('\n') == std::string::npos);
  CHECK(notice.body.find("\nBcc:") == std::string::npos);
  CHECK(notice.body.find("\n\n\n") == std::string::npos);
}

TEST_CASE("lines that people read are no wider than a mail's 78 columns") {
  auto decision = sample_decision();
  decision.hosts = {{std::string(300, 'h'), 1}};
  decision.samples = {{1795426900, "192.0.2.7", std::string(400, 'r'), std::string(400, 't')}};
  const auto notice = compose_notice(decision, agent::Zone::utc(), kNow, sample_context());
  for (const auto& line : lines_of(notice.body)) {
    const bool command =
        line.find("exipick") != std::string::npos || line.find("exiwarden ") != std::string::npos;
    INFO(line);
    CHECK((command || line.size() <= 78));
  }
}

TEST_CASE("a watch notice says that nothing was done, a block with an end when it ends") {
  auto decision = sample_decision();
  const auto zone = *agent::Zone::named("Europe/Berlin");
  decision.count = 50;
  const auto watch = compose_watch(decision, zone, kNow, sample_context());
  CHECK(watch.subject ==
        "[mx1.example.org] user bob@example.org watched: 50 of 100 refused recipients in 1h");
  CHECK(watch.body.find("Nothing is blocked yet.") != std::string::npos);
  CHECK(watch.body.find("exiwarden block --rule 'authenticated' -- 'bob@example.org'\n") !=
        std::string::npos);
  CHECK(watch.body.find("release") == std::string::npos);
  CHECK(watch.message_id != compose_notice(decision, zone, kNow, sample_context()).message_id);
  for (const auto& line : lines_of(watch.body)) CHECK(line.size() <= 78);

  decision.until = decision.time + std::chrono::hours(24);
  decision.times = 2;
  const auto notice = compose_notice(decision, zone, kNow, sample_context());
  CHECK(notice.body.find("This holds until 2026-11-24 10:42:35\n"
                         "(1d, block number 2 in a row), or until the line below is removed") !=
        std::string::npos);
  auto mapped = sample_context();
  mapped.mapped = true;
  const auto by_name = compose_notice(decision, zone, kNow, mapped).body;
  CHECK(by_name.find("exipick") == std::string::npos);
  CHECK(by_name.find("exiwarden release --exact --rule ") != std::string::npos);
}

TEST_CASE("a notice of what is no refused recipient says what was counted") {
  auto decision = sample_decision();
  const auto zone = *agent::Zone::named("Europe/Berlin");
  decision.refusals = false;
  decision.what = "networks";
  decision.count = 15;
  decision.samples.clear();
  const auto notice = compose_notice(decision, zone, kNow, sample_context());
  CHECK(notice.subject == "[mx1.example.org] user bob@example.org blocked: 15 networks in 1h");
  CHECK(notice.body.find("because 15 networks were counted in its log lines,\n") !=
        std::string::npos);
  CHECK(notice.body.find("refused") == std::string::npos);
  CHECK(notice.body.find("exist") == std::string::npos);
  decision.identity_kind = agent::IdentityKind::host;
  decision.identity = "203.0.113.8";
  const auto host = compose_notice(decision, zone, kNow, sample_context());
  CHECK(host.body.find("exipick") == std::string::npos);
  CHECK(host.body.find("password") == std::string::npos);
  CHECK(host.body.find("EXIWARDEN_HOST_BLOCKED") != std::string::npos);
  CHECK(host.body.find("exiwarden unblock --exact --rule 'authenticated' -- '203.0.113.8'\n") !=
        std::string::npos);
}

TEST_CASE("a notice in the site's own words") {
  auto context = sample_context();
  context.subject = "{kind} {identity} {{{count}/{limit}}} {event} on {server}";
  context.body = "{identity} by {rule}\n{hosts}{recipients}{commands}{subject}\n";
  auto decision = sample_decision();
  decision.identity = "b\x1b{rule}";
  const auto notice = compose_notice(decision, agent::Zone::utc(), kNow, context);
  CHECK(notice.subject == "user b\\x1b{rule} {100/100} blocked on mx1.example.org");
  CHECK(notice.body.starts_with("b\\x1b{rule} by authenticated\n         97  2001:db8::7\n"));
  CHECK(notice.body.find("    2026-11-23 09:41:40  dead@example.net\n") != std::string::npos);
  CHECK(notice.body.ends_with("blocked on mx1.example.org\n"));
}

TEST_CASE("what programs are told of a notice") {
  auto decision = sample_decision();
  decision.identity = "b\"\x1b";
  const auto zone = agent::Zone::utc();
  const auto one = compose_notice(decision, zone, kNow, sample_context());
  decision.identity = "eve";
  const auto two = compose_watch(decision, zone, kNow, sample_context());
  const auto both = agent::compose_digest({&one, &two}, "mx1");
  const auto json = nlohmann::json::parse(agent::notice_json(both));
  CHECK(json["text"] == "[mx1] 1 sender blocked, 1 more");
  CHECK(json["message_id"] == both.message_id);
  CHECK(json["body"] == both.body);
  REQUIRE(json["events"].size() == 2);
  CHECK(json["events"][0]["event"] == "blocked");
  CHECK(json["events"][0]["identity"] == "b\"\x1b");
  CHECK(json["events"][0]["hosts"] == nlohmann::json{"192.0.2.7", "2001:db8::7"});
  CHECK(json["events"][0]["recipients"][1] == "gone@example.net");
  CHECK(json["events"][1]["event"] == "watched");
  const auto environment = agent::notice_environment(one);
  const auto has = [&](const std::string& entry) {
    return std::find(environment.begin(), environment.end(), entry) != environment.end();
  };
  CHECK(has("EXIWARDEN_IDENTITY=b\"\\x1b"));
  CHECK(has("EXIWARDEN_EVENT=blocked"));
  CHECK(has("EXIWARDEN_COUNT=100"));
  CHECK(has("EXIWARDEN_SERVER=mx1.example.org"));
}

TEST_CASE("an exipick criterion holds nothing that exipick or its Perl would act on") {
  const auto criterion = [](const Decision& decision) {
    const auto body = compose_notice(decision, agent::Zone::utc(), kNow, sample_context()).body;
    const std::string words = "exipick -z '";
    const auto begin = body.find(words) + words.size();
    return body.substr(begin, body.find("'\n", begin) - begin);
  };
  auto decision = sample_decision();
  const std::pair<const char*, const char*> rows[] = {
      {"bob@example.org", "$authenticated_id eq bob@example.org"},
      {"a b", "$authenticated_id eq a\\x20b"},
      {"a == 1", "$authenticated_id eq a\\x20\\x3d\\x3d\\x201"},
      {"\"; system(\"id\"); \"",
       "$authenticated_id eq \\x22\\x3b\\x20system\\x28\\x22id\\x22\\x29\\x3b\\x20\\x22"},
      {"@{[`id`]}", "$authenticated_id eq @\\x7b\\x5b\\x60id\\x60\\x5d\\x7d"},
      {"$ENV{PATH}", "$authenticated_id eq \\x24ENV\\x7bPATH\\x7d"},
      {"a\\@b", "$authenticated_id eq a\\x5c@b"},
      {"o'hara", "$authenticated_id eq o\\x27hara"},
      {"a\tb\xc3\xbc", "$authenticated_id eq a\\x09b\\xc3\\xbc"},
  };
  for (const auto& [identity, expected] : rows) {
    decision.identity = identity;
    CHECK(criterion(decision) == expected);
  }
  decision.identity_kind = agent::IdentityKind::relay;
  decision.identity = "2001:db8::7";
  CHECK(criterion(decision) == "$sender_host_address eq 2001:db8::7");
  decision.identity = "2001:db8::/64";
  CHECK(criterion(decision) == "$sender_host_address =~ /^(192.0.2.7|2001:db8::7)$/");
}

TEST_CASE("a shell reads the very bytes, whatever they are") {
  const std::string values[] = {
      "",
      "bob@example.org",
      "a b",
      "o'hara",
      "''",
      "\\",
      "$(touch /tmp/x) `id` $HOME ; rm -rf / & | > < * ? [a] ~ # !",
      "-n",
      "--",
      "\"",
      "tab\there",
      "\x1b[31m%s%n\\101'\"$(id)`id`!x",
      "\r\nnewline",
      "ends in newlines\n\n",
      "\n",
      "\x7f\x01\x1f",
      "\xff\xfe\xc3\xbc",
      "-e \x08",
      "END OF WOR",
  };
  for (const auto& value : values) {
    const auto word = shell_word(value);
    INFO(word);
    for (const char* shell : {"/bin/sh", "/bin/bash"}) CHECK(through(shell, word) == value);
    const auto shown = word.substr(0, word.find_last_not_of("'\n") + 1);
    bool good = true;
    for (const char c : shown)
      good = good && static_cast<unsigned char>(c) >= ' ' && static_cast<unsigned char>(c) < 0x7f;
    CHECK(good);
  }
}
