#include "agent/commands/trial_rule.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/config/config_rules.h"
#include "agent/config/spelling.h"
#include "agent/values/duration.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

std::optional<std::string> option(const Invocation& invocation, const char* name) {
  if (invocation.options.count(name) == 0) return std::nullopt;
  return invocation.options[name].as<std::string>();
}

Rule rule_for(const Config& config, IdentityKind kind) {
  const auto known = std::find_if(config.rules.begin(), config.rules.end(),
                                  [&](const Rule& rule) { return rule.identity == kind; });
  if (known != config.rules.end()) return *known;
  Rule rule;
  rule.name = "trial";
  rule.identity = kind;
  rule.signals = default_signals(kind);
  rule.list = default_list(config.state.directory, kind);
  return rule;
}

}  // namespace

std::optional<std::uint32_t> limit_of(const std::string& word) {
  if (word.empty() || word.size() > 7 ||
      !std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  const auto value = static_cast<std::uint32_t>(std::stoul(word));
  return value >= 1 && value <= kMaxLimit ? std::optional(value) : std::nullopt;
}

std::optional<std::chrono::seconds> period_of(const std::string& word) {
  const auto period = parse_duration(word);
  const bool good = period && period->count() >= 1 && *period <= std::chrono::days(366);
  return good ? period : std::nullopt;
}

actions::Result<Invocation, std::string> with_trial_rule(const Invocation& invocation) {
  const auto limit = option(invocation, "limit"), period = option(invocation, "period"),
             identity = option(invocation, "identity");
  if (!limit && !period && !identity) return invocation;
  auto kind = IdentityKind::user;
  if (identity) {
    const auto kinds = {IdentityKind::user, IdentityKind::relay, IdentityKind::local,
                        IdentityKind::host};
    const auto* found = std::find_if(kinds.begin(), kinds.end(), [&](IdentityKind known) {
      return *identity == name_of(known);
    });
    if (found == kinds.end()) {
      return fmt::format(
          "--identity: no kind of identity \"{}\"{}; accepted: user, relay, local, host", *identity,
          did_you_mean(nearest(*identity, {"user", "relay", "local", "host"})));
    }
    kind = *found;
  }
  auto rule = rule_for(invocation.config, kind);
  if (limit) {
    const auto value = limit_of(*limit);
    if (!value) {
      return fmt::format("--limit: \"{}\" is no limit; accepted: whole numbers from 1 to {}",
                         *limit, kMaxLimit);
    }
    rule.limit = *value;
    rule.overrides.clear();
  }
  if (period) {
    const auto value = period_of(*period);
    if (!value) {
      return fmt::format("--period: \"{}\" is no period; accepted: 1s to 366d, like 10m or 1h30m",
                         *period);
    }
    rule.period = *value;
  }
  auto tried = invocation;
  tried.config.rules = {std::move(rule)};
  return tried;
}

}  // namespace agent
