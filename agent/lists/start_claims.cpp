#include "agent/lists/start_claims.h"

namespace agent {

bool StartClaims::to_be_claimed(std::optional<Instant> decided, bool torn) const {
  if (!unread_ || unread_->settled) return false;
  if (torn || !decided) return torn;
  return !unread_->horizon || *decided > *unread_->horizon;
}

void StartClaims::read(Instant changed, const std::set<std::string>& keys) {
  if (unread_ && unread_->lost && !unread_->settled) {
    lost_before_ = changed;
    at_start_ = keys;
  }
  unread_.reset();
}

void StartClaims::forget(const std::string& key) {
  unclaimed_.erase(key);
  at_start_.erase(key);
}

std::optional<StartClaims::Freed> StartClaims::freed_since(const std::string& key,
                                                           Instant decided) const {
  if (!lost_before_) return std::nullopt;
  if (decided < *lost_before_ && at_start_.count(key) == 0) return Freed{lost_before_};
  // A sender that was blocked twice was freed in between; when, nobody knows any more.
  const auto line = unclaimed_.find(key);
  if (line != unclaimed_.end() && line->second.decided && decided < *line->second.decided)
    return Freed{};
  return std::nullopt;
}

std::map<std::string, StartClaims::Line> StartClaims::settle() {
  at_start_.clear();
  lost_before_.reset();
  if (unread_) unread_->settled = true;
  return std::exchange(unclaimed_, {});
}

}  // namespace agent
