// Announcer: puts what the service does into words: a block's line in its list, the service's own
// log, and the notices, which lie in its outbox until the engine lets them go.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/pipeline.h"
#include "agent/core/silence.h"
#include "agent/history/history_queue.h"
#include "agent/lists/list_keeper.h"
#include "agent/notify/action_runner.h"
#include "agent/notify/notice.h"
#include "agent/notify/outbox.h"
#include "agent/notify/trial_digest.h"
#include "agent/service/engine_context.h"
#include "agent/state/checkpoint_writer.h"

namespace agent {

class Announcer {
 public:
  // All arguments must outlive it.
  Announcer(const EngineContext& context, const Pipeline& pipeline, const ListKeeper& lists,
            CheckpointWriter& checkpoints, NoticeSender& mailer, ActionRunner& actions);

  // Says in the service's log that a limit was reached here, and counts it.
  void log_decision(const Decision& decision);
  // Returns the data part of the decision's line in its list. If exim.spool_guard has no figure for
  // it, that is said.
  [[nodiscard]] std::string list_data_for(const Decision& decision) const;
  // Returns what goes out about a block, as far as the configuration wants any. `identity`, `data`:
  // as its line in the list has them.
  [[nodiscard]] Announcement of_block(const Decision& decision, const std::string& identity,
                                      const std::string& data) const;
  void send(Announcement announcement);
  // A sender is free again. Only actions are told. `key`: folded, which is how a list knows it.
  void released(std::size_t list, const std::string& key, Edge edge);

  // A rule on trial has decided: that is said now, and told in the notice of the day.
  void on_trial(const Decision& decision);
  void tell_trials();
  [[nodiscard]] TrialDigest& trials() { return trials_; }
  [[nodiscard]] const TrialDigest& trials() const { return trials_; }

  // An identity came near a limit (rule.watch).
  void near_limit(const Decision& decision);
  // Says which logs are silent for unusually long, and sends notices of them. `logs`: all that are
  // followed.
  void check_silence(const std::vector<Silences::Log>& logs);

  // Remembers for the history what has happened. It comes with the next checkpoint.
  void remember(HistoryEntry entry);
  [[nodiscard]] HistoryQueue& history() { return history_; }
  [[nodiscard]] const HistoryQueue& history() const { return history_; }

  // An exemption that was last of use at `used` ends soon.
  void tell_ending(const ExemptionEnd& end, Instant used);

  // The engine lets a notice go only after a checkpoint that holds it: see Outbox.
  [[nodiscard]] Outbox& outbox() { return outbox_; }
  [[nodiscard]] const Outbox& outbox() const { return outbox_; }
  [[nodiscard]] Silences& silences() { return silences_; }
  [[nodiscard]] const Silences& silences() const { return silences_; }
  [[nodiscard]] std::uint64_t decisions() const { return decisions_; }
  [[nodiscard]] std::uint64_t trial_decisions() const { return trial_decisions_; }
  [[nodiscard]] std::uint64_t near_limits() const { return near_limits_; }

 private:
  using Compose = std::function<Notice(const NoticeContext&)>;
  [[nodiscard]] std::vector<ActionNotice> for_actions(Edge edge, const Decision& about,
                                                      const std::vector<std::string>& rules,
                                                      const NoticeContext& context,
                                                      const Compose& compose) const;
  [[nodiscard]] std::optional<std::uint64_t> spool_space() const;
  [[nodiscard]] NoticeContext notice_context(const Decision& decision) const;
  [[nodiscard]] NoticeContext block_context(const Decision& decision, const std::string& identity,
                                            const std::string& data) const;
  void send_silence(const Silences::News& news);

  const EngineContext& context_;
  const Pipeline& pipeline_;
  const ListKeeper& lists_;
  CheckpointWriter& checkpoints_;
  ActionRunner& actions_;
  Outbox outbox_;
  Silences silences_;
  TrialDigest trials_;
  HistoryQueue history_;
  std::uint64_t decisions_ = 0, trial_decisions_ = 0, near_limits_ = 0;
};

}  // namespace agent
