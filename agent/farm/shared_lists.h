// SharedLists: this host's rules and lists under the names by which all hosts of a farm know them.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "agent/core/config.h"

namespace agent {

class SharedLists {
 public:
  explicit SharedLists(const std::vector<Rule>& rules);

  // Return the name of a rule's list, and its period; `rule` is its place in the configuration.
  [[nodiscard]] const std::string& list_of(std::size_t rule) const { return rules_[rule].list; }
  [[nodiscard]] std::chrono::seconds period_of(std::size_t rule) const {
    return rules_[rule].period;
  }
  // Returns how far back the rules look.
  [[nodiscard]] std::chrono::seconds longest_period() const;
  // Returns where the list of this name is on this host; null: this host has none.
  [[nodiscard]] const std::string* path_of(const std::string& list) const;

 private:
  struct SharedRule {
    std::string list;
    std::chrono::seconds period;
  };
  std::vector<SharedRule> rules_;
  std::map<std::string, std::string> paths_;  // by name
};

}  // namespace agent
