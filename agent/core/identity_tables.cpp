#include "agent/core/identity_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actions/lists/lsearch.h"
#include "agent/core/attribution.h"

namespace agent {
namespace {

RE2::Options options() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_encoding(RE2::Options::EncodingLatin1);
  return options;
}

}  // namespace

std::string rewrite_problem(const std::string& regex, const std::string& rewrite) {
  const RE2 compiled(regex, options());
  if (!compiled.ok()) return "RE2 says: " + compiled.error();
  std::string error;
  return compiled.CheckRewriteString(rewrite, &error) ? "" : "RE2 says: " + error;
}

IdentityMap::IdentityMap(const std::vector<IdentityMapConfig>& maps, std::vector<Names> files) {
  files.resize(maps.size());
  for (std::size_t i = 0; i < maps.size(); ++i) {
    Step step{maps[i].identity, nullptr, maps[i].rewrite, std::move(files[i])};
    if (!maps[i].regex.empty()) step.regex = std::make_shared<const RE2>(maps[i].regex, options());
    steps_.push_back(std::move(step));
  }
}

bool IdentityMap::maps(IdentityKind kind) const {
  return std::any_of(steps_.begin(), steps_.end(),
                     [&](const Step& step) { return step.kind == kind; });
}

std::string IdentityMap::name(IdentityKind kind, std::string_view printed) const {
  std::string name(printed);
  for (const auto& step : steps_) {
    if (step.kind != kind) continue;
    if (step.regex) {
      auto rewritten = name;
      RE2::GlobalReplace(&rewritten, *step.regex, step.rewrite);
      if (actions::quoted_key(rewritten)) name = std::move(rewritten);
    }
    if (step.names.empty()) continue;
    const auto found = step.names.find(folded(name));
    if (found != step.names.end() && actions::quoted_key(found->second)) name = found->second;
  }
  return name;
}

bool ExemptionEnd::covers(std::string_view user) const {
  return !network && folded(user) == key;
}

bool ExemptionEnd::covers(const IpAddress& host) const {
  return network && network->contains(host);
}

bool IdentityTables::exempts_user(std::string_view id) const {
  if (exempt_users.empty() && exempt_domains.empty()) return false;
  const auto name = folded(id);
  if (exempt_users.count(name) > 0) return true;
  const auto at = name.rfind('@');
  return at != std::string::npos && exempt_domains.count(name.substr(at + 1)) > 0;
}

bool IdentityTables::exempts(std::string_view key) const {
  if (exempts_user(key)) return true;
  const auto address = IpAddress::parse(key);
  return address && any_contains(exempt_hosts, *address);
}

std::shared_ptr<const IdentityTables> IdentityTables::without_files(const Config& config) {
  auto tables = std::make_shared<IdentityTables>();
  for (const auto& user : config.exempt.users) tables->exempt_users.insert(folded(user));
  for (const auto& domain : config.exempt.domains) tables->exempt_domains.insert(folded(domain));
  tables->exempt_hosts = config.exempt.hosts;
  tables->identities = IdentityMap(config.identity_maps, {});
  return tables;
}

}  // namespace agent
