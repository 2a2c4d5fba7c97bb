// Engine: the service without its clock, signals and waiting: what `run` does, turn by turn, at the
// times it is told. The order of effects is fixed, and every step can be repeated after a crash:
//   lists looked at -> log read -> key appended (visible) -> lists synced -> checkpoint -> notice.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "actions/files.h"
#include "agent/config/table_files.h"
#include "agent/core/config.h"
#include "agent/core/pipeline.h"
#include "agent/follow/inotify.h"
#include "agent/lists/list_keeper.h"
#include "agent/notify/action_runner.h"
#include "agent/notify/notifier.h"
#include "agent/service/announcer.h"
#include "agent/service/decision_effects.h"
#include "agent/service/engine_context.h"
#include "agent/service/exemption_watch.h"
#include "agent/service/farm_side.h"
#include "agent/service/followed_logs.h"
#include "agent/service/log_trust.h"
#include "agent/service/metrics.h"
#include "agent/service/report_schedule.h"
#include "agent/service/tamper_alarm.h"
#include "agent/state/checkpoint_file.h"
#include "agent/state/checkpoint_writer.h"
#include "agent/state/saver.h"
#include "agent/values/now.h"

namespace agent {

// What the engine works with; all must outlive it. `inotify` may be null: then lists and logs are
// looked at from time to time.
struct EngineParts {
  actions::Files& files;
  Inotify* inotify;
  NoticeSender& mailer;
  Saver& saver;
  FarmLink* farm = nullptr;                   // null: this host counts alone
  ActionRunner::MakeSender make_sender = {};  // empty: no action is run
};

class Engine {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  // `trust`: how far Exim's settings let its log be trusted, for the metrics.
  Engine(const Config& config, PipelineOptions around, LogTrust trust, EngineParts parts,
         EngineOptions options);
  // Its parts know each other by address.
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Opens the logs and reads nothing yet. `saved`: as CheckpointFile loads it from the configured
  // directory; empty in a dry run.
  void start(Now now, CheckpointFile::Loaded saved);
  // Does what there is to do and never waits. Returns true if there is more to read at once.
  bool turn(Now now);
  // Returns when the next turn is due if nothing happens before.
  [[nodiscard]] Steady due() const;
  // Saves everything.
  void stop(Now now);
  // Saves everything anew: the state directory was made again, and what was saved is gone.
  void save_anew();
  // Takes another configuration; what was counted is kept where it still has a rule.
  void reload(const Config& config, PipelineOptions around, LogTrust trust, Now now);

  [[nodiscard]] const Pipeline& pipeline() const { return pipeline_; }
  // To wait for what is handed over by actions, and to ask whether there is any.
  [[nodiscard]] const ActionRunner& actions() const { return actions_; }
  [[nodiscard]] Metrics metrics() const;
  // Returns what can't be read, written or sent at the moment, without the checkpoint, which holds
  // it.
  [[nodiscard]] std::vector<std::string> faults() const;

 private:
  void restore(Checkpoint& state);
  void remake_lists();
  void say_if_no_exim_user() const;
  void drop_exempt();
  void hear_changes();
  void look_around();
  void look_at_tables();
  bool read_logs();  // true: there is more to read
  void say_tampering();
  void say_undecided();
  void save_and_send();
  void take_done(const CheckpointWriter::Done& done);
  void tell_faults();
  [[nodiscard]] SaveJob job();
  [[nodiscard]] Checkpoint snapshot();

  EngineContext context_;
  EngineParts parts_;
  Pipeline pipeline_;
  std::optional<actions::EximUser> exim_;
  ListKeeper lists_;
  CheckpointWriter checkpoints_;
  ActionRunner actions_;
  Announcer announcer_;
  FarmSide farm_;
  DecisionEffects effects_;
  FollowedLogs logs_;
  TableFiles tables_;
  ExemptionWatch exemptions_;
  ReportSchedule reports_;
  TamperAlarm tamper_alarm_;

  bool covers_mail_ = false;  // the checkpoint under way tells of the mail that waits for it
  std::uint64_t bytes_saved_ = 0;
  std::vector<std::string> faults_saved_, faults_told_;
  Steady next_look_{}, next_expiry_{};
  bool older_unread_ = false;  // unread lines may be older than the changes of lists just told of
  std::optional<Steady> undecided_due_;  // nullopt: nobody is undecided that was not said
  Steady next_undecided_{};              // not said again before
};

}  // namespace agent
