#include <fmt/format.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "actions/exim_access.h"
#include "agent/commands/command.h"
#include "agent/decision_text.h"
#include "agent/instance.h"
#include "agent/printable.h"
#include "agent/service.h"
#include "agent/surroundings.h"

namespace agent {
namespace {

void say(const std::string& text) {
  fmt::print(stderr, "exiwarden: {}\n", printable(text));
}

// A new configuration, if it is wholly good; what is wrong with it is said.
std::optional<Config> reloaded(const std::string& path) {
  auto loaded = load_config(path);
  if (const auto* problems = std::get_if<1>(&loaded)) {
    for (const auto& problem : *problems) say(describe(problem));
    say("the configuration stays as it was");
    return std::nullopt;
  }
  auto config = std::get<Config>(std::move(loaded));
  const auto around = surroundings(config);
  if (const auto* problem = std::get_if<std::string>(&around)) {
    say(*problem + "; the configuration stays as it was");
    return std::nullopt;
  }
  return config;
}

}  // namespace

Exit run_service(const Invocation& invocation) {
  ::umask(0027);
  Config config = invocation.config;
  actions::PosixFiles files;
  ServiceOptions options;
  options.config_path =
      invocation.config_path == "/etc/exiwarden/exiwarden.toml" ? "" : invocation.config_path;
  options.dry_run = invocation.options.count("dry-run") > 0;
  options.say = say;
  options.on_decision = [&](const Decision& decision, const Zone& zone) {
    const auto record = record_of(decision, zone);
    fmt::print("{}\n", invocation.output == Output::jsonl ? record.json()
                       : invocation.output == Output::csv ? record.csv()
                                                          : text_of(decision, zone));
    std::fflush(stdout);
  };

  if (!options.dry_run) {
    const auto made = actions::make_directory(std::nullopt, config.state.directory);
    if (!made || ::access(config.state.directory.c_str(), W_OK | X_OK) != 0) {
      say(fmt::format("state.directory: {}",
                      made ? config.state.directory + ": can't be written to" : made.error().what));
      return kCantCreate;
    }
  }
  std::optional<Instance> only;
  if (!options.dry_run) {
    auto claimed = Instance::claim(config.state.directory);
    if (!claimed) {
      say(claimed.error().what);
      return claimed.error().code == actions::Errc::timeout ? kUnavailable : kCantCreate;
    }
    only.emplace(std::move(claimed.value()));
  }
  for (bool first = true;; first = false) {
    auto around = surroundings(config);
    if (const auto* problem = std::get_if<std::string>(&around)) {
      say(*problem);
      return kBadConfig;
    }
    Service service(config, std::move(std::get<PipelineOptions>(around)), files, options);
    std::optional<Config> next;
    const auto end = service.run(
        [&] {
          if (!first) say("the new configuration is in force");
          ::sd_notify(0, "READY=1");
        },
        [&] {
          ::sd_notify(0, "RELOADING=1");
          next = reloaded(invocation.config_path);
          if (!next) ::sd_notify(0, "READY=1");
          return next.has_value();
        });
    if (end == Service::End::stopped) return kDone;
    config = std::move(*next);
  }
}

}  // namespace agent
