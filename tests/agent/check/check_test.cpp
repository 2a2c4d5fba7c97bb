
#include "agent/check/checks.h"
#include "agent/config/config_file.h"
#include "tests/catch.h"

using namespace agent;

namespace {

// What a sound Exim says; cases change one thing each.
std::map<std::string, std::string> sound() {
  return {{"log_file_path", "/var/log/exim4/%slog"},
          {"log_selector", "+smtp_protocol_error +tls_peerdn"},
          {"helo_accept_junk_hosts", ""},
          {"rfc1413_query_timeout", "0s"},
          {"tls_try_verify_hosts", ""},
          {"untrusted_set_sender", ""},
          {"timezone", ""},
          {"log_timezone", "false"},
          {"exim_user", "Debian-exim"}};
}

}  // namespace

TEST_CASE("settings of Exim that matter, one by one") {
  struct Case {
    const char* name;
    const char* value;
    Verdict worst;
    const char* said;
  };
  const Case cases[] = {
      {"log_file_path", "/var/log/exim4/%slog", Verdict::good, "log_file_path"},
      {"log_file_path", "syslog : /var/log/exim4/%slog", Verdict::good, "log_file_path"},
      {"log_file_path", "syslog", Verdict::doubtful, "syslog only"},
      {"log_file_path", "/var/log/exim/%s.log", Verdict::bad, "/var/log/exim/main.log"},
      {"log_selector", "+pid +smtp_mailauth", Verdict::bad, "+smtp_mailauth"},
      {"log_selector", "+all", Verdict::bad, "+all"},
      {"log_selector", "+all_parents", Verdict::good, "log_selector"},
      {"log_selector", "+all -smtp_mailauth -arguments", Verdict::good, "log_selector"},
      {"log_selector", "+all -smtp_mailauth", Verdict::doubtful, "+arguments"},
      {"log_selector", "+arguments", Verdict::doubtful, "directory"},
      {"log_selector", "+smtp_mailauth -all +pid", Verdict::good, "log_selector"},
      {"log_selector", "-all + all", Verdict::bad, "-smtp_mailauth"},
      {"helo_allow_chars", "_", Verdict::good, ""},
      {"helo_allow_chars", "_ )", Verdict::doubtful, "helo_allow_chars"},
      {"tls_verify_hosts", "*", Verdict::doubtful, "tls_peerdn"},
      {"helo_accept_junk_hosts", "*", Verdict::doubtful, "helo_accept_junk_hosts"},
      {"rfc1413_query_timeout", "5s", Verdict::doubtful, "rfc1413_query_timeout"},
      {"tls_try_verify_hosts", "*", Verdict::doubtful, "tls_peerdn"},
      {"untrusted_set_sender", "*", Verdict::doubtful, "untrusted_set_sender"},
      {"timezone", "Europe/Berlin", Verdict::doubtful, "Europe/Berlin"},
      {"exim_user", "mail", Verdict::bad, "mail"},
      {"exim_user", "8", Verdict::good, ""},
  };
  for (const auto& one : cases) {
    CAPTURE(one.name, one.value);
    auto settings = sound();
    settings[one.name] = one.value;
    Findings findings;
    check_settings(settings, default_config(), findings);
    auto worst = Verdict::good;
    std::string said;
    for (const auto& finding : findings.all) {
      worst = std::max(worst, finding.verdict);
      said += finding.what + " " + finding.advice + "\n";
      CHECK(finding.advice.empty() == (finding.verdict == Verdict::good));
    }
    CHECK(worst == one.worst);
    CHECK(said.find(one.said) != std::string::npos);
  }
}

TEST_CASE("what Exim does with frozen mail by itself") {
  struct Case {
    std::map<std::string, std::string> settings;
    Verdict worst;
    const char* said;
  };
  const Case cases[] = {
      {{}, Verdict::good, ""},
      {{{"timeout_frozen_after", "1w"}}, Verdict::doubtful, "after = 7d"},
      {{{"timeout_frozen_after", "2s"}}, Verdict::doubtful, "set it to 30d"},
      {{{"timeout_frozen_after", "4w2d"}}, Verdict::good, "kept for 30d"},
      {{{"timeout_frozen_after", "0s"}}, Verdict::good, "until somebody frees"},
      {{{"timeout_frozen_after", "0s"}, {"ignore_bounce_errors_after", "10w"}},
       Verdict::doubtful,
       "ignore_bounce_errors_after = 2d"},
      {{{"timeout_frozen_after", "0s"}, {"ignore_bounce_errors_after", "2d"}}, Verdict::good, ""},
      {{{"auto_thaw", "0s"}, {"move_frozen_messages", "false"}}, Verdict::good, ""},
      {{{"auto_thaw", "1d"}}, Verdict::bad, "auto_thaw = 1d"},
      {{{"move_frozen_messages", "true"}}, Verdict::doubtful, "leaves the queue"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.settings);
    Findings findings;
    check_frozen(one.settings, findings);
    auto worst = Verdict::good;
    std::string said;
    for (const auto& finding : findings.all) {
      worst = std::max(worst, finding.verdict);
      said += finding.what + " " + finding.advice + "\n";
      CHECK(finding.advice.empty() == (finding.verdict == Verdict::good));
    }
    CHECK(worst == one.worst);
    CHECK(said.find(one.said) != std::string::npos);
  }
}

