// FarmBelief: what follows for this host's lists from the farm's statements. It decides which of
// them to believe, by farm.trust, exemptions and farm.max_per_hour, and gives orders; the lists
// themselves are the engine's business.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/config.h"
#include "agent/core/counting.h"
#include "agent/core/identity_tables.h"
#include "agent/farm/farm_time.h"
#include "agent/farm/known_statements.h"
#include "agent/farm/link.h"
#include "agent/farm/shared_lists.h"

namespace agent {

class FarmBelief {
 public:
  static constexpr std::size_t kMaxUnseen = 100'000;

  // What is to be done to a list because of a statement.
  struct Order {
    enum class Kind {
      block,
      free,
      end,     // the identity is blocked already, but until another time
      notice,  // only the abuse desk is to be told
    };
    Kind kind = Kind::block;
    std::size_t list = 0;  // its place among Counting::lists()
    NamedStatement word;
    bool notice = false;  // of a block: this host is the one that tells the abuse desk
  };
  // An answer to what this host had stated: whether another host had been first.
  struct Settled {
    FarmName name;
    bool blocked_before = false;
  };
  struct Heard {
    std::vector<Order> orders;
    std::vector<Settled> settled;
  };
  // What this host knows of the identities when their statements come.
  struct View {
    const Counting& counting;
    const IdentityTables& tables;
    FarmTime time;
  };

  // `known` and `lists` must live longer.
  FarmBelief(const FarmConfig& config, KnownStatements& known, const SharedLists& lists);
  void configure(const FarmConfig& config);

  // Begins a turn: within it, earlier orders are taken for done.
  void begin() { ordered_.clear(); }
  void hear(NamedStatement&& word, const View& view, Heard& heard);
  // Takes the server's answer to a statement of this host.
  void hear_answer(FarmNews&& news, const View& view, Heard& heard);

  // Lets hear_again() look at the statement once more.
  void look_again(const FarmName& name) { again_.push_back(name); }
  void hear_again(const View& view, Heard& heard);
  [[nodiscard]] bool has_again() const { return !again_.empty(); }
  // An event was counted here: with farm.trust = "seen", blocks of that identity had waited for it.
  void was_seen(std::size_t rule, std::string_view key);

  // A list could not be changed: undone() gives the order again.
  void not_done(const FarmName& name);
  [[nodiscard]] std::vector<Order> undone(const Counting& counting);
  [[nodiscard]] bool has_undone() const { return !undone_.empty(); }

  // How many statements were not followed: the list is not one of this host's, the identity is
  // exempt, farm.trust forbids it, no list can hold it; and, for the time being, farm.max_per_hour
  // forbids it.
  struct Refused {
    std::uint64_t unknown_list = 0, exempt = 0, trust = 0, unfit = 0, postponed = 0;
  };
  [[nodiscard]] const Refused& refused() const { return refused_; }

 private:
  using Entry = KnownStatements::Entry;
  // `fresh`: the statement is new, and the one before it did not block.
  void act(const FarmName& name, Entry& entry, bool fresh, const View& view, Heard& heard);
  void block_more(Order order, bool ours, const View& view, Heard& heard);
  void free(Order order, bool blocked, Entry& entry, const View& view, Heard& heard);
  [[nodiscard]] bool may_block(const NamedStatement& word, std::size_t list, const View& view);
  [[nodiscard]] bool is_allowed(std::size_t list, const View& view);

  KnownStatements& known_;
  const SharedLists& lists_;
  FarmTrust trust_;
  std::uint32_t max_per_hour_;
  std::set<FarmName> unseen_;  // their blocks wait until this host has counted something, too
  std::vector<FarmName> again_;
  std::set<FarmName> undone_;
  std::map<FarmName, bool> ordered_;  // in this turn: blocked or free
  // When orders were given in the last hour, by list.
  std::map<std::size_t, std::deque<std::chrono::steady_clock::time_point>> given_;
  Refused refused_;
};

}  // namespace agent
