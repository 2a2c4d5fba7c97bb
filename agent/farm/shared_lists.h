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

  // By the rule's place in the configuration: the name of its list, and its period.
  [[nodiscard]] const std::string& list_of(std::size_t rule) const { return rules_[rule].list; }
  [[nodiscard]] std::chrono::seconds period_of(std::size_t rule) const {
    return rules_[rule].period;
  }
  // How far back the rules look.
  [[nodiscard]] std::chrono::seconds longest_period() const;
  // Where the list of this name is here; null: this host has none.
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
