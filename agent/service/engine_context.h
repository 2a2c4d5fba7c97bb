// EngineContext: what the parts of the engine share: the configuration in force, the service's
// callbacks, and how far this turn has come. The engine owns and changes it; its parts only read
// it.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/core/config.h"
#include "agent/core/decision.h"
#include "agent/core/identity_tables.h"
#include "agent/service/frozen_survey.h"
#include "agent/service/log_trust.h"
#include "agent/values/now.h"
#include "agent/values/zone.h"

namespace agent {

struct EngineOptions {
  std::string config_path;  // for the commands that notices show; empty for the default
  std::string host;
  bool dry_run = false;
  std::function<void(const Decision&, const Zone&)> on_decision;  // the service's own log
  std::function<void(const Decision&, const Zone&)> on_watch = [](const auto&, const auto&) {};
  std::function<void(const std::string&)> say;
  // Called with faults() and the fault of the checkpoint whenever they change.
  std::function<void(const std::vector<std::string>&)> on_faults = [](const auto&) {};
  // Returns the time within a turn; empty: no time passes in a turn.
  std::function<std::chrono::steady_clock::time_point()> clock = {};
  // Returns what is frozen of blocked senders; empty: nobody looks.
  std::function<std::optional<FrozenSurvey>()> frozen = {};
  // Called when the files of exempt and identity_map were read again.
  std::function<void(std::shared_ptr<const IdentityTables>)> on_tables = [](const auto&) {};
};

struct EngineContext {
  // How long a turn may read, or announce decisions: lists, other logs and signals wait no longer.
  static constexpr std::chrono::milliseconds kTurn{200};

  Config config;
  EngineOptions options;
  Zone zone;
  LogTrust trust;        // how far Exim's settings let its log be trusted
  Now now{};             // of this turn
  bool settled = false;  // the logs were read to their ends once
  bool behind = true;    // there was more to read after the last turn

  [[nodiscard]] bool out_of_time() const {
    return options.clock && options.clock() - now.steady >= kTurn;
  }
  [[nodiscard]] std::chrono::seconds longest_period() const {
    std::chrono::seconds longest{0};
    for (const auto& rule : config.rules) longest = std::max(longest, rule.period);
    return longest;
  }
};

}  // namespace agent
