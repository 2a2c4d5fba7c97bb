#include "agent/core/limits.h"

#include <algorithm>

#include "agent/core/attribution.h"

namespace agent {

Limits::Limits(const Rule& rule) : limit_(rule.limit) {
  for (const auto& override : rule.overrides) {
    const auto index = limits_.size();
    limits_.push_back(override.limit);
    for (const auto& user : override.users) users_.emplace(folded(user), index);
    for (const auto& domain : override.domains) domains_.emplace(folded(domain), index);
    for (const auto& host : override.hosts) hosts_.emplace_back(host, index);
  }
}

std::size_t Limits::which(std::string_view folded) const {
  auto first = kNone;
  const auto take = [&](const Names& names, std::string_view name) {
    const auto found = names.find(name);
    if (found != names.end()) first = std::min(first, found->second);
  };
  take(users_, folded);
  const auto at = folded.rfind('@');
  if (at != std::string_view::npos) take(domains_, folded.substr(at + 1));
  if (hosts_.empty()) return first;
  // A relay rule may count whole networks: one that lies wholly inside fits.
  const auto who = Network::parse(folded);
  for (const auto& [network, index] : hosts_) {
    if (index < first && who && network.prefix <= who->prefix && network.contains(who->base)) {
      first = index;
    }
  }
  return first;
}

bool Limits::is_own(std::string_view folded) const {
  return !limits_.empty() && which(folded) != kNone;
}

std::uint32_t Limits::overridden(std::string_view folded) const {
  const auto index = which(folded);
  return index == kNone ? limit_ : limits_[index];
}

std::uint32_t Limits::highest() const {
  auto most = limit_;
  for (const auto limit : limits_) most = std::max(most, limit);
  return most;
}

}  // namespace agent
