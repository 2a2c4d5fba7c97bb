// Service: the running service: the one loop that reads clocks, waits and handles signals. engine.h
// says what a turn of it does.
#pragma once

#include <poll.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/farm/link.h"
#include "agent/service/engine.h"
#include "agent/state/single_instance.h"

namespace agent {

class Service {
 public:
  struct Setup {
    Config config;
    PipelineOptions around;
    LogTrust trust;
  };

  Service(Setup setup, actions::Files& files, EngineOptions options);

  // Opens the logs, calls `ready`, and runs until SIGTERM or SIGINT, when everything is saved.
  // `saved`: as Engine::start() wants it. `reloaded` is asked on SIGHUP for the new configuration;
  // nullopt: it has faults, and the old one stays. `claimed` is asked once a second, and when
  // something went from the state directory, whether that is still this service's; if not, run()
  // returns and nothing is saved.
  enum class End { stopped, unclaimed };
  End run(CheckpointFile::Loaded saved, const std::function<void()>& ready,
          const std::function<std::optional<Setup>()>& reloaded,
          const std::function<SingleInstance::Claim()>& claimed);
  // Returns true if a notice is still being handed over, to somebody that does not answer.
  [[nodiscard]] bool mail_under_way() const { return notifier_.busy() || engine_.actions().busy(); }

 private:
  struct Woken {
    bool signal = false;
    bool state_removed = false;  // something went from the state directory, or it went itself
  };
  Woken wait(bool more, int signals);
  void watch_state();

  std::optional<Inotify> inotify_, state_inotify_;
  std::vector<pollfd> waiting_;  // of wait(); kept, so that it is not made anew each time
  std::string state_directory_;  // "": a dry run, which has none
  Notifier notifier_;
  ThreadSaver saver_;
  std::unique_ptr<FarmLink> farm_;  // null: this host counts alone
  Engine engine_;
};

// Holds SIGTERM, SIGINT and SIGHUP back until Service::run() looks. It is called before anything is
// changed on the disk and before any thread starts, since threads inherit it.
void hold_signals();

}  // namespace agent
