#include "agent/config.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include "actions/mail.h"
#include "agent/config_reader.h"
#include "agent/printable.h"
#include "agent/zone.h"
#include "parsers/pattern_risk.h"
#include "parsers/patterns.h"

namespace agent {
namespace {

constexpr std::chrono::seconds kYear{366 * 86400};

// Checks for TableReader: "" if good, else what is accepted.
std::string absolute_path(const std::string& text) {
  // One spelling only: two rules with the same list must be seen to have the same.
  const bool good = text.size() > 1 && text[0] == '/' && text.back() != '/' &&
                    text.find('\0') == std::string::npos &&
                    std::filesystem::path(text).lexically_normal().string() == text;
  return good ? ""
              : "an absolute path of a file without \"//\" or \"..\", like "
                "\"/var/log/exim4/mainlog\"";
}
std::string log_path(const std::string& text) {
  if (const auto wrong = absolute_path(text); !wrong.empty()) return wrong;
  return text.substr(0, text.rfind('/')).find('%') == std::string::npos
             ? ""
             : "a path with %D or %M in its last part only";
}
std::string absolute_directory(const std::string& text) {
  return absolute_path(text).empty() ? ""
                                     : "an absolute path of a directory, without '/' at its end";
}
std::string zone_name(const std::string& text) {
  const bool good = !text.empty() && text.size() < 64 && text[0] != '/' &&
                    text.find("..") == std::string::npos &&
                    std::all_of(text.begin(), text.end(), [](unsigned char c) {
                      return std::isalnum(c) != 0 || std::strchr("_+-/", c) != nullptr;
                    });
  return good && Zone::named(text)
             ? ""
             : "\"local\", \"UTC\" or a name like \"Europe/Berlin\" that this machine knows";
}
std::string mail_address(const std::string& text) {
  return actions::is_mail_address(text) ? "" : "an address like \"abuse@example.org\"";
}
std::string host_and_port(const std::string& text) {
  const auto colon = text.rfind(':');
  const auto port = colon == std::string::npos ? "" : text.substr(colon + 1);
  auto host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  const bool good_port =
      !port.empty() && port.size() <= 5 &&
      std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
      std::stoi(port) > 0 && std::stoi(port) < 65536;
  const bool good_host =
      !host.empty() && std::all_of(host.begin(), host.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '-' || c == ':';
      });
  return good_port && good_host ? "" : "host:port, like \"127.0.0.1:25\" or \"[::1]:25\"";
}
std::string own_address(const std::string& text) {
  return text == "@[]" || IpAddress::parse(text)
             ? ""
             : "\"@[]\" for every interface of this machine, or an address";
}
std::string pattern(const std::string& text) {
  if (text == "default") return "";
  RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(false);
  options.set_encoding(RE2::Options::EncodingLatin1);
  const RE2 compiled(text, options);
  return compiled.ok() ? ""
                       : fmt::format("an RE2 regular expression or \"default\" (RE2 says: {})",
                                     compiled.error());
}
std::string rule_name(const std::string& text) {
  const bool good =
      !text.empty() && text.size() <= 64 && text.front() != ' ' && text.back() != ' ' &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
  return good ? "" : "1 to 64 printable ASCII characters, no blank at either end";
}
std::string not_empty(const std::string& text) {
  return text.empty() ? "a name" : "";
}

constexpr TableReader::Choice<IdentityKind> kIdentities[] = {
    {"user", IdentityKind::user}, {"relay", IdentityKind::relay}, {"local", IdentityKind::local}};
constexpr TableReader::Choice<Signal> kSignals[] = {{"rejected_rcpt", Signal::rejected_rcpt},
                                                    {"tagged", Signal::tagged},
                                                    {"warned", Signal::warned},
                                                    {"bounced", Signal::bounced}};
constexpr TableReader::Choice<CountBy> kCounts[] = {{"attempts", CountBy::attempts},
                                                    {"recipients", CountBy::recipients}};
constexpr TableReader::Choice<Transport> kTransports[] = {
    {"smtp", Transport::smtp}, {"sendmail", Transport::sendmail}, {"none", Transport::none}};

std::string default_list(const std::string& state_directory, IdentityKind kind) {
  const char* name = kind == IdentityKind::user    ? "blocked_authenticated_users"
                     : kind == IdentityKind::relay ? "blocked_relay_users"
                                                   : "blocked_local_users";
  return state_directory + "/exim/" + name;
}

void read_log(TableReader& in, LogConfig& log) {
  in.texts("paths", log.paths, log_path);
  if (in.has("paths") && log.paths.empty())
    in.complain("paths", "is empty; accepted: at least one log");
  in.text("timezone", log.timezone, zone_name);
  in.tristate("junk_helo", log.junk_helo);
  in.tristate("syslog_duplication", log.syslog_duplication);
  in.text("tag_secret_file", log.tag_secret_file, [](const std::string& text) {
    return text.empty() ? std::string() : absolute_path(text);
  });
}

void read_notify(TableReader& in, NotifyConfig& notify) {
  in.texts("to", notify.to, mail_address);
  in.text("from", notify.from, [](const std::string& text) {
    return text.empty() ? std::string() : mail_address(text);
  });
  in.choices("transports", kTransports, notify.transports);
  in.text("smtp", notify.smtp, host_and_port);
  in.number("max_per_hour", 1, 3600,
            [&](std::int64_t value) { notify.max_per_hour = static_cast<std::uint32_t>(value); });
  in.texts("sendmail", notify.sendmail);
  if (in.has("sendmail") &&
      (notify.sendmail.empty() || notify.sendmail[0].empty() || notify.sendmail[0][0] != '/')) {
    in.complain("sendmail", "must begin with the absolute path of a program");
  }
}

Rule read_rule(TableReader& in) {
  Rule rule;
  if (!in.has("name"))
    in.complain("name", "is missing; accepted: a name for lists, mails and logs");
  in.text("name", rule.name, rule_name);
  if (!in.has("identity")) in.complain("identity", "is missing; accepted: user, relay, local");
  in.choice("identity", kIdentities, rule.identity);
  // Who submits on the machine shows in no other evidence than failed deliveries.
  if (rule.identity == IdentityKind::local) rule.signals = {Signal::bounced};
  in.choices("signals", kSignals, rule.signals);
  if (in.has("signals") && rule.signals.empty())
    in.complain("signals", "is empty; the rule could never decide");
  in.number("limit", 1, 1'000'000,
            [&](std::int64_t value) { rule.limit = static_cast<std::uint32_t>(value); });
  in.duration("period", std::chrono::seconds(1), kYear, rule.period);
  in.choice("count", kCounts, rule.count);
  in.text("list", rule.list, absolute_path);
  in.number("ipv6_prefix", 1, 128,
            [&](std::int64_t value) { rule.ipv6_prefix = static_cast<int>(value); });
  if (rule.ipv6_prefix != 0 && rule.identity != IdentityKind::relay) {
    in.complain("ipv6_prefix", "makes sense for identity = \"relay\" only");
  }
  return rule;
}

std::vector<Rule> default_rules() {
  Rule user, relay;
  user.name = "authenticated";
  relay.name = "relay";
  relay.identity = IdentityKind::relay;
  return {user, relay};
}

// Sound, but it could not do what it seems to.
void warn_of_rule(TableReader& in, const Rule& rule, bool relays_given, Problems& problems) {
  const auto listens = [&](Signal signal) {
    return std::find(rule.signals.begin(), rule.signals.end(), signal) != rule.signals.end();
  };
  const auto warn = [&](const char* key, const char* what) {
    problems.warn(in.place(key), in.path_of(key), what);
  };
  if (listens(Signal::bounced) && (listens(Signal::tagged) || listens(Signal::warned))) {
    warn("signals",
         "holds bounced beside tagged or warned, which accept the recipient: one recipient is "
         "charged twice");
  }
  if (rule.identity == IdentityKind::local && !listens(Signal::bounced)) {
    warn("signals", "must hold bounced: it is the only evidence there is for identity = \"local\"");
  }
  // An empty list that was written down is meant so.
  if (rule.identity == IdentityKind::relay && !relays_given)
    warn("identity", "is relay, but relay.hosts is not given: the rule can charge nobody");
}

void read_patterns(TableReader& top, Config& config, Problems& problems) {
  const auto tables = top.tables("pattern");
  for (std::size_t i = 0; i < tables.size(); ++i) {
    TableReader in(*tables[i], fmt::format("pattern[{}]", i + 1), problems);
    PatternConfig pattern;
    constexpr TableReader::Choice<int> kKinds[] = {{"warned", 0}};
    int kind = 0;
    in.choice("kind", kKinds, kind);
    if (!in.has("regex")) in.complain("regex", "is missing; accepted: an RE2 regular expression");
    in.text("regex", pattern.regex);
    in.boolean("dequote", pattern.dequote);
    in.finish();
    const auto compiled = parsers::Patterns::compile({{pattern.regex, pattern.dequote}});
    if (const auto* errors = std::get_if<1>(&compiled)) {
      for (const auto& error : *errors) {
        if (in.has("regex")) in.complain("regex", error.what);
      }
    } else if (const auto risk = parsers::pattern_risk(pattern.regex); !risk.empty()) {
      problems.warn(in.place("regex"), in.path_of("regex"), risk);
    }
    config.patterns.push_back(std::move(pattern));
  }
}

void read_rules(TableReader& top, Config& config, bool relays_given, Problems& problems) {
  const auto tables = top.tables("rule");
  if (tables.empty() && !top.has("rule")) config.rules = default_rules();
  for (std::size_t i = 0; i < tables.size(); ++i) {
    TableReader in(*tables[i], fmt::format("rule[{}]", i + 1), problems);
    auto rule = read_rule(in);
    in.finish();
    if (rule.list.empty()) rule.list = default_list(config.state.directory, rule.identity);
    for (const auto& other : config.rules) {
      if (!rule.name.empty() && other.name == rule.name) {
        in.complain("name", fmt::format("\"{}\" is the name of an earlier rule too", rule.name));
      }
      if (other.list == rule.list && other.identity != rule.identity) {
        in.complain(
            "list",
            fmt::format("is also the list of rule \"{}\", which is about identity = \"{}\": Exim "
                        "could not tell their keys apart",
                        other.name, name_of(other.identity)));
      }
    }
    warn_of_rule(in, rule, relays_given, problems);
    config.rules.push_back(std::move(rule));
  }
  if (config.rules.empty())
    problems.add({}, "rule", "no rule at all; leave [[rule]] out for the built-in ones");
  if (config.rules.size() > 64) problems.add({}, "rule", "more than 64 rules");
}

void read_all(const toml::table& root, Config& config, Problems& problems) {
  TableReader top(root, "", problems);
  const auto section = [&](const char* name, const auto& read) {
    const auto* table = top.table(name);
    if (table == nullptr) return;
    TableReader in(*table, name, problems);
    read(in);
    in.finish();
  };
  section("log", [&](TableReader& in) { read_log(in, config.log); });
  bool relays_given = false;
  section("relay", [&](TableReader& in) {
    relays_given = in.has("hosts");
    in.networks("hosts", config.relay.hosts);
    in.texts("own", config.relay.own, own_address);
    in.number("ipv6_prefix", 1, 128,
              [&](std::int64_t value) { config.relay.ipv6_prefix = static_cast<int>(value); });
  });
  section("exempt", [&](TableReader& in) {
    in.texts("users", config.exempt.users, not_empty);
    in.networks("hosts", config.exempt.hosts);
  });
  section("reasons", [&](TableReader& in) {
    in.texts("missing", config.reasons.missing, pattern);
    in.texts("other", config.reasons.other, pattern);
  });
  section("state", [&](TableReader& in) {
    in.text("directory", config.state.directory, absolute_directory);
    in.text("metrics", config.state.metrics, [](const std::string& text) {
      return text.empty() ? std::string() : absolute_path(text);
    });
    in.number("max_identities", 1000, 100'000'000, [&](std::int64_t value) {
      config.state.max_identities = static_cast<std::size_t>(value);
    });
  });
  section("exim", [&](TableReader& in) {
    in.text("binary", config.exim.binary, absolute_path);
    in.text("user", config.exim.user, not_empty);
    in.tristate("freeze_queued", config.exim.freeze_queued);
  });
  section("notify", [&](TableReader& in) { read_notify(in, config.notify); });
  read_patterns(top, config, problems);
  read_rules(top, config, relays_given, problems);
  top.finish();
}

}  // namespace

