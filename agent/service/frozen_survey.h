// What is frozen in Exim's queue of all senders that are blocked now: the evidence, and how long
// Exim keeps it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actions/exim/exim_queue.h"
#include "agent/config/frozen_keeping.h"
#include "agent/core/config.h"
#include "agent/core/identity_tables.h"
#include "agent/values/zone.h"

namespace agent {

struct FrozenSurvey {
  std::uint64_t messages = 0, bytes = 0;
  std::optional<Instant> oldest;  // received; nullopt: there are none
  std::string sender;             // of the oldest
  bool operator==(const FrozenSurvey&) const = default;
};

// The keys of a list, and the kind of sender they are.
using ListedSenders = std::vector<std::pair<IdentityKind, std::vector<std::string>>>;

[[nodiscard]] FrozenSurvey survey_frozen(const std::vector<actions::QueuedMessage>& queue,
                                         const ListedSenders& listed, const IdentityMap& map);

// Returns what is to be done before Exim bounces the oldest of them, from a day before on; empty if
// there is time.
[[nodiscard]] std::string frozen_warning(const FrozenSurvey& survey, const FrozenKeeping& keeping,
                                         Instant now);

}  // namespace agent
