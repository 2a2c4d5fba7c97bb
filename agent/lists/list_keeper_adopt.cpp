// What the lists hold at a start, beside what the checkpoint and the log say.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/core/attribution.h"
#include "agent/core/printable.h"
#include "agent/lists/list_keeper.h"
#include "agent/lists/list_lines.h"

namespace agent {

void Lists::adopt(Counting& counting, std::optional<Instant> horizon, bool lost, Now now) {
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    lists_[i].unread = Unread{horizon, lost, false};
    (void)adopt_one(i, counting, now);  // else as soon as it can be read
  }
}

bool Lists::adopt_one(std::size_t index, Counting& counting, Now now) {
  auto& list = lists_[index];
  const auto view = list.file.read();
  if (!view) {
    fail(list.fault, view.error());
    return false;
  }
  const auto unread = *std::exchange(list.unread, std::nullopt);
  const auto& horizon = unread.horizon;
  const bool lost = unread.lost, settled = unread.settled;
  list.seen = view.value().stamp;
  list.entries = view.value().entries.size();
  check_access(list);
  const auto changed = changed_at(list.seen, list.file.path(), now.wall);
  if (lost && !settled) list.lost_before = changed;
  std::set<std::string> present;
  for (const auto& entry : view.value().entries) {
    const auto key = folded(entry.key);
    present.insert(key);
    const auto decided = decided_at(entry.data);
    const bool torn = !view.value().whole && &entry == &view.value().entries.back();
    const bool ours = torn || (decided && (!horizon || *decided > *horizon));
    if (ours && !settled && !counting.is_blocked(index, key)) {
      list.unclaimed.emplace(key, torn ? Unclaimed{} : Unclaimed{decided, ends_at(entry.data)});
    } else {
      counting.set_blocked(index, key);
      if (!torn) counting.set_end(index, key, ends_at(entry.data));
    }
  }
  if (lost && !settled) list.at_start = present;
  // Decided anew while it could not be read.
  std::erase_if(pending_, [&](const PendingBlock& block) {
    const auto key = folded(block.identity);
    const auto decided = decided_at(block.data);
    if (!lost || block.list != list.file.path() || present.count(key) > 0 || !decided ||
        *decided >= changed) {
      return false;
    }
    forget(index, key, changed, counting);
    return true;
  });
  // Written this moment: it may be in the midst of an edit. look() will tell.
  if (!list.seen || now.wall - changed < std::chrono::seconds(2)) {
    list.doubt = Doubt{list.seen, now.steady, now.steady, {}};
  }
  // Freed while we were away: what the log says up to that moment is the old story.
  for (const auto& key : counting.blocked(index)) {
    if (present.count(key) > 0 || is_pending(list.file.path(), key)) continue;
    if (list.doubt) {
      list.doubt->missing.insert(key);
      continue;
    }
    const auto until = counting.end_of(index, key);
    if (until && *until <= now.wall) {
      counting.end({*until, index, key});  // by us, just before a crash
      continue;
    }
    say_(fmt::format("{}: {} was freed meanwhile", list.file.path(), printable(key)));
    counting.set_freed(index, key, changed);
  }
  return true;
}

// What was decided is an old story: the file shows that somebody has freed him since.
void Lists::forget(std::size_t index, const std::string& key, std::optional<Instant> freed,
                   Counting& counting) {
  say_(fmt::format("{}: {} was freed after this; counting anew", path(index), printable(key)));
  counting.set_freed(index, key, freed);
}

void Lists::settle(Counting& counting) {
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    for (const auto& [key, line] : lists_[i].unclaimed) {
      counting.set_blocked(i, key);
      counting.set_end(i, key, line.until);
    }
    lists_[i].unclaimed.clear();
    lists_[i].at_start.clear();
    lists_[i].lost_before.reset();
    if (lists_[i].unread) lists_[i].unread->settled = true;
  }
}

}  // namespace agent
