// BlockedList: one list and what the core knows of it, kept equal. The file has the last word: a
// key that is gone was freed by somebody, a key that came was blocked by somebody.
//
// A block that ends by itself says so in its line (" until=..."), and there the admin may change it
// or take it out.
//
// Keys that are gone are in doubt for a moment, see ListDoubt. Meanwhile the log is read on: what
// it says of them is counted beside (Counting::doubt), and blocks for this list wait. A list that
// can't be read frees nobody: its senders stay blocked, and it is looked at once a second.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actions/lists/blocklist.h"
#include "agent/core/counting.h"
#include "agent/core/decision.h"
#include "agent/lists/list_doubt.h"
#include "agent/lists/list_faults.h"
#include "agent/lists/list_writer.h"
#include "agent/lists/odd_ends.h"
#include "agent/lists/pending_blocks.h"
#include "agent/lists/start_claims.h"
#include "agent/values/now.h"
#include "agent/values/zone.h"

namespace agent {

// What another hand than this service has done to a list, or time while the service was down.
struct HandChange {
  enum class What { blocked, freed, ended };
  What what = What::blocked;
  std::size_t list = 0;  // among Counting::lists()
  std::string key;       // as its line has it; folded if that is gone
  std::string data;      // of its line; empty if that is gone
  Instant time{};        // when that was seen; of an end, when it was due
};

class BlockedList {
 public:
  using Say = ListFaults::Say;
  using Steady = ListDoubt::Steady;
  using User = ListFaults::User;

  // After another hand's change, and after a failure, it is read or tried once more.
  static constexpr std::chrono::milliseconds kAgain{1000};

  // What a look has led to, beside what it has told the core.
  struct News {
    bool changed = false;             // somebody was freed or blocked by another hand
    std::vector<Decision> decisions;  // of senders freed that have reached the limit since
  };

  // `index`: among Counting::lists().
  BlockedList(actions::Files& files, std::size_t index, const std::string& path, const User& exim,
              Say say);
  BlockedList(const BlockedList&) = delete;
  BlockedList& operator=(const BlockedList&) = delete;

  // Reads the list at the start, when the state is restored and no log read yet: see StartClaims.
  void adopt(std::optional<Instant> horizon, bool lost, Counting& counting, Now now);
  // The logs were read to their ends once: ends what adopt() began.
  void settle(Counting& counting);

  // Looks at the file if it may have changed or a look is due. `fully`: reads it also where nobody
  // but this program seems to have written. `behind`: lines of the log that are older than a change
  // may still come; they belong to what was before.
  void look(Counting& counting, Now now, bool fully, bool behind);
  // Ends a doubt by what the file says now.
  void end_doubt(Counting& counting, Now now);
  [[nodiscard]] News take_news() { return std::exchange(news_, {}); }
  // Returns what has changed since the last call.
  [[nodiscard]] std::vector<HandChange> take_changes() { return std::exchange(changes_, {}); }
  // Returns true if keys that wait to be claimed are gone: no log may be read until that is
  // settled, for ListDoubt::kSettleAtMost at most. Only so during the start.
  [[nodiscard]] bool holds_logs() const;

  enum class Accepted {
    waits,         // write() will write it
    unfit,         // no line can hold this identity: it was set aside
    freed_before,  // the file shows that somebody freed this identity after the decision
  };
  Accepted block(const Decision& decision, const std::string& data, Counting& counting);
  // Does the same for what other hosts have decided, whatever the file shows.
  Accepted take_in(const std::string& identity, const std::string& data);
  // Ends a block: its line goes, unless another hand has changed what it says.
  void end(const Counting::End& block);
  // Writes what waits, unless it was tried in vain a moment ago: lines out, then lines in.
  void write(Counting& counting, Now now, bool behind);

  struct Freed {
    std::string key;  // folded
    Instant since{};
    bool remember = false;  // also if nothing is known of it: older lines may come
  };
  // Frees senders for another host, whatever their lines say; events up to `since` count no more.
  // Returns false if that could not be done.
  bool free(const std::vector<Freed>& freed, Counting& counting);
  bool end_at(const std::string& key, std::optional<Instant> until, const Zone& zone);

  [[nodiscard]] const PendingBlocks& pending() const { return writer_.pending(); }
  void restore(PendingBlock block) { put_off(std::move(block)); }
  std::size_t drop_pending(const std::function<bool(const PendingBlock&)>& unwanted);
  // Counts every change of what waits.
  [[nodiscard]] std::uint64_t revision() const { return writer_.revision(); }
  [[nodiscard]] std::uint64_t dropped() const { return writer_.dropped(); }
  [[nodiscard]] std::uint64_t unfit() const { return writer_.unfit(); }

  // Returns when look() or write() must be called again; nullopt: only if something happens.
  [[nodiscard]] std::optional<Steady> due() const;
  // Returns true if blocks wait for the end of a doubt: a checkpoint would tell of more than was
  // done.
  [[nodiscard]] bool holds_blocks() const { return doubt_ && !pending().waiting().empty(); }
  bool take_unsynced() { return writer_.take_unsynced(); }
  void put_back_unsynced() { writer_.put_back_unsynced(); }

  [[nodiscard]] const std::string& path() const { return file_.path(); }
  [[nodiscard]] std::size_t entries() const { return entries_; }
  [[nodiscard]] const std::string& fault() const { return faults_.text(); }

 private:
  using Stamp = ListDoubt::Stamp;
  using Entries = std::vector<actions::ListEntry>;

  void unreadable(const actions::Error& error, Counting& counting, Now now);
  void read(Counting& counting, Now now);
  void look_in_doubt(const Stamp& stamp, Counting& counting, Now now, bool behind);
  void welcome(const Entries& entries, Counting& counting, Now now);
  [[nodiscard]] ListDoubt::Keys missing_in(const Entries& entries, const Counting& counting) const;
  void begin_doubt(ListDoubt::Keys missing, const Stamp& before, const Stamp& stamp,
                   Counting& counting, Now now, bool behind);
  void conclude(const ListDoubt::Keys& missing, const Stamp& before, Counting& counting, Now now);
  void put_off(PendingBlock block);
  [[nodiscard]] actions::Result<actions::Blocklist::View> peek();
  bool take_out_ended();
  bool append_waiting();
  void forget(const std::string& key, std::optional<Instant> freed, Counting& counting);

  actions::Blocklist file_;
  std::size_t index_;
  Say say_;
  ListFaults faults_;
  StartClaims start_;
  ListWriter writer_;
  std::optional<ListDoubt> doubt_;
  // Whoever the doubt is about: events up to then may be older than the change, if that is known.
  std::optional<Instant> freed_since_;
  OddEnds odd_ends_;
  News news_;
  std::vector<HandChange> changes_;
  std::optional<Steady> read_again_;
  Steady next_read_{}, next_write_{};
  bool unsure_ = false;   // we have appended since all of it was read
  bool compare_ = false;  // all of it with what the core knows, at the next full look
  std::size_t entries_ = 0;
};

}  // namespace agent
