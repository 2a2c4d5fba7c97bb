// check: the configuration, and with it the real world.
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "agent/check/checks.h"
#include "agent/commands/command.h"
#include "agent/config/config_dump.h"
#include "agent/config/config_file.h"
#include "agent/config/host_facts.h"
#include "agent/config/spelling.h"
#include "agent/output/complain.h"
#include "agent/output/terminal.h"
#include "agent/output/text_table.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

void show(const Invocation& invocation) {
  fmt::print("# {}: sound. What is in force:\n{}", printable(invocation.config_path),
             shown_config(invocation.config));
}

const char* word_for(Verdict verdict) {
  return verdict == Verdict::good ? "ok" : verdict == Verdict::doubtful ? "warn" : "BAD";
}

void print(const Finding& finding, const Terminal& terminal) {
  const auto paint = finding.verdict == Verdict::good       ? Paint::green
                     : finding.verdict == Verdict::doubtful ? Paint::yellow
                                                            : Paint::red;
  fmt::print("{} {:<8}{}\n",
             terminal.painted(paint, fmt::format("{:<5}", word_for(finding.verdict))),
             finding.about, terminal.wrapped(printable(finding.what), 14, 14));
  if (!finding.advice.empty())
    fmt::print("{:14}-> {}\n", "", terminal.wrapped(printable(finding.advice), 17, 17));
}

OutputRow row_of(const Finding& finding) {
  OutputRow record;
  record.add("verdict", word_for(finding.verdict))
      .add("about", finding.about)
      .add("what", finding.what)
      .add("advice", finding.advice);
  return record;
}

// Of this machine itself: a directory service may know very many.
std::vector<std::string> users() {
  std::vector<std::string> names;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/etc/passwd", "re"),
                                                             &std::fclose);
  while (file) {
    const auto* entry = ::fgetpwent(file.get());
    if (entry == nullptr) break;
    names.emplace_back(entry->pw_name);
  }
  return names;
}

// The user that the service runs as: --user, else the unit's, else the packaged one where there is
// one.
bool find_service_user(const Invocation& invocation, CheckContext& context) {
  const bool given = invocation.options.count("user") > 0;
  const auto name = given          ? invocation.options["user"].as<std::string>()
                    : context.unit ? context.unit->user()
                                   : "exiwarden";
  context.service =
      context.unit && !given ? context.unit->identity() : actions::find_exim_user(name);
  if (context.service && ::geteuid() == 0) {
    context.service_name = name;
    return true;
  }
  context.service.reset();
  context.service_name = "the caller";
  if (!given) return true;
  complain(fmt::format("--user: {} \"{}\"{}",
                       ::geteuid() == 0 ? "this machine has no user" : "only root can try as", name,
                       ::geteuid() == 0 ? did_you_mean(nearest(name, users())) : ""));
  return false;
}

// See kSendTestAlone.
const NotifyConfig& destination(const Config& config, const std::string& wanted) {
  for (const auto& action : config.actions) {
    if (wanted == "action:" + action.name) return action.via;
  }
  return config.notify;
}

}  // namespace

Exit run_check(const Invocation& invocation) {
  const auto around = pipeline_options_for(invocation.config);
  if (!around) {
    complain(fmt::format("{}: {}", invocation.config_path, around.error()));
    return kBadConfig;
  }
  if (invocation.options.count("config-only") > 0) {
    if (invocation.output != Output::text) {
      complain("check: --config-only prints a configuration; there is no other form");
      return kUsage;
    }
    show(invocation);
    return kDone;
  }
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const bool send = invocation.options.count("send-test") > 0;
  if (const char* alone = std::getenv(kSendTestAlone); send && alone != nullptr) {
    const auto test = send_test_notice(destination(invocation.config, alone), now);
    fmt::print("{}\n", printable(test.said));
    return test.accepted ? kDone : kNo;
  }
  CheckContext context{invocation.config,
                       invocation.config_path,
                       around->zone,
                       now,
                       {},
                       std::nullopt,
                       actions::find_exim_user(invocation.config.exim.user),
                       ServiceUnit::ask()};
  if (!find_service_user(invocation, context)) return kUsage;

  Findings findings;
  findings.good("config", invocation.config_path + ": sound");
  for (const auto& warning : invocation.config.warnings)
    findings.doubtful("config", describe(warning), "see exiwarden.toml(5)");
  check_logs(context, findings);
  check_reasons(context, findings);
  check_state(context, findings);
  check_lists(context, findings);
  check_unit(context, true, findings);
  check_exim(context, findings);
  check_tag(context, findings);
  check_notices(context, send, findings);
  check_actions(context, send, findings);
  check_farm(context, findings);
  check_machine(context, findings);

  const auto terminal = Terminal::standard_output();
  std::size_t bad = 0, doubtful = 0;
  if (invocation.output == Output::csv) fmt::print("{}\n", row_of({}).csv_header());
  for (const auto& finding : findings.all) {
    bad += finding.verdict == Verdict::bad ? 1 : 0;
    doubtful += finding.verdict == Verdict::doubtful ? 1 : 0;
    if (invocation.output == Output::text) {
      print(finding, terminal);
    } else {
      const auto record = row_of(finding);
      fmt::print("{}\n", invocation.output == Output::csv ? record.csv() : record.json());
    }
  }
  if (invocation.output == Output::text) {
    const auto warnings = counted(doubtful, "warning");
    fmt::print("{}\n", bad > 0        ? counted(bad, "error") + ", " + warnings
                       : doubtful > 0 ? "OK, " + warnings
                                      : "OK");
  }
  return bad > 0 ? kNo : kDone;
}

}  // namespace agent
