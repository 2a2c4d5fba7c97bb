// The lists and what the core knows of them, kept equal. The files have the last word: a key that
// is gone was freed by somebody, one that came was blocked by somebody.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actions/blocklist.h"
#include "actions/exim_access.h"
#include "agent/counting.h"
#include "agent/decision.h"
#include "agent/state.h"

namespace agent {

class Lists {
 public:
  using Say = std::function<void(const std::string&)>;

  Lists(actions::Files& files, const std::vector<Counting::List>& lists,
        std::optional<actions::EximUser> exim, Say say);

  // At start, with the state restored but no log read yet. A line of ours that is younger than the
  // state was written just before a crash: the log will lead to the same decision again, and only
  // then is its notice written. So it does not count as blocked yet.
  void adopt(Counting& counting, Instant now);
  // The logs were read up to now once: what nobody claimed by then is a block like any other.
  void settle(Counting& counting);
  // Looks at a list that may have changed and tells the core who was freed or blocked meanwhile.
  void compare(std::size_t list, Counting& counting);

  // Puts the key of a decision into its list, or into pending() if that fails. True: it is listed.
  bool block(const Decision& decision, const Zone& zone);
  // Tries what is pending; true if nothing is left.
  bool retry();
  // Brings to the disk what was appended since the last call.
  void sync();

  [[nodiscard]] const std::vector<PendingBlock>& pending() const { return pending_; }
  void restore(std::vector<PendingBlock> pending) { pending_ = std::move(pending); }
  [[nodiscard]] std::size_t size() const { return lists_.size(); }
  [[nodiscard]] const std::string& path(std::size_t list) const { return lists_[list].file.path(); }
  [[nodiscard]] const std::string& fault(std::size_t list) const {
    return lists_[list].fault.empty() ? lists_[list].access : lists_[list].fault;
  }
  [[nodiscard]] std::size_t entries(std::size_t list) const { return lists_[list].entries; }

 private:
  struct List {
    actions::Blocklist file;
    std::optional<actions::FileStamp> seen;  // nullopt: there was no file
    bool stale = false;                      // we wrote it ourselves since `seen`
    std::set<std::string> unclaimed;         // folded keys, see adopt()
    std::string fault;                       // empty: we could read and write it the last time
    std::string access;                      // empty: so can Exim's user read it
    std::size_t entries = 0;
    bool unsynced = false;
  };
  bool add(List& list, const PendingBlock& block);
  void check_access(List& list);
  void fail(List& list, const actions::Error& error);
  [[nodiscard]] bool is_pending(const std::string& path, const std::string& key) const;

  std::vector<List> lists_;
  std::optional<actions::EximUser> exim_;
  Say say_;
  std::vector<PendingBlock> pending_;
};

// The data part of our lines: "2026-11-23T11:09:44+01:00 exiwarden rule=NAME count=100 period=1h".
[[nodiscard]] std::string list_data(const Decision& decision, const Zone& zone);
// When the decision behind such a line was made; nullopt for lines of other hands.
[[nodiscard]] std::optional<Instant> decided_at(const std::string& data);

}  // namespace agent
