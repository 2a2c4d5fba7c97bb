// What a list held at the program's start that the saved state does not know of. A line of ours (or
// the first half of one) was then written after the state, just before a crash: the log will lead
// to the same decision again, which claims it, and only then is its notice written. Until then its
// identity does not count as blocked. Once the logs were read to their ends, what nobody has
// claimed is a block like any other.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "agent/core/now.h"

namespace agent {

class StartClaims {
 public:
  struct Line {
    std::optional<Instant> decided, until;  // as it says
  };

  // The list is still to be read. `horizon`: without a state, only lines decided later are to be
  // claimed. `lost`: there was a state, but it can't be read.
  void expect(std::optional<Instant> horizon, bool lost) { unread_ = Unread{horizon, lost}; }
  [[nodiscard]] bool unread() const { return unread_.has_value(); }
  // It was read: the file was changed then, and these were its keys.
  void read(Instant changed, const std::set<std::string>& keys);
  // Must the log lead to this line again? `decided`: of one of ours; nullopt: of another hand.
  // `torn`: its end is missing.
  [[nodiscard]] bool to_be_claimed(std::optional<Instant> decided, bool torn) const;
  [[nodiscard]] bool lost() const { return unread_ && unread_->lost; }

  void add(const std::string& key, Line line) { unclaimed_.emplace(key, line); }
  [[nodiscard]] bool holds(const std::string& key) const { return unclaimed_.count(key) > 0; }
  [[nodiscard]] bool may_have_held(const std::string& key) const {
    return holds(key) || at_start_.count(key) > 0;
  }
  [[nodiscard]] const std::map<std::string, Line>& unclaimed() const { return unclaimed_; }
  void claim(const std::string& key) { unclaimed_.erase(key); }
  void forget(const std::string& key);

  // A decision that was made before the state was lost, of a sender that somebody has freed since:
  // the time of that, or nothing if it is not known. nullopt: no such decision.
  struct Freed {
    std::optional<Instant> at;
  };
  [[nodiscard]] std::optional<Freed> freed_since(const std::string& key, Instant decided) const;

  // The logs were read to their ends. Returns what is left.
  std::map<std::string, Line> settle();

 private:
  struct Unread {
    std::optional<Instant> horizon;
    bool lost = false;
    bool settled = false;
  };
  std::optional<Unread> unread_;
  std::map<std::string, Line> unclaimed_;  // by folded key
  std::set<std::string> at_start_;         // all keys, if the state was lost
  std::optional<Instant> lost_before_;     // decisions up to then were made before that
};

}  // namespace agent
