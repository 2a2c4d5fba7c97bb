#include "agent/core/subject_key.h"

#include "agent/core/attribution.h"

namespace agent {

void SubjectKey::assign(IdentityKind other, std::string_view printed) {
  kind = other;
  id.clear();
  append_folded(printed, id);
}

SubjectKey subject_key(IdentityKind kind, std::string_view printed) {
  return {kind, folded(printed)};
}

}  // namespace agent
