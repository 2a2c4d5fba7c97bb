// The advice of tune: a limit and a period in the widest gap between the identities to leave alone
// and those to block.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/tune/labels.h"
#include "agent/tune/peaks.h"

namespace agent {

struct Advice {
  std::size_t period = 0;  // index into the grid
  std::uint32_t limit = 0;
  std::uint32_t below = 0;  // the highest count of the identities left alone
  std::uint32_t above = 0;  // the lowest count of those blocked; Peaks::ceiling() means "or more"
  std::size_t blocked = 0;  // identities
  // Labelled identities on the wrong side: then there is no gap.
  std::size_t missed = 0, false_alarms = 0;
  // The limit with which Exim's own averaging ratelimit over the same period separates the same
  // identities; nullopt if no limit does, or rates were not wanted.
  std::optional<std::uint32_t> ratelimit;
  // Honest identities, as Exim prints them, that have as much as a spammer: only if they are exempt
  // does a limit separate the labelled ones. Left out of what stands above.
  std::vector<std::string> exempt = {};
};

// With labels, the gap lies between the highest honest and the lowest spammer, some honest ones set
// aside if it must be; without, most identities are taken for honest and the widest gap in the
// upper half counts (tenfold is wide enough, then the lower one wins). The limit is one of the
// grid's, of `preferred` if one of them lies in the gap. Of periods longer than `span`, the time
// that the logs cover, one stands for all: the rule's own if it is among them. Returns nullopt if
// there is too little to decide by, or no limit that blocks anybody and nobody on the wrong side.
[[nodiscard]] std::optional<Advice> advise(const Peaks& peaks, const Labels& labels,
                                           const std::vector<std::uint32_t>& preferred,
                                           std::optional<std::chrono::seconds> span = std::nullopt);

// Returns the rule with that limit and period, as TOML for a configuration: what is not as built
// in.
[[nodiscard]] std::string rule_snippet(const Rule& rule, const Advice& advice,
                                       std::chrono::seconds period,
                                       const std::string& state_directory);
// Returns the lines of [exempt] that the advice asks for; "" if it needs none.
[[nodiscard]] std::string exempt_snippet(const Rule& rule, const Advice& advice);

}  // namespace agent
