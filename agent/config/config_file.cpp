#include "agent/config/config_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "agent/config/action_config.h"
#include "agent/config/config_checks.h"
#include "agent/config/config_reader.h"
#include "agent/config/config_rules.h"
#include "agent/config/farm_config.h"
#include "agent/config/nearest_file.h"
#include "agent/config/notice_template.h"
#include "agent/config/spelling.h"
#include "agent/values/printable.h"
#include "parsers/entries/pattern_risk.h"
#include "parsers/entries/patterns.h"

namespace agent {
namespace {

constexpr std::chrono::hours kLongestHistory{24 * 3650};

constexpr SectionReader::Choice<Transport> kTransports[] = {{"smtp", Transport::smtp},
                                                            {"sendmail", Transport::sendmail},
                                                            {"exec", Transport::exec},
                                                            {"webhook", Transport::webhook},
                                                            {"none", Transport::none}};

constexpr SectionReader::Choice<ReportPeriod> kReports[] = {
    {"none", ReportPeriod::none}, {"daily", ReportPeriod::daily}, {"weekly", ReportPeriod::weekly}};

void read_log(SectionReader& in, LogConfig& log) {
  in.texts("paths", log.paths, log_path);
  if (in.has("paths") && log.paths.empty())
    in.complain("paths", "is empty; accepted: at least one log");
  in.texts("olddirs", log.olddirs, absolute_path);
  in.text("timezone", log.timezone, zone_name);
  in.tristate("junk_helo", log.junk_helo);
  in.tristate("syslog_duplication", log.syslog_duplication);
  in.boolean("silence_alarm", log.silence_alarm);
  in.text("tag_secret_file", log.tag_secret_file, [](const std::string& text) {
    return text.empty() ? std::string() : absolute_path(text);
  });
}

void read_notify(SectionReader& in, NotifyConfig& notify) {
  in.texts("to", notify.to, mail_address);
  in.text("from", notify.from, [](const std::string& text) {
    return text.empty() ? std::string() : mail_address(text);
  });
  in.choices("transports", kTransports, notify.transports);
  in.text("smtp", notify.smtp, host_and_port);
  in.number("max_per_hour", 1, 3600,
            [&](std::int64_t value) { notify.max_per_hour = static_cast<std::uint32_t>(value); });
  in.choice("report", kReports, notify.report);
  in.texts("sendmail", notify.sendmail);
  if (in.has("sendmail") &&
      (notify.sendmail.empty() || notify.sendmail[0].empty() || notify.sendmail[0][0] != '/')) {
    in.complain("sendmail", "must begin with the absolute path of a program");
  }
  in.texts("exec", notify.exec);
  if (!notify.exec.empty() && notify.exec[0].rfind('/', 0) != 0)
    in.complain("exec", "must begin with the absolute path of a program");
  in.secret("webhook", notify.webhook, web_address);
  const auto pair = [&](Transport transport, const char* key, bool there) {
    const bool named = std::find(notify.transports.begin(), notify.transports.end(), transport) !=
                       notify.transports.end();
    if (named && !there)
      in.complain("transports", fmt::format("holds \"{}\", but there is no notify.{}", key, key));
    if (!named && there)
      in.warn(key, fmt::format("is never used: notify.transports does not hold \"{}\"", key));
  };
  pair(Transport::exec, "exec", !notify.exec.empty());
  pair(Transport::webhook, "webhook", !notify.webhook.empty());
  const bool by_mail =
      std::none_of(notify.transports.begin(), notify.transports.end(), [](Transport transport) {
        return transport == Transport::exec || transport == Transport::webhook;
      });
  if (notify.report != ReportPeriod::none && by_mail && notify.to.empty())
    in.warn("report", "is never sent: notify.to is empty");
  in.text("subject", notify.subject, notice_template);
  in.text("body_file", notify.body_file, [](const std::string& text) {
    return text.empty() ? std::string() : absolute_path(text);
  });
}

void read_patterns(SectionReader& top, Config& config, Problems& problems) {
  const auto tables = top.tables("pattern");
  for (std::size_t i = 0; i < tables.size(); ++i) {
    SectionReader in(*tables[i], fmt::format("pattern[{}]", i + 1), problems);
    PatternConfig pattern;
    constexpr SectionReader::Choice<int> kKinds[] = {{"warned", 0}};
    int kind = 0;
    in.choice("kind", kKinds, kind);
    if (!in.has("regex")) in.complain("regex", "is missing; accepted: an RE2 regular expression");
    in.text("regex", pattern.regex);
    in.boolean("dequote", pattern.dequote);
    in.finish();
    const auto compiled = parsers::Patterns::compile({{pattern.regex, pattern.dequote}});
    if (!compiled) {
      for (const auto& error : compiled.error()) {
        if (in.has("regex")) in.complain("regex", error.what);
      }
    } else if (const auto risk = parsers::pattern_risk(pattern.regex); !risk.empty()) {
      problems.warn(in.place("regex"), in.path_of("regex"), risk);
    }
    config.patterns.push_back(std::move(pattern));
  }
}

// Or errno.
actions::Result<std::string, int> file_text(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             &std::fclose);
  std::string text;
  std::array<char, 4096> buffer{};
  while (file) {
    const auto got = std::fread(buffer.data(), 1, buffer.size(), file.get());
    text.append(buffer.data(), got);
    if (got < buffer.size()) break;
  }
  if (!file || std::ferror(file.get()) != 0) return errno;
  return text;
}

// Reads the text of a notice in the site's own words, if there is one.
void read_body(const std::string& config, const std::string& section, NotifyConfig& notify,
               std::vector<ConfigProblem>& problems) {
  if (notify.body_file.empty()) return;
  auto body = file_text(notify.body_file);
  const auto wrong = body ? template_problem(body.value())
                          : fmt::format("can't be read: {}", std::strerror(body.error()));
  if (wrong.empty()) {
    notify.body = std::move(body).value();
    return;
  }
  problems.push_back({config, 0, 0, section + ".body_file",
                      fmt::format("{}: {}{}", printable(notify.body_file),
                                  body ? "accepted is " : "", printable(wrong))});
}

void read_all(const toml::table& root, Config& config, Problems& problems) {
  SectionReader top(root, "", problems);
  const auto section = [&](const char* name, const auto& read) {
    const auto* table = top.table(name);
    if (table == nullptr) return;
    SectionReader in(*table, name, problems);
    read(in);
    in.finish();
  };
  section("log", [&](SectionReader& in) { read_log(in, config.log); });
  bool relays_given = false;
  section("relay", [&](SectionReader& in) {
    relays_given = in.has("hosts");
    in.networks("hosts", config.relay.hosts);
    in.texts("own", config.relay.own, own_address);
    in.number("ipv6_prefix", 1, 128,
              [&](std::int64_t value) { config.relay.ipv6_prefix = static_cast<int>(value); });
  });
  section("exempt", [&](SectionReader& in) {
    in.texts("users", config.exempt.users, whole_identity);
    in.texts("domains", config.exempt.domains, domain);
    in.networks("hosts", config.exempt.hosts);
    in.texts("user_files", config.exempt.user_files, absolute_path);
    in.texts("host_files", config.exempt.host_files, absolute_path);
  });
  section("reasons", [&](SectionReader& in) {
    in.texts("missing", config.reasons.missing, pattern);
    in.texts("other", config.reasons.other, pattern);
    in.texts("spam", config.reasons.spam, pattern);
    in.text("file", config.reasons.file, absolute_path);
  });
  section("state", [&](SectionReader& in) {
    in.text("directory", config.state.directory, absolute_directory);
    in.text("metrics", config.state.metrics, [](const std::string& text) {
      return text.empty() ? std::string() : absolute_path(text);
    });
    in.duration("history_keep", std::chrono::hours(24), kLongestHistory, config.state.history_keep);
    in.number("max_identities", 1000, 100'000'000, [&](std::int64_t value) {
      config.state.max_identities = static_cast<std::size_t>(value);
    });
  });
  section("exim", [&](SectionReader& in) {
    in.text("binary", config.exim.binary, absolute_path);
    in.text("user", config.exim.user, not_empty);
    in.tristate("freeze_queued", config.exim.freeze_queued);
    in.boolean("spool_guard", config.exim.spool_guard);
  });
  section("notify", [&](SectionReader& in) { read_notify(in, config.notify); });
  read_patterns(top, config, problems);
  read_identity_maps(top, config, problems);
  read_rules(top, config, relays_given, problems);
  read_actions(top, config, problems);
  section("farm", [&](SectionReader& in) { read_farm(in, config); });
  top.finish();
}

}  // namespace