TEST_CASE("settings of Exim beside our own") {
  struct Case {
    const char* config;
    std::map<std::string, std::string> settings;
    Verdict worst;
    const char* advice;
  };
  const Case cases[] = {
      {"", {{"timezone", "Europe/Berlin"}}, Verdict::doubtful, "log.timezone = \"Europe/Berlin\""},
      {"[log]\ntimezone = \"Europe/Berlin\"", {{"timezone", "Europe/Berlin"}}, Verdict::good, ""},
      {"[log]\ntimezone = \"UTC\"", {{"timezone", "Europe/Berlin"}}, Verdict::doubtful, "Berlin"},
      {"[log]\ntimezone = \"UTC\"", {{"timezone", "UTC0"}}, Verdict::good, ""},
      {"", {{"timezone", "Europe/Berlin"}, {"log_timezone", "true"}}, Verdict::good, ""},
      {"[log]\njunk_helo = true", {}, Verdict::doubtful, "junk_helo = \"auto\""},
      {"[log]\njunk_helo = false", {}, Verdict::good, ""},
      {"[exim]\nuser = \"mail\"", {}, Verdict::bad, "exim.user = \"Debian-exim\""},
      {"[exim]\nuser = \"mail\"", {{"exim_user", "mail"}}, Verdict::good, ""},
      {"[log]\npaths = [\"/l\"]", {}, Verdict::bad, "log.paths = [\"/var/log/exim4/mainlog\"]"},
      {"[log]\npaths = [\"/l\"]",
       {{"log_file_path", "syslog : /x/%slog"}},
       Verdict::bad,
       "log.paths = [\"/x/mainlog\"]"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.config, one.settings, one.advice);
    auto settings = one.settings;
    settings.merge(sound());
    const auto config = parse_config(one.config, "");
    REQUIRE(config);
    Findings findings;
    check_settings(settings, config.value(), findings);
    auto worst = Verdict::good;
    std::string advice;
    for (const auto& finding : findings.all) {
      worst = std::max(worst, finding.verdict);
      advice += finding.advice + "\n";
    }
    CHECK(worst == one.worst);
    CHECK(advice.find(one.advice) != std::string::npos);
  }
}

TEST_CASE("what exim -bh's trace says of a list") {
  const std::string head =
      ">>> using ACL \"acl_rcpt\"\n>>> check authenticated = *\n>>> plain in \"*\"? yes (matched "
      "\"*\")\n";
  const std::string asks =
      ">>> check condition = ${if exists{/l/users}{${lookup{$authenticated_id}lsearch{/l/users}"
      "{yes}{no}}}{no}}\n";
  struct Case {
    std::string trace;
    Lookup found;
  };
  const Case cases[] = {
      {"", Lookup::never},
      {head, Lookup::never},
      {head + asks + ">>>                 = no\n>>> accept: condition test failed\n", Lookup::no},
      {head + asks + ">>>                 = yes\n", Lookup::yes},
      {head + asks, Lookup::unclear},
      {head + ">>> check condition = ${lookup{x}lsearch{/l/users.old}{yes}{no}}\n>>>       = no\n",
       Lookup::never},
      {head + ">>> check condition = ${if exists{/l/users}}\n>>>                 = true\n",
       Lookup::never},
      {head + ">>> check hosts = net-iplsearch;/l/users\n>>> host in list? no (end of list)\n",
       Lookup::unclear},
      // RCPT's says no, DATA's yes: somebody was just listed.
      {head + asks + ">>>                 = no\n" + asks + ">>>                 = yes\n",
       Lookup::yes},
  };
  for (const auto& one : cases) {
    CAPTURE(one.trace);
    CHECK(lookup_in(one.trace, "/l/users") == one.found);
  }
}
