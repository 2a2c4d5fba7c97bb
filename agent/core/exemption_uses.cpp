#include "agent/core/exemption_uses.h"

#include <algorithm>

namespace agent {

void ExemptionUses::note(const IdentityTables& tables, const parsers::Event& event, Instant time) {
  const auto host = event.host ? IpAddress::parse(*event.host) : std::nullopt;
  for (const auto& end : tables.ends) {
    const bool used = (event.user && end.covers(*event.user)) ||
                      (event.login && end.covers(*event.login)) || (host && end.covers(*host));
    if (!used) continue;
    auto& last = uses_.try_emplace(end.key, time).first->second;
    last = std::max(last, time);
  }
}

void ExemptionUses::keep(const IdentityTables& tables) {
  std::erase_if(uses_, [&](const auto& use) {
    return std::none_of(tables.ends.begin(), tables.ends.end(),
                        [&](const ExemptionEnd& end) { return end.key == use.first; });
  });
}

std::optional<Instant> ExemptionUses::last(const ExemptionEnd& end) const {
  const auto use = uses_.find(end.key);
  return use == uses_.end() ? std::nullopt : std::optional(use->second);
}

}  // namespace agent
