// The lists and what the core knows of them, kept equal. The files have the last word: a key that
// is gone was freed by somebody, one that came was blocked by somebody.
//
// A block that ends by itself says so in its line (" until=..."), and there the admin may change it
// or take it out.
//
// Many editors write in place, and for a moment the file is empty: a key counts as gone only once
// the file has stayed the same for kSettle.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actions/exim/exim_access.h"
#include "actions/lists/blocklist.h"
#include "agent/core/counting.h"
#include "agent/core/decision.h"
#include "agent/core/now.h"
#include "agent/core/zone.h"
#include "agent/lists/pending_block.h"

namespace agent {

class Lists {
 public:
  using Say = std::function<void(const std::string&)>;
  using Steady = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::milliseconds kSettle{50};
  // A file that somebody keeps writing to: what was missing in every look for so long is gone.
  static constexpr std::chrono::milliseconds kSettleAtMost{1000};
  static constexpr std::size_t kMaxPending = 100'000;  // beyond: new ones are dropped and counted

  Lists(actions::Files& files, const std::vector<Counting::List>& lists,
        std::optional<actions::EximUser> exim, Say say);

  // At start, with the state restored but no log read yet. A line of ours that the state does not
  // know (or the first half of one) was written after it, just before a crash: the log will lead to
  // the same decision again,
  // and only then is its notice written. So it does not count as blocked yet. Without a state that
  // goes for lines decided after `horizon`, from when on logs are read again. `lost`: there was a
  // state, but it can't be read.
  void adopt(Counting& counting, std::optional<Instant> horizon, bool lost, Now now);
  // The logs were read up to now once: what nobody claimed by then is a block like any other.
  void settle(Counting& counting);

  struct Seen {
    bool changed = false;  // somebody was freed or blocked by another hand
    bool all = false;      // nothing waits for another look
  };
  // Looks at a list that may have changed and tells the core who was freed or blocked meanwhile.
  // `fully`: reads it even if it seems to be the same. `behind`: lines of the log that are older
  // than the change may still come; they belong to what was before.
  Seen look(std::size_t list, Counting& counting, Now now, bool fully, bool behind);
  // When look() must be called again, if it must.
  [[nodiscard]] std::optional<Steady> next_look() const;
  // Keys are gone from a list that has not settled yet. Until it has, nobody can tell whether lines
  // of the log belong before or after somebody was freed: leave them unread, at most kSettleAtMost.
  [[nodiscard]] bool settling() const;

  enum class Blocked { listed, pending, freed_before };
  // Puts the key of a decision into its list, or into pending() if that fails. freed_before: it is
  // read once more, and the file shows that somebody freed this identity after the decision.
  Blocked block(const Decision& decision, const std::string& data, Counting& counting);
  // The same for what others have decided. free: whatever their lines say; events up to `since` are
  // of before. The file is read at most once, and only if one of them may stand in it. end_at: of
  // who is blocked. False: it could not be done.
  Blocked take_in(std::size_t list, const std::string& identity, const std::string& data);
  struct Freed {
    std::string key;  // folded
    Instant since{};
    bool remember = false;  // also if nothing is known of it: older lines may come
  };
  bool free(std::size_t list, const std::vector<Freed>& freed, Counting& counting);
  bool end_at(std::size_t list, const std::string& key, std::optional<Instant> until,
              const Zone& zone);
  // A block is over: its line goes, unless another hand has changed what it says.
  void end(const Counting::End& block);
  // Tries what is pending, and the lines that could not be taken out.
  void retry();
  [[nodiscard]] bool waits() const { return !pending_.empty() || !ending_.empty(); }
  // Paths of the lists appended to since the last call, for a sync.
  std::vector<std::string> take_unsynced();
  void put_back_unsynced(const std::vector<std::string>& paths);

  [[nodiscard]] const std::vector<PendingBlock>& pending() const { return pending_; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }
  // True if any went.
  bool drop_pending(const std::function<bool(const PendingBlock&)>& unwanted);
  void restore(std::vector<PendingBlock> pending) { pending_ = std::move(pending); }
  [[nodiscard]] std::size_t size() const { return lists_.size(); }
  [[nodiscard]] const std::string& path(std::size_t list) const { return lists_[list].file.path(); }
  [[nodiscard]] const std::string& fault(std::size_t list) const {
    const auto& of = lists_[list];
    return !of.fault.empty() ? of.fault : !of.unwritten.empty() ? of.unwritten : of.access;
  }
  [[nodiscard]] std::size_t entries(std::size_t list) const { return lists_[list].entries; }

 private:
  // Appended a moment ago: an editor that had read the file before would lose it unknowingly.
  struct Recent {
    std::string key;  // folded
    PendingBlock block;
    std::int64_t at_ns = 0;
  };
  // Keys that are gone, if the file stays like this.
  struct Doubt {
    std::optional<actions::FileStamp> stamp;
    Steady since{}, first{};
    std::set<std::string> missing;
  };
  // Could not be read at the start: what adopt() was told.
  struct Unread {
    std::optional<Instant> horizon;
    bool lost = false;
    bool settled = false;
  };
  struct Unclaimed {
    std::optional<Instant> decided, until;  // as its line says
  };
  struct List {
    actions::Blocklist file;
    std::optional<actions::FileStamp> seen{};  // nullopt: there was no file
    bool appended = false;                     // by us, since it was last read
    bool unseen = false;  // appended to by us, in a state that `seen` does not tell
    std::optional<Doubt> doubt{};
    std::map<std::string, Unclaimed> unclaimed{};  // by folded key, see adopt()
    std::set<std::string> at_start{};              // all keys, if the state was lost
    std::string fault{};                           // empty: we could read it the last time
    std::string unwritten{};  // empty: so could we write it; reading it mends nothing
    std::string access{};     // empty: so can Exim's user read it
    std::size_t entries = 0;
    bool unsynced = false;
    std::deque<Recent> recent{};
    std::optional<Instant>
        lost_before{};  // decisions up to then were made before the state was lost
    std::optional<Unread> unread{};
  };
  // When it was last written, or at the latest went.
  static Instant changed_at(const std::optional<actions::FileStamp>& file, const std::string& path,
                            Instant now);
  bool adopt_one(std::size_t list, Counting& counting, Now now);  // false: it can't be read
  void forget(std::size_t list, const std::string& key, std::optional<Instant> freed,
              Counting& counting);
  // `known`: see Blocklist::add; set to what it would be for the next one.
  bool add(List& list, const PendingBlock& block, std::optional<actions::FileStamp>& known);
  void check_access(List& list);
  void fail(std::string& fault, const actions::Error& error);
  void written(List& list);
  bool lost_in_a_race(List& list, const std::string& key,
                      const std::optional<actions::FileStamp>& now);
  bool take_out(const Counting::End& block);
  [[nodiscard]] bool may_hold(const List& list, const std::string& key) const;
  [[nodiscard]] bool is_pending(const std::string& path, const std::string& key) const;
  [[nodiscard]] List* find(const std::string& path);
  void put_off(PendingBlock block);

  std::vector<List> lists_;
  std::optional<actions::EximUser> exim_;
  Say say_;
  std::vector<PendingBlock> pending_;
  std::vector<Counting::End> ending_;  // whose lines are still to be taken out
  std::uint64_t dropped_ = 0;
};

}  // namespace agent