std::string_view name_of(IdentityKind kind) {
  return kIdentities[static_cast<std::size_t>(kind)].name;
}

Config Config::defaults() {
  return std::get<Config>(parse_config("", ""));
}

std::string describe(const ConfigProblem& problem) {
  std::string text = printable(problem.file);
  if (problem.line > 0) text += fmt::format(":{}:{}", problem.line, problem.column);
  if (!text.empty()) text += ": ";
  if (!problem.key.empty()) text += printable(problem.key) + " ";
  return text + problem.what;
}

std::variant<Config, std::vector<ConfigProblem>> parse_config(std::string_view text,
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
  for (auto& rule : config.rules) {
    if (rule.list.empty()) rule.list = default_list(config.state.directory, rule.identity);
  }
  if (!problems.problems.empty()) {
    std::stable_sort(
        problems.problems.begin(), problems.problems.end(),
        [](const ConfigProblem& a, const ConfigProblem& b) { return a.line < b.line; });
    return problems.problems;
  }
  config.warnings = problems.warnings;
  return config;
}

std::variant<Config, std::vector<ConfigProblem>> load_config(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             &std::fclose);
  std::string text;
  std::array<char, 4096> buffer{};
  while (file) {
    const auto got = std::fread(buffer.data(), 1, buffer.size(), file.get());
    text.append(buffer.data(), got);
    if (got < buffer.size()) break;
  }
  if (!file || std::ferror(file.get()) != 0) {
    return std::vector<ConfigProblem>{
        {path, 0, 0, "", fmt::format("can't be read: {}", std::strerror(errno))}};
  }
  return parse_config(text, path);
}

}  // namespace agent
