#include "agent/lists/list_keeper.h"

#include <fmt/format.h>
#include <sys/inotify.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

#include "agent/core/attribution.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

std::string directory_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

}  // namespace

ListKeeper::ListKeeper(actions::Files& files, Inotify* inotify,
                       const std::vector<Counting::List>& lists, const BlockedList::User& exim,
                       bool touches, Say say)
    : inotify_(inotify),
      exim_(exim),
      touches_(touches),
      say_(std::move(say)),
      watches_(lists.size()) {
  for (std::size_t i = 0; i < lists.size(); ++i)
    lists_.push_back(std::make_unique<BlockedList>(files, i, lists[i].path, exim_, say_));
}

BlockedList* ListKeeper::find(const std::string& path) const {
  const auto list = std::find_if(lists_.begin(), lists_.end(),
                                 [&](const auto& known) { return known->path() == path; });
  return list == lists_.end() ? nullptr : list->get();
}

// Whoever removes a list's directory gets it back with the next line; its watch is had again then.
void ListKeeper::watch(std::size_t list) {
  if (inotify_ == nullptr || watches_[list].number >= 0) return;
  const auto watch = inotify_->watch_directory(directory_of(path(list)));
  auto& mine = watches_[list];
  if (watch) {
    mine = {watch.value(), "", true};
  } else if (std::exchange(mine.fault, watch.error().what) != watch.error().what) {
    say_(mine.fault + "; looking at the list from time to time instead");
  }
}

void ListKeeper::open(std::optional<Instant> horizon, bool lost, bool settled, Counting& counting,
                      Now now) {
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    const auto directory = directory_of(path(i));
    if (touches_) {
      const auto made = actions::make_directory(exim_, directory);
      if (!made) say_(printable(made.error().what));
      if (made && made.value()) say_(fmt::format("created {}", printable(directory)));
    }
    watch(i);
    lists_[i]->adopt(horizon, lost, counting, now);
    if (settled) lists_[i]->settle(counting);
  }
  (void)take_news();
}

void ListKeeper::settle(Counting& counting) {
  for (auto& list : lists_) list->settle(counting);
}

void ListKeeper::restore(std::vector<PendingBlock> pending) {
  for (auto& block : pending) {
    if (auto* list = find(block.list)) list->restore(std::move(block));
  }
}

void ListKeeper::on_change(const Inotify::Change& change) {
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    auto& watch = watches_[i];
    const bool here = change.watch == watch.number &&
                      change.name == std::filesystem::path(path(i)).filename().string();
    if (here || (change.mask & IN_Q_OVERFLOW) != 0) watch.changed = true;
    const bool gone = (change.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0;
    if (change.watch == watch.number && gone) watch = {-1, "", true};
  }
}

bool ListKeeper::changed() const {
  return std::any_of(watches_.begin(), watches_.end(),
                     [](const Watch& watch) { return watch.changed; });
}

void ListKeeper::look(Counting& counting, Now now, bool all, bool behind) {
  if (!touches_) return;
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    if (all) watch(i);
    const auto due = lists_[i]->due();
    const bool changed = std::exchange(watches_[i].changed, false);
    if (all || changed || (due && now.steady >= *due)) lists_[i]->look(counting, now, all, behind);
  }
}

void ListKeeper::end_doubts(Counting& counting, Now now) {
  for (auto& list : lists_) list->end_doubt(counting, now);
}

ListKeeper::News ListKeeper::take_news() {
  News all;
  for (auto& list : lists_) {
    auto news = list->take_news();
    all.changed = all.changed || news.changed;
    all.decisions.insert(all.decisions.end(), std::make_move_iterator(news.decisions.begin()),
                         std::make_move_iterator(news.decisions.end()));
  }
  return all;
}

std::vector<HandChange> ListKeeper::take_changes() {
  std::vector<HandChange> all;
  for (auto& list : lists_) {
    auto changes = list->take_changes();
    all.insert(all.end(), std::make_move_iterator(changes.begin()),
               std::make_move_iterator(changes.end()));
  }
  return all;
}

bool ListKeeper::holds_logs() const {
  return std::any_of(lists_.begin(), lists_.end(),
                     [](const auto& list) { return list->holds_logs(); });
}

bool ListKeeper::holds_blocks() const {
  return std::any_of(lists_.begin(), lists_.end(),
                     [](const auto& list) { return list->holds_blocks(); });
}

BlockedList::Accepted ListKeeper::block(const Decision& decision, const std::string& data,
                                        Counting& counting) {
  return find(decision.list)->block(decision, data, counting);
}

void ListKeeper::write(Counting& counting, Now now, bool behind) {
  for (auto& list : lists_) list->write(counting, now, behind);
}

std::optional<ListKeeper::Waiting> ListKeeper::waiting(const std::string& path,
                                                       const std::string& identity) const {
  const auto* list = find(path);
  if (list == nullptr || !list->pending().holds(folded(identity))) return std::nullopt;
  return Waiting{actions::quoted_key(identity).has_value()};
}

std::string ListKeeper::fault_of(const std::string& path) const {
  const auto* list = find(path);
  return list == nullptr ? "" : list->fault();
}

bool ListKeeper::drop_pending(const std::function<bool(const PendingBlock&)>& unwanted) {
  std::size_t dropped = 0;
  for (auto& list : lists_) dropped += list->drop_pending(unwanted);
  return dropped > 0;
}

std::vector<PendingBlock> ListKeeper::pending() const {
  std::vector<PendingBlock> all;
  for (const auto& list : lists_) {
    for (const auto* blocks : {&list->pending().waiting(), &list->pending().set_aside()})
      all.insert(all.end(), blocks->begin(), blocks->end());
  }
  return all;
}

std::uint64_t ListKeeper::revision() const {
  std::uint64_t sum = 0;
  for (const auto& list : lists_) sum += list->revision();
  return sum;
}

std::vector<std::string> ListKeeper::take_unsynced() {
  std::vector<std::string> paths;
  for (auto& list : lists_) {
    if (list->take_unsynced()) paths.push_back(list->path());
  }
  return paths;
}

void ListKeeper::put_back_unsynced(const std::vector<std::string>& paths) {
  for (const auto& path : paths) {
    if (auto* list = find(path)) list->put_back_unsynced();
  }
}

std::optional<ListKeeper::Steady> ListKeeper::due() const {
  std::optional<Steady> next;
  for (const auto& list : lists_) {
    const auto due = list->due();
    if (due && (!next || *due < *next)) next = due;
  }
  return next;
}

bool ListKeeper::unwatched() const {
  return std::any_of(watches_.begin(), watches_.end(),
                     [](const Watch& watch) { return watch.number < 0; });
}

}  // namespace agent
