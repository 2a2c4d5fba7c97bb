#include "agent/archive/known_names.h"

#include <vector>

#include "agent/config/spelling.h"
#include "agent/core/attribution.h"

namespace agent {
namespace {

constexpr std::size_t kMost = 50'000;

}  // namespace

KnownNames::KnownNames(std::string_view wanted) : wanted_(folded(wanted)) {}

void KnownNames::note(std::string_view identity) {
  if (met_ || names_.contains(identity)) return;
  met_ = folded(identity) == wanted_;
  if (names_.size() < kMost) names_.emplace(identity);
}

std::string KnownNames::hint() const {
  return did_you_mean(nearest_identity(wanted_, {names_.begin(), names_.end()}));
}

}  // namespace agent
