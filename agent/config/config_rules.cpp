#include "agent/config/config_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/config/config_checks.h"
#include "agent/core/identity_tables.h"
#include "agent/core/share_window.h"

namespace agent {
namespace {

constexpr std::chrono::seconds kYear{366 * 86400};
constexpr std::int64_t kMaxLimit = 1'000'000;

constexpr SectionReader::Choice<IdentityKind> kIdentities[] = {{"user", IdentityKind::user},
                                                               {"relay", IdentityKind::relay},
                                                               {"local", IdentityKind::local},
                                                               {"host", IdentityKind::host}};
constexpr SectionReader::Choice<Signal> kSignals[] = {{"rejected_rcpt", Signal::rejected_rcpt},
                                                      {"tagged", Signal::tagged},
                                                      {"warned", Signal::warned},
                                                      {"bounced", Signal::bounced},
                                                      {"accepted", Signal::accepted},
                                                      {"deferred", Signal::deferred},
                                                      {"accused", Signal::accused},
                                                      {"auth_failed", Signal::auth_failed}};
constexpr SectionReader::Choice<RuleMode> kModes[] = {{"block", RuleMode::block},
                                                      {"trial", RuleMode::trial}};
constexpr SectionReader::Choice<CountBy> kCounts[] = {
    {"attempts", CountBy::attempts}, {"recipients", CountBy::recipients}, {"hosts", CountBy::hosts},
    {"networks", CountBy::networks}, {"senders", CountBy::senders},       {"ids", CountBy::ids}};

bool listens(const Rule& rule, Signal signal) {
  return std::find(rule.signals.begin(), rule.signals.end(), signal) != rule.signals.end();
}

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
    if (part.has("hosts") && !is_by_address(rule.identity))
      part.complain("hosts", "makes sense for identity = \"relay\" or \"host\" only");
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
  if (!in.has("identity"))
    in.complain("identity", "is missing; accepted: user, relay, local, host");
  in.choice("identity", kIdentities, rule.identity);
  rule.signals = default_signals(rule.identity);
  in.choices("signals", kSignals, rule.signals);
  if (in.has("signals") && rule.signals.empty())
    in.complain("signals", "is empty; the rule could never decide");
  in.number("limit", 1, kMaxLimit,
            [&](std::int64_t value) { rule.limit = static_cast<std::uint32_t>(value); });
  in.duration("period", std::chrono::seconds(1), kYear, rule.period);
  in.choice("count", kCounts, rule.count);
  in.prefixes("network_prefixes", rule.network_v4, rule.network_v6);
  if (in.has("network_prefixes") && rule.count != CountBy::networks)
    in.complain("network_prefixes", "makes sense for count = \"networks\" only");
  in.percent("min_share", rule.min_share);
  if (rule.min_share > 0 && listens(rule, Signal::accepted))
    in.complain("min_share", "is a share of what was accepted, which this rule counts itself");
  if (rule.min_share > 0 && rule.period > ShareWindow::kLongest)
    in.complain("min_share", "takes a period of at most 1d");
  if (rule.count == CountBy::ids && !listens(rule, Signal::auth_failed))
    in.complain("count", "is \"ids\", which only the signal auth_failed has");
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
  if (rule.ipv6_prefix != 0 && !is_by_address(rule.identity)) {
    in.complain("ipv6_prefix", "makes sense for identity = \"relay\" or \"host\" only");
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
  const auto warn = [&](const char* key, const char* what) {
    problems.warn(in.place(key), in.path_of(key), what);
  };
  if (listens(rule, Signal::bounced) &&
      (listens(rule, Signal::tagged) || listens(rule, Signal::warned))) {
    warn("signals",
         "holds bounced beside tagged or warned, which accept the recipient: one recipient is "
         "charged twice");
  }
  const auto about_mail = {Signal::bounced, Signal::accepted, Signal::deferred, Signal::accused};
  if (rule.identity == IdentityKind::local &&
      std::none_of(about_mail.begin(), about_mail.end(),
                   [&](Signal signal) { return listens(rule, signal); })) {
    warn("signals",
         "must hold bounced, accepted, deferred or accused: there is no other evidence "
         "for identity = \"local\"");
  }
  if (!is_by_address(rule.identity) && listens(rule, Signal::auth_failed)) {
    warn("signals",
         "holds auth_failed, which charges client addresses only (identity = \"host\" "
         "or \"relay\"): the name that was tried is a claim");
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
                     : kind == IdentityKind::host  ? "blocked_hosts"
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
