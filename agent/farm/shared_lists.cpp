#include "agent/farm/shared_lists.h"

#include <algorithm>

#include "agent/config/farm_names.h"

namespace agent {

SharedLists::SharedLists(const std::vector<Rule>& rules) {
  for (const auto& rule : rules) {
    const auto name = farm_list_name(rule.list);
    rules_.push_back({name, rule.period});
    if (rule.mode == RuleMode::block) paths_[name] = rule.list;
  }
}

std::chrono::seconds SharedLists::longest_period() const {
  std::chrono::seconds longest{0};
  for (const auto& rule : rules_) longest = std::max(longest, rule.period);
  return longest;
}

const std::string* SharedLists::path_of(const std::string& list) const {
  const auto found = paths_.find(list);
  return found == paths_.end() ? nullptr : &found->second;
}

}  // namespace agent
