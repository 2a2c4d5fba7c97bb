#include "agent/config/config_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/config/config_checks.h"
#include "agent/core/identity_tables.h"

namespace agent {
namespace {

constexpr std::chrono::seconds kYear{366 * 86400};
constexpr std::int64_t kMaxLimit = 1'000'000;

constexpr SectionReader::Choice<IdentityKind> kIdentities[] = {
    {"user", IdentityKind::user}, {"relay", IdentityKind::relay}, {"local", IdentityKind::local}};
constexpr SectionReader::Choice<Signal> kSignals[] = {{"rejected_rcpt", Signal::rejected_rcpt},
                                                      {"tagged", Signal::tagged},
                                                      {"warned", Signal::warned},
                                                      {"bounced", Signal::bounced}};
constexpr SectionReader::Choice<RuleMode> kModes[] = {{"block", RuleMode::block},
                                                      {"trial", RuleMode::trial}};
constexpr SectionReader::Choice<CountBy> kCounts[] = {{"attempts", CountBy::attempts},
                                                      {"recipients", CountBy::recipients}};

void read_overrides(SectionReader& in, Rule& rule, const std::string& path, Problems& problems) {
  const auto tables = in.tables("override");
  for (std::size_t i = 0; i < tables.size(); ++i) {
    SectionReader part(*tables[i], fmt::format("{}.override[{}]", path, i + 1), problems);
    Override override;
    part.texts("users", override.users, whole_identity);
    part.texts("domains", override.domains, domain);
    part.networks("hosts", override.hosts);
    if (!part.has("users") && !part.has("domains") && !part.has("hosts"))
      part.complain("users", "is missing, and so are domains and hosts: it would fit nobody");
    if (!part.has("limit")) part.complain("limit", "is missing; accepted: a whole number");
    part.number("limit", 1, kMaxLimit,
                [&](std::int64_t value) { override.limit = static_cast<std::uint32_t>(value); });
    if (part.has("hosts") && rule.identity != IdentityKind::relay)
      part.complain("hosts", "makes sense for identity = \"relay\" only");
    part.finish();
    rule.overrides.push_back(std::move(override));
  }
}

Rule read_rule(SectionReader& in, const std::string& path, Problems& problems) {
  Rule rule;
  if (!in.has("name"))
    in.complain("name", "is missing; accepted: a name for lists, mails and logs");
  in.text("name", rule.name, rule_name);
  in.choice("mode", kModes, rule.mode);
  if (!in.has("identity")) in.complain("identity", "is missing; accepted: user, relay, local");
  in.choice("identity", kIdentities, rule.identity);
  rule.signals = default_signals(rule.identity);
  in.choices("signals", kSignals, rule.signals);
  if (in.has("signals") && rule.signals.empty())
    in.complain("signals", "is empty; the rule could never decide");
  in.number("limit", 1, kMaxLimit,
            [&](std::int64_t value) { rule.limit = static_cast<std::uint32_t>(value); });
  in.duration("period", std::chrono::seconds(1), kYear, rule.period);
  in.choice("count", kCounts, rule.count);
  in.text("list", rule.list, absolute_path);
  in.percent("watch", rule.watch);
  if (rule.watch != 0 && rule.mode == RuleMode::trial)
    in.complain("watch", "makes sense for mode = \"block\" only: a trial blocks nobody anyway");
  in.durations("block_for", std::chrono::seconds(1), 10 * kYear, kForever, rule.block_for);
  if (const auto last = std::find(rule.block_for.begin(), rule.block_for.end(), kForever);
      last != rule.block_for.end() && last + 1 != rule.block_for.end()) {
    in.complain("block_for", "goes on after \"forever\"");
  }
  in.duration("repeat_within", std::chrono::seconds(1), 10 * kYear, rule.repeat_within);
  in.number("ipv6_prefix", 1, 128,
            [&](std::int64_t value) { rule.ipv6_prefix = static_cast<int>(value); });
  if (rule.ipv6_prefix != 0 && rule.identity != IdentityKind::relay) {
    in.complain("ipv6_prefix", "makes sense for identity = \"relay\" only");
  }
  read_overrides(in, rule, path, problems);
  return rule;
}

std::vector<Rule> default_rules(const std::string& state_directory) {
  Rule user, relay;
  user.name = "authenticated";
  relay.name = "relay";
  relay.identity = IdentityKind::relay;
  user.list = default_list(state_directory, user.identity);
  relay.list = default_list(state_directory, relay.identity);
  return {user, relay};
}

// Sound, but it could not do what it seems to.
void warn_of_rule(SectionReader& in, const Rule& rule, bool relays_given, Problems& problems) {
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

}  // namespace

// Who submits on the machine shows in no other evidence than failed deliveries.
std::vector<Signal> default_signals(IdentityKind kind) {
  return kind == IdentityKind::local ? std::vector{Signal::bounced} : Rule().signals;
}

std::string default_list(const std::string& state_directory, IdentityKind kind) {
  const char* name = kind == IdentityKind::user    ? "blocked_authenticated_users"
                     : kind == IdentityKind::relay ? "blocked_relay_users"
                                                   : "blocked_local_users";
  return state_directory + "/exim/" + name;
}

void read_rules(SectionReader& top, Config& config, bool relays_given, Problems& problems) {
  const auto tables = top.tables("rule");
  if (tables.empty() && !top.has("rule")) config.rules = default_rules(config.state.directory);
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const auto path = fmt::format("rule[{}]", i + 1);
    SectionReader in(*tables[i], path, problems);
    auto rule = read_rule(in, path, problems);
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

void read_identity_maps(SectionReader& top, Config& config, Problems& problems) {
  const auto tables = top.tables("identity_map");
  for (std::size_t i = 0; i < tables.size(); ++i) {
    SectionReader in(*tables[i], fmt::format("identity_map[{}]", i + 1), problems);
    IdentityMapConfig map;
    if (!in.has("identity")) in.complain("identity", "is missing; accepted: user, relay, local");
    in.choice("identity", kIdentities, map.identity);
    in.text("regex", map.regex, not_empty);
    in.text("rewrite", map.rewrite);
    in.text("file", map.file, absolute_path);
    if (!in.has("regex") && !in.has("file"))
      in.complain("regex", "is missing, and so is file: it would map nobody");
    if (in.has("regex") && !in.has("rewrite"))
      in.complain("rewrite", "is missing; accepted: what takes the place of each match, or \"\"");
    if (in.has("rewrite") && !in.has("regex"))
      in.complain("rewrite", "makes sense with regex only");
    if (const auto wrong = rewrite_problem(map.regex, map.rewrite); !wrong.empty())
      in.complain("regex", wrong);
    in.finish();
    config.identity_maps.push_back(std::move(map));
  }
}

}  // namespace agent
