// Subject: what is kept of one identity, or of one network if a relay rule groups addresses: its
// windows, its blocks, and evidence for people.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <optional>
#include <vector>

#include "agent/core/config.h"
#include "agent/core/decision.h"
#include "agent/core/occurrence.h"
#include "agent/core/share_window.h"
#include "agent/core/subject_key.h"
#include "agent/core/window.h"

namespace agent {

// The blocks of one subject in one list, where blocks end by themselves.
struct BlockTerm {
  std::size_t list = 0;
  std::optional<Instant> until;  // nullopt: none is under way, or it has no end
  std::uint32_t times = 0;       // blocks in a row
  Instant ended{};               // the last one; events before that were its
};

// A client address that a subject used, and in how many events: refused recipients, and others.
struct SeenHost {
  std::string host;
  std::uint32_t refusals = 0, others = 0;
  bool operator==(const SeenHost&) const = default;
};

// Most subjects have one window and one host; these lie inside it, since each piece elsewhere is
// one more wait for memory.
struct Subject {
  static constexpr std::size_t kMaxHosts = 16;
  static constexpr std::size_t kMaxSamples = 20;

  // One for each rule of this kind, in the config's order.
  boost::container::small_vector<Window, 1> windows;
  std::vector<ShareWindow> shares;  // beside windows, or none: only rules with min_share need them
  std::uint64_t blocked = 0;        // bit i: is in list i
  std::uint64_t watched = 0;        // bit i: rule i of this kind has told of it below its limit
  // bit i: rule i's window was full by events too old to decide, and no block has followed. Not
  // saved: it is for a line in the journal.
  std::uint64_t undecided = 0;
  // It was freed while the service was down: events up to then count no more.
  std::optional<Instant> fresh_since;
  std::vector<BlockTerm> terms;  // of lists whose blocks end by themselves
  std::uint32_t further_refusals = 0, further_others = 0;  // from hosts that are not kept apart
  boost::container::small_vector<SeenHost, 1> hosts;       // at most kMaxHosts
  // From half of a limit on; of refused recipients, and of each other signal, at most kMaxSamples.
  std::vector<Sample> samples;

  [[nodiscard]] bool in_list(std::size_t list) const { return (blocked >> list & 1) != 0; }
  void put_into_list(std::size_t list) { blocked |= std::uint64_t{1} << list; }
  void take_from_list(std::size_t list) { blocked &= ~(std::uint64_t{1} << list); }
  [[nodiscard]] BlockTerm* find_term(std::size_t list);  // null: it has none
  [[nodiscard]] const BlockTerm* find_term(std::size_t list) const;
  BlockTerm& term_of(std::size_t list);  // makes one if it has none

  // Returns true if no window holds an event after `time`.
  [[nodiscard]] bool is_over(Instant time) const;
  // Keeps the host of an event, and near a limit a sample; of events that are no refused recipients
  // the host near a limit only.
  void remember(const Occurrence& event, bool near_limit);
  void forget_evidence();
  // Gives a decision what is known of the events that its rule listens to.
  void add_evidence(const Rule& rule, Decision& decision) const;
};

using Subjects = SubjectMap<Subject>;

}  // namespace agent
