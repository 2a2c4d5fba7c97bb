// What comes into a list, or goes, because another host said so.
#include <algorithm>

#include "agent/core/attribution.h"
#include "agent/lists/list_keeper.h"
#include "agent/lists/list_lines.h"

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

// Beside the blocked, whom Counting knows.
bool Lists::may_hold(const List& list, const std::string& key) const {
  return list.doubt || list.unclaimed.count(key) > 0 || list.at_start.count(key) > 0 ||
         is_pending(list.file.path(), key);
}

bool Lists::free(std::size_t index, const std::vector<Freed>& freed, Counting& counting) {
  auto& list = lists_[index];
  std::set<std::string> keys;
  bool any = false;
  for (const auto& one : freed) {
    keys.insert(one.key);
    any = any || counting.is_blocked(index, one.key) || may_hold(list, one.key);
  }
  if (any) {
    const auto view = list.file.read();
    if (!view) {
      fail(list.fault, view.error());
      return false;
    }
    std::vector<std::string> spellings;
    for (const auto& entry : view.value().entries) {
      if (keys.count(folded(entry.key)) > 0) spellings.push_back(entry.key);
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
      return block.list == list.file.path() && keys.count(folded(block.identity)) > 0;
    });
    // Nobody's edit has lost it, and nobody has still to find that it is gone.
    std::erase_if(list.recent, [&](const Recent& recent) { return keys.count(recent.key) > 0; });
  }
  for (const auto& one : freed) {
    if (list.doubt) list.doubt->missing.erase(one.key);
    list.unclaimed.erase(one.key);
    list.at_start.erase(one.key);
    const auto subject = subject_key(counting.lists()[index].kind, one.key);
    if (one.remember || counting.subjects().count(subject) > 0)
      counting.set_freed_by_others(index, one.key, one.since);
  }
  return true;
}

bool Lists::end_at(std::size_t index, const std::string& key, std::optional<Instant> until,
                   const Zone& zone) {
  auto& list = lists_[index];
  for (auto& block : pending_) {
    if (block.list == list.file.path() && folded(block.identity) == key)
      block.data = with_end(block.data, until, zone);
  }
  const auto view = list.file.read();
  if (!view) {
    fail(list.fault, view.error());
    return false;
  }
  for (const auto& entry : view.value().entries) {
    if (folded(entry.key) != key || ends_at(entry.data) == until) continue;
    // Somebody's block without an end is not ours to shorten.
    if (!ends_at(entry.data) && !is_ours(entry.data)) return false;
    const auto changed = list.file.change(entry.key, with_end(entry.data, until, zone));
    if (changed) {
      written(list);
      continue;
    }
    fail(list.unwritten, changed.error());
    return false;
  }
  return true;
}

}  // namespace agent
