// The running service: the one loop that reads clocks, waits and hears signals; what is done in a
// turn of it stands in engine.h.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

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

  // Opens the logs, then `ready` is called. `saved`: as Engine::start() wants it. Returns on
  // SIGTERM or SIGINT with everything saved. On SIGHUP `reloaded` is asked for the new
  // configuration; nullopt: it is not good, the old one stays. Once a second, and when something
  // went from the state directory, `claimed` is asked whether that is still this service's; if not
  // it returns, with nothing saved.
  enum class End { stopped, unclaimed };
  End run(CheckpointFile::Loaded saved, const std::function<void()>& ready,
          const std::function<std::optional<Setup>()>& reloaded,
          const std::function<SingleInstance::Claim()>& claimed);
  // A mail is still being handed over, to somebody who does not answer.
  [[nodiscard]] bool mail_under_way() const { return notifier_.busy(); }

 private:
  struct Woken {
    bool signal = false;
    bool state_removed = false;  // something went from the state directory, or it went itself
  };
  Woken wait(bool more, int signals);
  void watch_state();

  std::optional<Inotify> inotify_, state_inotify_;
  std::string state_directory_;  // "": a dry run, which has none
  Notifier notifier_;
  ThreadSaver saver_;
  std::unique_ptr<FarmLink> farm_;  // null: this host counts alone
  Engine engine_;
};

// SIGTERM, SIGINT and SIGHUP wait from now on until Service::run() looks. Before anything is
// changed on the disk and any thread starts: threads inherit it.
void hold_signals();

}  // namespace agent
