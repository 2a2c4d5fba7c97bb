// The service without its clock, signals and waiting: what run does, turn by turn, as told. The
// order of effects is fixed, and every step can be repeated after a crash:
//   lists looked at -> log read -> key appended (visible) -> lists synced -> checkpoint -> notice.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actions/files.h"
#include "agent/config/table_files.h"
#include "agent/core/config.h"
#include "agent/core/now.h"
#include "agent/core/pipeline.h"
#include "agent/farm/member.h"
#include "agent/follow/follower.h"
#include "agent/follow/inotify.h"
#include "agent/lists/list_keeper.h"
#include "agent/notify/notifier.h"
#include "agent/notify/outbox.h"
#include "agent/service/log_trust.h"
#include "agent/service/metrics.h"
#include "agent/service/tamper_alarm.h"
#include "agent/state/checkpoint_file.h"
#include "agent/state/checkpoint_writer.h"
#include "agent/state/saver.h"

namespace agent {

struct EngineOptions {
  std::string config_path;  // for the commands that notices show; empty for the default
  std::string host;
  bool dry_run = false;
  std::function<void(const Decision&, const Zone&)> on_decision;  // the service's own log
  std::function<void(const Decision&, const Zone&)> on_watch = [](const auto&, const auto&) {};
  std::function<void(const std::string&)> say;
  // faults(), and that of the checkpoint, whenever they are others.
  std::function<void(const std::vector<std::string>&)> on_faults = [](const auto&) {};
  // The time, within a turn; empty: no time passes in one.
  std::function<std::chrono::steady_clock::time_point()> clock = {};
  // The files of exempt and identity_map were read again.
  std::function<void(std::shared_ptr<const IdentityTables>)> on_tables = [](const auto&) {};
};

// What the engine works with; all must outlive it. Null: without inotify all is looked at from time
// to time.
struct EngineParts {
  actions::Files& files;
  Inotify* inotify;
  NoticeSender& mailer;
  Saver& saver;
  FarmLink* farm = nullptr;  // null: this host counts alone
};

class Engine {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  // `trust`: what Exim's settings make of its log, for the metrics.
  Engine(const Config& config, PipelineOptions around, LogTrust trust, EngineParts parts,
         EngineOptions options);

  // Opens the logs; nothing is read yet. `saved`: by CheckpointFile, of the configured directory;
  // nothing in a dry run.
  void start(Now now, CheckpointFile::Loaded saved);
  // Does what there is to do and never waits; true if there is more to read at once.
  bool turn(Now now);
  // When the next turn is due if nothing happens before.
  [[nodiscard]] Steady due() const;
  // Everything saved.
  void stop(Now now);
  // The state directory was made again: what is saved is gone.
  void save_anew();
  // Another configuration from now on; nothing counted is forgotten that still has a rule.
  void reload(const Config& config, PipelineOptions around, LogTrust trust, Now now);

  [[nodiscard]] const Pipeline& pipeline() const { return pipeline_; }
  [[nodiscard]] Metrics metrics() const;
  // What can't be read, written or sent at the moment; the checkpoint, which tells of it, aside.
  [[nodiscard]] std::vector<std::string> faults() const;

 private:
  void follow(const std::string& path, const std::vector<LogPosition>& saved, Now now);
  void decide(Decision&& decision);
  void keep(Decision&& decision);
  void write_lists();
  void announce_decided();
  void announce(const Decision& decision, const std::string& data);
  void say_if_no_exim_user();
  void take_list_news();
  void end_doubts();
  void on_changes(Now now);
  void look_around(Now now);
  [[nodiscard]] std::optional<std::uint64_t> spool_space();
  void listen(Now now);
  void watch(const Decision& decision);
  void end_block(const Counting::End& block);
  void end_blocks(Now now);
  [[nodiscard]] NoticeContext notice_context(const Decision& decision) const;
  [[nodiscard]] NoticeContext block_context(const Decision& decision, const std::string& identity,
                                            const std::string& data) const;
  void look_at_tables(Now now);
  void drop_exempt();
  bool read_logs(Now now);
  [[nodiscard]] bool out_of_time() const;
  void save_and_send(Now now);
  void tell_faults();
  [[nodiscard]] SaveJob job(Now now, bool with_checkpoint);
  [[nodiscard]] Checkpoint snapshot(Now now);
  [[nodiscard]] std::chrono::seconds longest_period() const;

  // engine_farm.cpp; nothing without a farm.
  void watch_counts();
  void hear_farm(Now now);
  bool tell_farm();  // true: there is more to tell at once
  void say_farm_state();
  [[nodiscard]] Decision decision_of(const FarmMember::Order& order) const;
  void block_for_farm(const FarmMember::Order& order);
  [[nodiscard]] const std::string& farm_host() const {
    return config_.farm.host.empty() ? options_.host : config_.farm.host;
  }
  void follow_farm(const std::vector<FarmMember::Order>& orders);
  void free_for_farm(std::size_t list, const std::vector<FarmMember::Order>& orders);
  void end_for_farm(const FarmMember::Order& order);
  [[nodiscard]] Instant moment_of(const FarmStatement& record) const;
  bool hold_notice(const Decision& decision, const Notice& notice);
  void release_notices(Now now);
  [[nodiscard]] std::optional<Steady> farm_due() const;
  void save_farm(Checkpoint& state) const;
  [[nodiscard]] Metrics::Farm farm_metrics() const;

  Config config_;
  EngineParts parts_;
  EngineOptions options_;
  Zone zone_;
  Pipeline pipeline_;
  std::optional<actions::EximUser> exim_;
  ListKeeper lists_;
  // Decisions that are not announced yet: the lines of one step of reading are written together
  // before. Until all are, no log is read and no checkpoint begun: it would know nothing of them.
  struct Decided {
    Decision decision;
    std::string data;
  };
  std::deque<Decided> decided_;
  bool deciding_ = false;  // the last step led to some
  std::vector<std::unique_ptr<Follower>> followers_;
  std::vector<LogPosition> parked_;  // of logs that are not in the configuration now
  TableFiles tables_;
  Outbox outbox_;
  CheckpointWriter checkpoints_;
  TamperAlarm tamper_alarm_;
  Silences silences_;
  LogTrust trust_;

  Now now_;                   // of this turn
  bool settled_ = false;      // the logs were read to their ends once
  bool behind_ = true;        // there was more to read after the last turn
  bool covers_mail_ = false;  // the checkpoint under way tells of the mail that waits for it
  std::uint64_t decisions_ = 0, watched_ = 0, ended_ = 0;
  std::uint64_t bytes_saved_ = 0;
  std::vector<std::string> faults_saved_, faults_told_;
  Follower::Counters gone_;  // of logs that are not followed any more
  Steady next_look_{}, next_metrics_{}, next_expiry_{};
  std::uint64_t pending_saved_ = 0;  // ListKeeper::revision() when it was last to be saved

  std::optional<FarmMember> farm_;
  struct HeldNotice {
    Notice notice;
    Steady due;
  };
  std::map<FarmName, HeldNotice> held_notices_;  // until it is known whether another host sends one
  bool lists_changed_ = true;                    // since the farm was last told
  bool farm_connected_ = false;
  std::string farm_fault_;
  std::uint64_t farm_refused_ = 0, farm_blocked_ = 0, farm_freed_ = 0;
  Steady next_undone_{};
};

}  // namespace agent
