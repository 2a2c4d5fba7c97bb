// RuleTable: the rules of a configuration as counting sees them: which list each rule fills, which
// of a subject's windows belongs to it, and which rules look at the same identities.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/core/config.h"
#include "agent/core/counted_values.h"
#include "agent/core/limits.h"
#include "agent/core/subject.h"

namespace agent {

struct RuleState {
  Rule rule;
  Limits limits;
  std::size_t list;  // index in RuleTable::places()
  std::size_t slot;  // index among the rules of its kind, and so in Subject::windows

  [[nodiscard]] Window& window_of(Subject& subject) const { return subject.windows[slot]; }
  [[nodiscard]] const Window& window_of(const Subject& subject) const {
    return subject.windows[slot];
  }
  [[nodiscard]] ShareWindow& share_of(Subject& subject) const {
    if (subject.shares.size() <= slot) subject.shares.resize(slot + 1);
    return subject.shares[slot];
  }
  // In Subject::watched and Subject::undecided.
  [[nodiscard]] std::uint64_t slot_bit() const { return std::uint64_t{1} << slot; }
  [[nodiscard]] bool listens_to(Signal signal) const {
    return std::find(rule.signals.begin(), rule.signals.end(), signal) != rule.signals.end();
  }
  // Returns true if an event counts in this rule's window, or in the share that it is held to.
  [[nodiscard]] bool minds(Signal signal) const {
    return listens_to(signal) || (rule.min_share > 0 && signal == Signal::accepted);
  }
  // Returns false for old events of a log that is read for the first time.
  [[nodiscard]] bool may_decide(const Occurrence& event) const {
    return !event.first_start || event.time > *event.first_start - rule.period;
  }
  // Returns rule.watch as a count under this limit; 0: none.
  [[nodiscard]] std::uint32_t watch_level(std::uint32_t limit) const;
  // Returns what is decided when the window of `subject` is full.
  [[nodiscard]] Decision decision(const Subject& subject, std::string_view identity,
                                  const Occurrence& event, std::uint32_t limit) const;
};

class RuleTable {
 public:
  static constexpr std::size_t kMaxLists = 64;  // the bits of Subject::blocked

  explicit RuleTable(const Config& config);

  struct List {
    IdentityKind kind;
    std::string path;
  };
  // Returns what a Layout calls the place of a rule's decisions: the path of its list, or, for a
  // trial, a name that is no path.
  [[nodiscard]] static std::string place_of(const Rule& rule);
  // Returns what a Layout calls the windows of a rule: its name, and what they hold if that is
  // neither attempts nor recipients. Values of one sort are of no use to another.
  [[nodiscard]] static std::string window_name(const Rule& rule);
  // Rules that look at the same identities: a relay rule may group IPv6 addresses.
  struct Group {
    IdentityKind kind;
    int ipv6_prefix;
    std::vector<std::size_t> rules;
  };
  // What the indexes in a Subject mean: rules and lists in the config's order.
  struct Layout {
    std::vector<std::pair<IdentityKind, std::string>> rules;  // kind and window_name()
    std::vector<std::string> lists;                           // paths, then places of trials
    bool operator==(const Layout&) const = default;
  };

  [[nodiscard]] const std::vector<RuleState>& rules() const { return rules_; }
  // The lists that are files.
  [[nodiscard]] const std::vector<List>& lists() const { return lists_; }
  // Returns the lists, and behind them a place for each trial rule: who stands there is blocked in
  // no list, and decides nothing more for that rule meanwhile.
  [[nodiscard]] const std::vector<List>& places() const { return places_; }
  [[nodiscard]] bool is_trial(std::size_t place) const { return place >= lists_.size(); }
  // Returns the bits of Subject::blocked that stand for lists.
  [[nodiscard]] std::uint64_t list_bits() const {
    return lists_.size() >= kMaxLists ? ~std::uint64_t{0} : (std::uint64_t{1} << lists_.size()) - 1;
  }
  [[nodiscard]] const std::vector<Group>& groups() const { return groups_; }
  // Returns all relay rules as one group: that of IPv4 hosts.
  [[nodiscard]] const Group& relays() const { return relays_; }
  // The same of the rules about any host.
  [[nodiscard]] const Group& any_hosts() const { return any_hosts_; }
  [[nodiscard]] std::size_t slots(IdentityKind kind) const {
    return slots_[static_cast<std::size_t>(kind)];
  }
  [[nodiscard]] std::chrono::seconds longest_period() const { return longest_period_; }
  // Returns the longest rule.repeat_within behind a list.
  [[nodiscard]] std::chrono::seconds repeat_within(std::size_t list) const {
    return repeat_within_[list];
  }
  [[nodiscard]] Layout layout() const;

 private:
  void find_places(const Config& config);
  [[nodiscard]] std::size_t place_for(const Rule& rule) const;
  Group& group_for(const Rule& rule, const Config& config);

  std::vector<RuleState> rules_;
  std::vector<List> lists_, places_;
  std::vector<std::chrono::seconds> repeat_within_;  // by place
  std::array<std::size_t, kIdentityKinds> slots_{};  // rules by kind
  std::chrono::seconds longest_period_{0};
  std::vector<Group> groups_;
  Group relays_{IdentityKind::relay, 0, {}}, any_hosts_{IdentityKind::host, 0, {}};
};

// Moves what was counted under another configuration to this one's places: windows go to the rule
// of the same name and kind, blocks to the list of the same path; what has no counterpart any more
// is dropped.
void carry_over(Subjects& subjects, const RuleTable::Layout& saved, const RuleTable& table);

}  // namespace agent
