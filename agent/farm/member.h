// This host's part in the farm: what it tells of its counts and lists, and what follows for them
// from what it hears. Knows the last word on every identity; the lists themselves are the engine's
// business. Pure but for the link.
//
// What a host finds changed in its lists is its word on it. So it looks there first and listens
// afterwards: nobody is blocked again by an old word whom somebody has just freed by hand.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/counting.h"
#include "agent/core/identity_tables.h"
#include "agent/core/now.h"
#include "agent/farm/link.h"
#include "agent/farm/saved_farm.h"

namespace agent {

class FarmMember {
 public:
  static constexpr std::size_t kMaxRecords = 100'000;
  static constexpr std::size_t kMaxUnseen = 100'000;

  FarmMember(const Config& config, FarmLink& link, std::string host);

  using Saved = SavedFarmStatement;
  [[nodiscard]] std::vector<Saved> saved() const;
  // `lists`: the paths of the lists to which the blocks of that time belong. What is damaged is
  // left out.
  void restore(const std::vector<Saved>& saved, const std::vector<std::string>& lists);
  void configure(const Config& config, std::string host);

  // An event was counted here.
  void counted(const Counting::Counted& event);
  // A limit was reached here; the identity is in its list by now.
  void decided(const Decision& decision, const std::vector<Counting::List>& lists, Now now);
  // Looks for what was changed in the lists by other hands. `settled`: the logs were read up to now
  // once, so that what nobody has claimed is somebody's block.
  void compare(const Counting& counting, bool settled, Now now);

  // What is to be done to a list because of a word.
  struct Order {
    enum class Kind { block, free, end, notice };  // end: who is blocked is so until then
    Kind kind = Kind::block;
    std::size_t list = 0;
    NamedStatement word;
    bool notice = false;  // of a block: ours is the host that tells the abuse desk
  };
  // An answer to decided(): whether another host had been first.
  struct Settled {
    FarmName name;
    bool blocked_before = false;
  };
  struct Heard {
    std::vector<Order> orders;
    std::vector<Settled> settled;
  };
  [[nodiscard]] Heard take(const Counting& counting, const IdentityTables& tables, Now now);
  // A list could not be changed: undone() gives the order again.
  void not_done(const FarmName& name);
  [[nodiscard]] std::vector<Order> undone(const Counting& counting);
  [[nodiscard]] bool has_undone() const { return !undone_.empty(); }
  // So far back the rules look; a release that is younger is of importance for who isn't blocked.
  [[nodiscard]] std::chrono::seconds longest_period() const;
  // True once after every word of the farm was heard for the first time: what our lists hold beyond
  // them is news, for compare().
  [[nodiscard]] bool take_joined() { return std::exchange(just_joined_, false); }
  // Grows with every change of what saved() gives.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  // take() has something to do, even if the farm says nothing.
  [[nodiscard]] bool has_seen() const { return !seen_now_.empty(); }
  [[nodiscard]] bool has_windows() const { return !windows_.empty(); }

  // Hands over what has gathered; and of the live windows, if they are asked for, as many as the
  // link has room for. True: there are more of these.
  bool hand_over(const Counting& counting);

  [[nodiscard]] const FarmStatement* known(const FarmName& name) const;
  [[nodiscard]] std::size_t records() const { return records_.size(); }
  // Words that are not followed: of lists that we have not, of who is exempt, by farm.trust, and
  // for the time being by farm.max_per_hour.
  struct Refused {
    std::uint64_t unknown_list = 0, exempt = 0, trust = 0, unfit = 0, postponed = 0;
  };
  [[nodiscard]] const Refused& refused() const { return refused_; }

 private:
  struct Entry {
    FarmStatement record;
    bool applied = false;
    bool on_server = false;  // as of the last comparison
  };
  void receive(NamedStatement&& word, const Counting& counting, const IdentityTables& tables,
               Now now, Heard& heard);
  void settle(FarmNews&& news, const Counting& counting, const IdentityTables& tables, Now now,
              Heard& heard);
  // fresh: the word is new, and nobody was blocked by the one before it.
  void act(const FarmName& name, Entry& entry, bool fresh, const Counting& counting,
           const IdentityTables& tables, Now now, Heard& heard);
  void free(Order order, bool blocked, Entry& entry, const Counting& counting, Now now,
            Heard& heard);
  [[nodiscard]] bool may_block(const NamedStatement& word, std::size_t list,
                               const Counting& counting, const IdentityTables& tables, Now now);
  bool allowed(std::size_t list, Now now);
  void say(const FarmName& name, FarmStatement record, Entry& entry, Now now);
  [[nodiscard]] std::int64_t stamp_of(const FarmStatement& record, const Entry& entry,
                                      Now now) const;
  [[nodiscard]] std::int64_t farm_now(Now now) const;  // milliseconds, by the server's clock
  [[nodiscard]] bool is_ahead(const FarmStatement& record, Now now) const;
  void forget_old(Now now);
  void learn(const Config& config);
  Entry* entry_for(const FarmName& name, bool blocked);  // null: there is no room
  [[nodiscard]] std::optional<std::size_t> list_called(const std::string& name,
                                                       const Counting& counting) const;

  FarmLink& link_;
  std::string host_;
  FarmTrust trust_;
  std::uint32_t max_per_hour_;
  std::map<FarmName, Entry> records_;
  std::vector<FarmEvent> events_;
  std::vector<NamedStatement> words_;
  std::set<FarmName> undone_;
  std::vector<std::string> list_of_rule_;  // names
  std::vector<std::chrono::seconds> period_of_rule_;
  std::map<std::string, std::string> paths_;  // of lists, by name
  FarmName looked_at_;                        // where entry_for() looks on for one to give up
  Instant now_{};
  std::set<FarmName> unseen_;  // whose blocks wait until we have counted something, too
  std::vector<FarmName> seen_now_;
  std::map<FarmName, bool> ordered_;  // by the words of this take(): blocked or free
  std::uint64_t changes_ = 0;
  bool joined_ = false;  // every word of the farm was heard once
  bool just_joined_ = false;
  bool answering_ = false;            // compared() is to follow words_
  std::vector<std::string> windows_;  // subjects whose live windows are still to be sent
  std::map<std::size_t, std::deque<std::chrono::steady_clock::time_point>> taken_;  // by list
  Refused refused_;
};

// Since 1970 UTC, as words have it.
inline std::int64_t seconds_of(Instant time) {
  return time.time_since_epoch().count();
}

}  // namespace agent
