// ListWriter: what this program has to write into one list: the lines of new blocks, and of blocks
// that have ended. What can't be written waits for the next try.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actions/lists/blocklist.h"
#include "agent/core/counting.h"
#include "agent/lists/list_faults.h"
#include "agent/lists/pending_blocks.h"

namespace agent {

class ListWriter {
 public:
  using Say = ListFaults::Say;
  using User = ListFaults::User;
  using Entries = std::vector<actions::ListEntry>;

  // `file` and `faults` must live longer.
  ListWriter(actions::Blocklist& file, ListFaults& faults, const User& exim, Say say);

  // What waits to be written in, or was set aside since no line can hold it.
  [[nodiscard]] const PendingBlocks& pending() const { return pending_; }
  // Returns false if too many wait: the block is dropped, and counted.
  bool put_off(PendingBlock block);
  // Returns how many went.
  std::size_t drop_pending(const std::function<bool(const PendingBlock&)>& unwanted);
  void set_pending_data(const std::string& key,
                        const std::function<std::string(const std::string&)>& data) {
    pending_.set_data(key, data);
  }
  // A block is over: its line goes with take_out_ended(), and if it still waits it goes at once.
  void end(const Counting::End& block);
  [[nodiscard]] bool has_ended() const { return !ended_.empty(); }
  [[nodiscard]] bool has_work() const { return has_ended() || !pending_.waiting().empty(); }

  // Takes out the lines of ended blocks, unless another hand has changed what they say. `entries`:
  // the file as it is now. Returns how many lines went; nullopt: it could not be written.
  std::optional<std::size_t> take_out_ended(const Entries& entries);
  // Takes out all lines of these keys, which are spelled as in the file. Returns as above.
  std::optional<std::size_t> take_out(const std::vector<std::string>& keys);
  // Gives the lines of this key other data. Returns false if it could not be written.
  bool change(const std::string& key, const std::string& data);

  struct Appended {
    std::string key;      // folded
    bool is_new = false;  // false: it stood there already
  };
  struct AppendedAll {
    std::vector<Appended> lines;
    bool whole = true;  // false: not all that wait could be written
  };
  // Writes what waits, but for keys whose old line must be taken out first.
  AppendedAll append_waiting();

  // If this program appended the key after another one had begun the version of the file that
  // lacks it, whoever wrote that never saw the key. Returns the block, which is to be written
  // again; nullopt: it was no such race. `before`: the file before the key went.
  [[nodiscard]] std::optional<PendingBlock> lost_in_a_race(
      const std::string& key, const std::optional<actions::FileStamp>& before) const;
  // The keys were freed: they wait no more, and no edit has lost them.
  void forget(const std::function<bool(const std::string& key)>& is_freed);

  // Counts every change of what waits.
  [[nodiscard]] std::uint64_t revision() const { return revision_; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }
  [[nodiscard]] std::uint64_t unfit() const { return unfit_; }
  bool take_unsynced() { return std::exchange(unsynced_, false); }
  void put_back_unsynced() { unsynced_ = true; }

 private:
  // Appended a moment ago: an editor that had read the file before would lose it unknowingly.
  struct Recent {
    std::string key;  // folded
    PendingBlock block;
    std::int64_t at_ns = 0;
  };
  void remember(const PendingBlock& block, std::int64_t at_ns);

  actions::Blocklist& file_;
  ListFaults& faults_;
  User exim_;
  Say say_;
  PendingBlocks pending_;
  std::vector<Counting::End> ended_;  // whose lines are still to be taken out
  std::deque<Recent> recent_;
  bool unsynced_ = false;
  std::uint64_t revision_ = 0, dropped_ = 0, unfit_ = 0;
};

}  // namespace agent
