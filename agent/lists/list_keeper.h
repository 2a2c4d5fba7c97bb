// ListKeeper: all lists of a configuration, the directories they lie in, and when to look at which.
// Each list is on its own: a fault of one holds up no other.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/follow/inotify.h"
#include "agent/lists/blocked_list.h"

namespace agent {

class ListKeeper {
 public:
  using Say = BlockedList::Say;
  using Steady = BlockedList::Steady;
  using News = BlockedList::News;

  // `inotify` may be null: then the lists are looked at from time to time. `touches`: false in a
  // dry run, in which nothing is made, looked at or written.
  ListKeeper(actions::Files& files, Inotify* inotify, const std::vector<Counting::List>& lists,
             const BlockedList::User& exim, bool touches, Say say);

  // Opens the lists at a start or a reload, after restore(). `settled`: the logs were read to their
  // ends before.
  void open(std::optional<Instant> horizon, bool lost, bool settled, Counting& counting, Now now);
  void settle(Counting& counting);
  // Takes back what waited for lists, perhaps under another configuration; blocks of lists that are
  // no longer there are dropped.
  void restore(std::vector<PendingBlock> pending);

  // Takes a change that inotify reports; look() then looks at the lists that it concerns.
  void on_change(const Inotify::Change& change);
  // Looks at what has changed or is due. `all`: at every list, fully.
  void look(Counting& counting, Now now, bool all, bool behind);
  // Returns true if inotify has told of a change that look() has not seen yet.
  [[nodiscard]] bool changed() const;
  void end_doubts(Counting& counting, Now now);
  [[nodiscard]] News take_news();
  // Returns what other hands have done since the last call, as the lists show it.
  [[nodiscard]] std::vector<HandChange> take_changes();
  // Returns true if the logs must stay unread for a moment: see BlockedList.
  [[nodiscard]] bool holds_logs() const;
  [[nodiscard]] bool holds_blocks() const;

  BlockedList::Accepted block(const Decision& decision, const std::string& data,
                              Counting& counting);
  void end(const Counting::End& block) { lists_[block.list]->end(block); }
  // Writes what waits, in every list that was not tried in vain a moment ago.
  void write(Counting& counting, Now now, bool behind);
  [[nodiscard]] BlockedList& list(std::size_t list) { return *lists_[list]; }
  // Returns whether a block waits for its list; nullopt: its line is in there.
  struct Waiting {
    bool fit = true;  // false: no line can hold it
  };
  [[nodiscard]] std::optional<Waiting> waiting(const std::string& path,
                                               const std::string& identity) const;

  // Returns true if any was dropped.
  bool drop_pending(const std::function<bool(const PendingBlock&)>& unwanted);
  [[nodiscard]] std::vector<PendingBlock> pending() const;
  // Returns a number that grows with every change of what is pending.
  [[nodiscard]] std::uint64_t revision() const;
  // Returns the paths of the lists appended to since the last call, for a sync.
  std::vector<std::string> take_unsynced();
  void put_back_unsynced(const std::vector<std::string>& paths);

  // Returns when look() or write() must be called again; nullopt: only if something happens.
  [[nodiscard]] std::optional<Steady> due() const;
  // Returns true if changes of some list show only when it is looked at.
  [[nodiscard]] bool unwatched() const;

  [[nodiscard]] std::size_t size() const { return lists_.size(); }
  [[nodiscard]] const std::string& path(std::size_t list) const { return lists_[list]->path(); }
  [[nodiscard]] std::string fault_of(const std::string& path) const;
  [[nodiscard]] const BlockedList& at(std::size_t list) const { return *lists_[list]; }

 private:
  struct Watch {
    int number = -1;  // -1: none
    std::string fault;
    bool changed = false;  // since the last look
  };
  [[nodiscard]] BlockedList* find(const std::string& path) const;
  void watch(std::size_t list);

  Inotify* inotify_;
  BlockedList::User exim_;
  bool touches_;
  Say say_;
  std::vector<std::unique_ptr<BlockedList>> lists_;
  std::vector<Watch> watches_;  // beside lists_
};

}  // namespace agent