Config default_config() {
  return parse_config("", "").value();
}

std::string describe(const ConfigProblem& problem) {
  std::string text = printable(problem.file);
  if (problem.line > 0) text += fmt::format(":{}:{}", problem.line, problem.column);
  if (!text.empty()) text += ": ";
  if (!problem.key.empty()) text += printable(problem.key) + " ";
  return text + problem.what;
}

actions::Result<Config, std::vector<ConfigProblem>> parse_config(std::string_view text,
                                                                 const std::string& file) {
  Problems problems(file);
  toml::table root;
  try {
    root = toml::parse(text, std::string_view(file));
  } catch (const toml::parse_error& error) {
    problems.add(error.source(), "", fmt::format("not valid TOML: {}", error.description()));
    return problems.problems;
  }
  Config config;
  read_all(root, config, problems);
  if (!problems.problems.empty()) {
    std::stable_sort(
        problems.problems.begin(), problems.problems.end(),
        [](const ConfigProblem& a, const ConfigProblem& b) { return a.line < b.line; });
    return problems.problems;
  }
  config.warnings = problems.warnings;
  return config;
}

actions::Result<Config, std::vector<ConfigProblem>> load_config(const std::string& path) {
  const auto text = file_text(path);
  if (!text)
    return std::vector<ConfigProblem>{
        {path, 0, 0, "",
         fmt::format("can't be read: {}{}", std::strerror(text.error()),
                     text.error() == ENOENT ? did_you_mean(nearest_file(path)) : "")}};
  auto parsed = parse_config(text.value(), path);
  if (!parsed) return parsed;
  std::vector<ConfigProblem> problems;
  read_body(path, "notify", parsed->notify, problems);
  for (std::size_t i = 0; i < parsed->actions.size(); ++i)
    read_body(path, fmt::format("action[{}]", i + 1), parsed->actions[i].via, problems);
  if (!problems.empty()) return problems;
  return parsed;
}

}  // namespace agent
