// DoubtfulBlocks: blocks that may be over, since their lines are gone from the list. Until that is
// certain the events of their senders are counted here, in windows beside the real ones. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "agent/core/decision.h"
#include "agent/core/occurrence.h"
#include "agent/core/rule_table.h"
#include "agent/core/subject.h"

namespace agent {

class DoubtfulBlocks {
 public:
  using Keys = std::unordered_set<std::string>;

  // Sets all keys of this list that are in doubt, folded. What was counted for other keys is
  // dropped.
  void set(std::size_t list, Keys keys, std::optional<Instant> since);
  // Counts the event if the sender's block in the rule's list is in doubt. `key`: the subject's.
  void add(const RuleTable& table, std::size_t rule, const SubjectKey& key,
           std::string_view identity, const Occurrence& event);

  // What was counted for one subject, and the decision that it has led to.
  struct Counted {
    Subject subject;
    std::size_t rule = 0;  // that has decided
    std::optional<Decision> decided;
  };
  // Takes out what was counted for a subject; nullopt: nothing was.
  std::optional<Counted> take(std::size_t list, const SubjectKey& key);

  void clear() { doubts_.clear(); }
  [[nodiscard]] bool empty() const { return doubts_.empty(); }
  [[nodiscard]] bool has_counted() const;

 private:
  struct Doubt {
    Keys keys;
    std::optional<Instant> since;
    SubjectMap<Counted> counted;  // of those with events since
  };
  std::unordered_map<std::size_t, Doubt> doubts_;  // by list
};

}  // namespace agent
