// StartClaims: the lines that a list held at the program's start, but the saved state does not
// know. Such a line of ours (or the first half of one) was written after the state, just before a
// crash: the log will lead to the same decision again, which claims the line, and only then is its
// notice written. Until then its identity does not count as blocked. Once the logs were read to
// their ends, an unclaimed line is a block like any other.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "agent/values/now.h"

namespace agent {

class StartClaims {
 public:
  struct Line {
    std::optional<Instant> decided, until;  // as it says
  };

  // Says that the list is still to be read. `horizon`: without a state, only lines decided later
  // are to be claimed. `lost`: there was a state, but it can't be read.
  void expect(std::optional<Instant> horizon, bool lost) { unread_ = Unread{horizon, lost}; }
  [[nodiscard]] bool unread() const { return unread_.has_value(); }
  // Says that it was read: when the file was changed, and its keys.
  void read(Instant changed, const std::set<std::string>& keys);
  // Returns true if the log must lead to this line again. `decided`: when, for a line of ours;
  // nullopt: it is another hand's. `torn`: its end is missing.
  [[nodiscard]] bool to_be_claimed(std::optional<Instant> decided, bool torn) const;
  [[nodiscard]] bool lost() const { return unread_ && unread_->lost; }
  // Returns true if a saved state tells which keys the list had.
  [[nodiscard]] bool knows_before() const { return unread_ && !unread_->horizon && !unread_->lost; }

  void add(const std::string& key, Line line) { unclaimed_.emplace(key, line); }
  [[nodiscard]] bool holds(const std::string& key) const { return unclaimed_.count(key) > 0; }
  [[nodiscard]] bool may_have_held(const std::string& key) const {
    return holds(key) || at_start_.count(key) > 0;
  }
  [[nodiscard]] const std::map<std::string, Line>& unclaimed() const { return unclaimed_; }
  void claim(const std::string& key) { unclaimed_.erase(key); }
  void forget(const std::string& key);

  // Returns when the sender of a decision was freed, if the decision was made before the state was
  // lost and the sender was freed since; Freed::at is empty if the time is not known. nullopt: it
  // was not.
  struct Freed {
    std::optional<Instant> at;
  };
  [[nodiscard]] std::optional<Freed> freed_since(const std::string& key, Instant decided) const;

  // Says that the logs were read to their ends. Returns the lines that nobody has claimed.
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
