// The running service: the only place that reads clocks and waits. One loop on one thread; the
// order of effects in each turn is fixed, and every step can be repeated after a crash:
//   lists looked at -> log read -> key appended (visible) -> lists synced -> checkpoint -> notices.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "actions/files.h"
#include "agent/config.h"
#include "agent/follow.h"
#include "agent/inotify.h"
#include "agent/lists.h"
#include "agent/mailer.h"
#include "agent/outbox.h"
#include "agent/pipeline.h"
#include "agent/state_file.h"

namespace agent {

struct ServiceOptions {
  std::string config_path;
  bool dry_run = false;
  std::function<void(const Decision&, const Zone&)> on_decision;  // the service's own log
  std::function<void(const std::string&)> say;
};

class Service {
 public:
  enum class End { stopped, reload };
  using Steady = std::chrono::steady_clock::time_point;

  Service(const Config& config, PipelineOptions around, actions::Files& files,
          ServiceOptions options);

  // Loads the state, opens the logs, then `ready` is called once. Returns on SIGTERM or SIGINT with
  // everything saved; on SIGHUP if `may_reload` says that the new configuration is good.
  End run(const std::function<void()>& ready, const std::function<bool()>& may_reload);

 private:
  void start();
  void on_changes();
  void decide(Decision&& decision);
  bool read_logs();
  void write_checkpoint();
  void write_metrics();
  [[nodiscard]] int wait_milliseconds(bool more) const;
  [[nodiscard]] State snapshot();

  Config config_;
  actions::Files& files_;
  ServiceOptions options_;
  Zone zone_;
  std::string host_;
  std::optional<Inotify> inotify_;
  Pipeline pipeline_;
  std::optional<actions::EximUser> exim_;
  Lists lists_;
  std::vector<int> list_watches_;  // by list; -1: looked at from time to time
  std::vector<std::unique_ptr<Follower>> followers_;
  StateFile state_file_;
  std::optional<Mailer> mailer_;
  std::optional<Outbox> outbox_;

  bool dirty_ = false;     // something to save
  bool save_now_ = false;  // a decision: its notice waits for the checkpoint
  bool settled_ = false;   // the logs were read to their ends once
  std::string state_fault_;
  std::uint64_t decisions_ = 0;
  std::uint64_t bytes_saved_ = 0;
  Steady next_look_{}, next_save_{}, next_retry_{}, next_metrics_{};
};

}  // namespace agent
