#include "agent/lists/pending_blocks.h"

#include <utility>

#include "actions/lists/lsearch.h"
#include "agent/core/attribution.h"

namespace agent {

PendingBlocks::Fate PendingBlocks::add(PendingBlock block) {
  if (size() >= kMax) return Fate::dropped;
  const bool fits = actions::quoted_key(block.identity).has_value();
  if (!keys_.insert(folded(block.identity)).second) return fits ? Fate::waits : Fate::set_aside;
  (fits ? waiting_ : aside_).push_back(std::move(block));
  return fits ? Fate::waits : Fate::set_aside;
}

std::size_t PendingBlocks::erase_if(const std::function<bool(const PendingBlock&)>& unwanted) {
  const auto goes = [&](const PendingBlock& block) {
    if (!unwanted(block)) return false;
    keys_.erase(folded(block.identity));
    return true;
  };
  return std::erase_if(waiting_, goes) + std::erase_if(aside_, goes);
}

void PendingBlocks::set_data(const std::string& key,
                             const std::function<std::string(const std::string&)>& data) {
  if (!holds(key)) return;
  for (auto& block : waiting_) {
    if (folded(block.identity) == key) block.data = data(block.data);
  }
}

}  // namespace agent
