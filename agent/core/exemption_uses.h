// ExemptionUses: when each exemption that ends has last kept an event from counting, so that its
// end can be told of before it surprises somebody. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "agent/core/identity_tables.h"
#include "parsers/entries/event.h"

namespace agent {

class ExemptionUses {
 public:
  // An event was charged to nobody, for its sender is exempt by these tables.
  void note(const IdentityTables& tables, const parsers::Event& event, Instant time);
  // Forgets the exemptions that these tables no longer know to end.
  void keep(const IdentityTables& tables);
  // Returns when it was last of use; nullopt: not since this program's start.
  [[nodiscard]] std::optional<Instant> last(const ExemptionEnd& end) const;

 private:
  std::map<std::string, Instant> uses_;  // by key
};

}  // namespace agent
