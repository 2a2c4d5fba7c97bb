// Metrics: what the service knows of itself, as Prometheus text. It has no user names: their number
// has no bound.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/attribution.h"
#include "agent/core/tag_check.h"
#include "agent/notify/action_runner.h"
#include "agent/service/frozen_survey.h"
#include "parsers/entries/reader.h"

namespace agent {

struct Metrics {
  parsers::ReaderCounters reader;
  std::array<std::uint64_t, kCharged> charged{};
  std::array<std::uint64_t, TagCheck::kVerdicts> tagged{};
  std::uint64_t messages = 0, messages_forgotten = 0;
  std::uint64_t decisions = 0, trial_decisions = 0, watched = 0, blocks_ended = 0;
  std::uint64_t lag_bytes = 0;
  std::uint64_t identities = 0;
  std::uint64_t outbox = 0, notices_dropped = 0;
  std::uint64_t pending_blocks = 0, blocks_unfit = 0;
  struct List {
    std::string path;
    std::uint64_t entries = 0;
    bool fault = false;
  };
  std::vector<List> lists;
  bool exim_asked = false;                     // Exim's settings could be read
  std::vector<std::string> doubtful_settings;  // of Exim: they make the log untrustworthy
  std::uint64_t rotations = 0, truncations = 0, missing_files = 0;
  std::uint64_t crowded_out = 0, blocks_dropped = 0, mails = 0;
  std::vector<std::pair<std::string, bool>> silent;  // logs, and whether for unusually long
  struct Farm {
    bool connected = false;
    std::uint64_t words = 0, waiting = 0, dropped = 0, added = 0, ahead = 0, late = 0;
    std::uint64_t blocked = 0, freed = 0, connections = 0, resyncs = 0, strange = 0, crowded = 0;
    std::uint64_t unknown_list = 0, exempt = 0, trust = 0, unfit = 0, postponed = 0;
  };
  std::optional<FrozenSurvey> frozen;   // nullopt: the queue is not looked at
  std::optional<Instant> frozen_until;  // Exim bounces the oldest then
  std::vector<ActionRunner::Figures> actions;
  std::optional<Farm> farm;  // nullopt: this host counts alone
  bool log_fault = false, state_fault = false, notify_fault = false;
  bool history_fault = false;
  std::uint64_t history_left_out = 0;
  std::int64_t newest_event = 0;  // seconds since 1970 UTC; 0: none yet
};

[[nodiscard]] std::string metrics_text(const Metrics& metrics);

}  // namespace agent
