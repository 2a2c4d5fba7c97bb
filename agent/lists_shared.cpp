// What comes into a list, or goes, because another host said so.
#include <algorithm>

#include "agent/attribution.h"
#include "agent/lists.h"

namespace agent {

Lists::Blocked Lists::take_in(std::size_t index, const std::string& identity,
                              const std::string& data) {
  auto& list = lists_[index];
  const PendingBlock block{list.file.path(), identity, data};
  const bool may_be_there = list.doubt || list.unclaimed.count(folded(identity)) > 0;
  auto known = may_be_there ? std::nullopt : list.seen;
  if (add(list, block, known)) return Blocked::listed;
  put_off(block);
  return Blocked::pending;
}

bool Lists::free(std::size_t index, const std::string& key, Instant since, Counting& counting) {
  auto& list = lists_[index];
  const auto view = list.file.read();
  if (!view) {
    fail(list.fault, view.error());
    return false;
  }
  std::vector<std::string> spellings;
  for (const auto& entry : view.value().entries) {
    if (folded(entry.key) == key) spellings.push_back(entry.key);
  }
  if (!spellings.empty()) {
    const auto removed = list.file.remove(spellings);
    if (!removed) {
      fail(list.unwritten, removed.error());
      return false;
    }
    written(list);
    list.entries -= std::min(list.entries, removed.value());
  }
  std::erase_if(pending_, [&](const PendingBlock& block) {
    return block.list == list.file.path() && folded(block.identity) == key;
  });
  // Nobody's edit has lost it, and nobody has still to find that it is gone.
  std::erase_if(list.recent, [&](const Recent& recent) { return recent.key == key; });
  if (list.doubt) list.doubt->missing.erase(key);
  list.unclaimed.erase(key);
  list.at_start.erase(key);
  if (counting.subjects().count(subject_key(counting.lists()[index].kind, key)) > 0)
    counting.set_freed(index, key, since);
  return true;
}

}  // namespace agent
