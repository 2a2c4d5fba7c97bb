// FarmMember: this host's part in the farm. It hands over what is counted here, states what the
// lists here hold, and gives orders for what other hosts state. Pure but for the link.
//
// A change that a host finds in its lists becomes its statement. So it looks there first and
// listens afterwards: an identity that somebody has just freed by hand is not blocked again by an
// old statement.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/counting.h"
#include "agent/core/identity_tables.h"
#include "agent/farm/belief.h"
#include "agent/farm/farm_time.h"
#include "agent/farm/known_statements.h"
#include "agent/farm/link.h"
#include "agent/farm/saved_farm.h"
#include "agent/farm/shared_lists.h"
#include "agent/values/now.h"

namespace agent {

class FarmMember {
 public:
  using Order = FarmBelief::Order;
  using Settled = FarmBelief::Settled;
  using Heard = FarmBelief::Heard;
  using Refused = FarmBelief::Refused;
  using Saved = SavedFarmStatement;

  // `link` must live longer. `host`: this host's name in the farm.
  FarmMember(const Config& config, FarmLink& link, std::string host);
  FarmMember(const FarmMember&) = delete;
  FarmMember& operator=(const FarmMember&) = delete;
  void configure(const Config& config, std::string host);

  // What a checkpoint keeps; changes() grows with every change of it.
  [[nodiscard]] std::vector<Saved> saved() const;
  [[nodiscard]] std::uint64_t changes() const { return known_.changes(); }
  // Takes back what a checkpoint kept. `lists`: the paths of the lists that the blocks of that time
  // belong to. What is damaged is left out.
  void restore(const std::vector<Saved>& saved, const std::vector<std::string>& lists);

  // An event was counted here.
  void counted(const Counting::Counted& event);
  // A limit was reached here; the identity is in its list by now.
  void decided(const Decision& decision, const std::vector<Counting::List>& lists, Now now);
  // States what was changed in the lists by other hands. `settled`: the logs were read up to now
  // once, so that a block that no host has stated was made by hand.
  void compare(const Counting& counting, bool settled, Now now);

  // Takes what the link has heard. What compare() has to say comes first.
  [[nodiscard]] Heard take(const Counting& counting, const IdentityTables& tables, Now now);
  // Returns true if take() has something to do, even if the farm says nothing.
  [[nodiscard]] bool has_seen() const { return belief_.has_again(); }
  // Returns true once, after every statement of the farm was heard for the first time: what the
  // lists here hold beyond them is news, for compare().
  [[nodiscard]] bool take_joined() { return std::exchange(just_joined_, false); }

  // A list could not be changed: undone() gives the order again.
  void not_done(const FarmName& name) { belief_.not_done(name); }
  [[nodiscard]] std::vector<Order> undone(const Counting& counting) {
    return belief_.undone(counting);
  }
  [[nodiscard]] bool has_undone() const { return belief_.has_undone(); }

  // Hands over what has gathered; and of the live windows, if they are asked for, as many as the
  // link has room for. Returns true if more of these can go at once.
  bool hand_over(const Counting& counting);
  [[nodiscard]] bool has_windows() const { return !windows_.empty(); }

  // Returns how far back the rules look; a release that is younger matters also for an identity
  // that is not blocked.
  [[nodiscard]] std::chrono::seconds longest_period() const { return lists_.longest_period(); }
  // Returns the statement on it; null: there is none.
  [[nodiscard]] const FarmStatement* known(const FarmName& name) const;
  [[nodiscard]] std::size_t records() const { return known_.all().size(); }
  [[nodiscard]] const Refused& refused() const { return belief_.refused(); }

 private:
  void state(const FarmName& name, FarmStatement statement, KnownStatements::Entry& entry, Now now);
  void state_blocks_of_others(const Counting& counting, Now now);
  void answer_all();
  [[nodiscard]] FarmTime time_at(Now now) const;

  FarmLink& link_;
  SharedLists lists_;
  KnownStatements known_;
  FarmBelief belief_;
  // For the next hand_over().
  std::vector<FarmEvent> events_;
  std::vector<NamedStatement> words_;
  bool answering_ = false;           // FarmLink::compared() is to follow words_
  std::vector<SubjectKey> windows_;  // subjects whose live windows are still to be sent
  Instant now_{};                    // of the last take()
  bool joined_ = false;              // every statement of the farm was heard once
  bool just_joined_ = false;
};

}  // namespace agent
