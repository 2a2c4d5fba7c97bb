#include <fmt/format.h>

#include <algorithm>

#include "agent/check/checks.h"
#include "agent/service/log_trust.h"

namespace agent {
namespace {

using actions::EximSettings;
using actions::value_of;

std::vector<std::string> words(const std::string& text, const char* separators) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto begin = text.find_first_not_of(separators, at);
    if (begin == std::string::npos) break;
    const auto end = std::min(text.find_first_of(separators, begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    at = end;
  }
  return out;
}

// The main logs that log_file_path names: "%s" becomes "main", "syslog" stays.
std::vector<std::string> main_logs(const std::string& log_file_path) {
  auto paths = words(log_file_path, " :\t");
  for (auto& path : paths) {
    const auto at = path.find("%s");
    if (at != std::string::npos) path.replace(at, 2, "main");
  }
  return paths;
}

void check_log_paths(const EximSettings& settings, const Config& config, Findings& findings) {
  auto logs = main_logs(value_of(settings, "log_file_path"));
  if (logs.empty()) return;
  std::erase(logs, "syslog");
  const bool named = std::any_of(logs.begin(), logs.end(), [&](const std::string& log) {
    return std::find(config.log.paths.begin(), config.log.paths.end(), log) !=
           config.log.paths.end();
  });
  if (named) return findings.good("exim", "log_file_path: Exim writes what log.paths names");
  if (logs.empty()) {
    return findings.doubtful(
        "exim", "log_file_path: Exim logs to syslog only",
        "syslog cuts and repeats lines: let Exim log to a file, and name it in log.paths");
  }
  findings.bad("exim",
               fmt::format("log_file_path: Exim writes {}, which is not in log.paths", logs[0]),
               fmt::format("set log.paths = [\"{}\"]", logs[0]));
}

void check_trust(const EximSettings& settings, Findings& findings) {
  const auto doubts = log_doubts(settings);
  for (const auto& doubt : doubts) {
    if (doubt.forgeable) {
      findings.bad("exim", doubt.what, doubt.advice);
    } else {
      findings.doubtful("exim", doubt.what, doubt.advice);
    }
  }
  const bool forgeable = std::any_of(doubts.begin(), doubts.end(),
                                     [](const LogDoubt& doubt) { return doubt.forgeable; });
  if (!forgeable) findings.good("exim", "log_selector: nothing that lets senders write lines");
}

// Where recipients are not logged a message stands for them.
void check_accepted(const EximSettings& settings, const Config& config, Findings& findings) {
  const bool needed = std::any_of(config.rules.begin(), config.rules.end(), [](const Rule& rule) {
    const bool accepted =
        std::find(rule.signals.begin(), rule.signals.end(), Signal::accepted) != rule.signals.end();
    return rule.min_share > 0 || (accepted && rule.count == CountBy::recipients);
  });
  if (!needed) return;
  const auto selected = words(value_of(settings, "log_selector"), " \t");
  const bool logged = std::any_of(selected.begin(), selected.end(), [](const std::string& word) {
    return word == "+received_recipients" || word == "+all";
  });
  if (logged)
    return findings.good("exim", "log_selector: the recipients of accepted messages are logged");
  findings.doubtful("exim",
                    "log_selector: without received_recipients, messages are counted in place of "
                    "accepted recipients",
                    "add +received_recipients to log_selector");
}

void check_fields(const EximSettings& settings, const Config& config, Findings& findings) {
  if (value_of(settings, "helo_accept_junk_hosts").empty() &&
      config.log.junk_helo == Tristate::yes) {
    findings.doubtful("exim", "log.junk_helo = true, but helo_accept_junk_hosts is empty",
                      "set log.junk_helo = \"auto\"");
  }
  if (value_of(settings, "print_topbitchars") == "true") {
    findings.good("exim", "print_topbitchars: ids beyond ASCII stand as they are");
  }
  if (value_of(settings, "message_logs") == "false" && value_of(settings, "log_file_path").empty())
    findings.doubtful("exim", "no log at all", "set log_file_path");
}

void check_time(const EximSettings& settings, const Config& config, Findings& findings) {
  const auto zone = value_of(settings, "timezone");
  const bool stamped = value_of(settings, "log_timezone") == "true";
  if (stamped || zone.empty()) return;
  if (config.log.timezone == "local" || config.log.timezone != zone) {
    const bool utc = (zone == "UTC" || zone == "UTC0") && config.log.timezone == "UTC";
    if (utc) return;
    findings.doubtful(
        "exim", fmt::format("timezone = {}, but log.timezone = {}", zone, config.log.timezone),
        fmt::format("set log.timezone = \"{}\"", zone));
  }
}

}  // namespace

void check_settings(const EximSettings& settings, const Config& config, Findings& findings) {
  check_log_paths(settings, config, findings);
  check_trust(settings, findings);
  check_fields(settings, config, findings);
  check_accepted(settings, config, findings);
  check_time(settings, config, findings);
  const auto user = value_of(settings, "exim_user");
  const bool number = !user.empty() && user.find_first_not_of("0123456789") == std::string::npos;
  if (!user.empty() && !number && user != config.exim.user) {
    findings.bad("exim",
                 fmt::format("Exim runs as {}, but exim.user is {}", user, config.exim.user),
                 fmt::format("set exim.user = \"{}\"", user));
  }
}

}  // namespace agent
