#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>

#include "actions/exim/exim_access.h"
#include "agent/commands/command.h"
#include "agent/config/config_file.h"
#include "agent/config/host_facts.h"
#include "agent/core/printable.h"
#include "agent/output/decision_text.h"
#include "agent/service/journal.h"
#include "agent/service/process_start.h"
#include "agent/service/queue_freezer.h"
#include "agent/service/scheduling.h"
#include "agent/service/service.h"
#include "agent/service/service_manager.h"
#include "agent/state/single_instance.h"

namespace agent {
namespace {

void say(const std::string& text) {
  if (journal_is_there() && send_to_journal(text, 5)) return;
  fmt::print(stderr, "exiwarden: {}\n", printable(text));
}

// What the service needs, from a configuration and this machine; what is wrong with it is said.
// `meanwhile` runs while Exim is asked, if nothing is wrong.
std::optional<Service::Setup> setup_for(
    Config config, const std::function<void()>& meanwhile = [] {}) {
  auto around = pipeline_options_for(config);
  if (const auto* problem = std::get_if<std::string>(&around)) {
    say(*problem);
    return std::nullopt;
  }
  // No thread to be had: then it is asked at get().
  auto asked = std::async(std::launch::async | std::launch::deferred, ask_exim, config.exim.binary);
  meanwhile();
  auto trust = asked.get();
  if (trust.why_not)
    say(*trust.why_not + "; whether Exim's settings make its log untrustworthy is not known");
  for (const auto& doubt : trust.doubts) say(fmt::format("exim: {}; {}", doubt.what, doubt.advice));
  auto& options = std::get<PipelineOptions>(around);
  if (trust.junk_helo) options.junk_helo = true;
  return Service::Setup{std::move(config), std::move(options), std::move(trust)};
}

// A new configuration, if it is wholly good and says the same of what can't change in the midst.
std::optional<Service::Setup> reloaded(const std::string& path, const std::string& state,
                                       bool alone) {
  auto loaded = load_config(path);
  std::optional<Service::Setup> setup;
  if (const auto* problems = std::get_if<1>(&loaded)) {
    for (const auto& problem : *problems) say(describe(problem));
  } else if (std::get<Config>(loaded).farm.url.empty() != alone) {
    say(alone ? "farm.url: this service counts alone; joining a farm takes a restart"
              : "farm.url: leaving the farm takes a restart");
  } else if (std::get<Config>(loaded).state.directory != state) {
    say(fmt::format("state.directory: is {} now; that takes a restart", state));
  } else {
    setup = setup_for(std::get<Config>(std::move(loaded)));
  }
  if (!setup) say("the configuration stays as it was");
  return setup;
}

// Whether messages in the queue are to be frozen; says so if they should be but can't.
bool freezes(const Config& config) {
  if (config.exim.freeze_queued == Tristate::no) return false;
  const bool may = may_freeze(actions::find_exim_user(config.exim.user));
  if (!may && config.exim.freeze_queued == Tristate::yes)
    say("exim.freeze_queued: Exim takes such orders from root and its own user only");
  return may;
}

}  // namespace

Exit run_service(const Invocation& invocation) {
  start_as_service();
  hold_signals();
  const Config& config = invocation.config;
  actions::PosixFiles files;
  EngineOptions options;
  options.host = host_name();
  options.config_path =
      invocation.config_path == "/etc/exiwarden/exiwarden.toml" ? "" : invocation.config_path;
  options.dry_run = invocation.options.count("dry-run") > 0;
  options.say = say;
  options.on_watch = [](const Decision& decision, const Zone& zone) {
    if (journal_is_there() && send_to_journal(journal_fields(decision, News::watched, zone)))
      return;
    say("watch: " + text_of(decision, zone));
  };
  options.on_decision = [&](const Decision& decision, const Zone& zone) {
    if (invocation.output == Output::text && journal_is_there() &&
        send_to_journal(journal_fields(decision, News::blocked, zone))) {
      return;
    }
    const auto record = row_of(decision, zone);
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
  std::optional<SingleInstance> only;
  if (!options.dry_run) {
    auto claimed = SingleInstance::claim(config.state.directory);
    if (!claimed) {
      say(claimed.error().what);
      return claimed.error().code == actions::Errc::timeout ? kUnavailable : kCantCreate;
    }
    only.emplace(std::move(claimed.value()));
  }
  CheckpointFile::Loaded saved;
  auto setup = setup_for(config, [&] {
    if (!options.dry_run) saved = CheckpointFile(files, config.state.directory).load(say);
  });
  if (!setup) return kBadConfig;
  std::optional<Freezer> freezer;
  const auto start_freezer = [&](const Config& current,
                                 std::shared_ptr<const IdentityTables> tables) {
    freezer.reset();
    if (options.dry_run || !freezes(current)) return;
    freezer.emplace(current.exim.binary, files, std::move(tables), say);
    freeze_again(*freezer, current, files,
                 std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  };
  options.on_decision = [&, print = options.on_decision](const Decision& decision,
                                                         const Zone& zone) {
    print(decision, zone);
    if (freezer)
      freezer->freeze(decision.identity_kind, decision.identity, decision.list,
                      decision.time - decision.period);
  };
  options.on_faults = [&](const std::vector<std::string>& faults) {
    if (only) only->tell(faults);
  };
  options.on_tables = [&](std::shared_ptr<const IdentityTables> tables) {
    if (freezer) freezer->set_tables(std::move(tables));
  };
  start_freezer(config, setup->around.tables);
  Service service(std::move(*setup), files, options);
  (void)ask_for_short_slices();  // after the service's other threads are there
  bool first = true;
  const auto end = service.run(
      std::move(saved),
      [&] {
        if (!first) say("the new configuration is in force");
        first = false;
        tell_service_manager("READY=1");
      },
      [&] {
        tell_service_manager("RELOADING=1");
        auto next =
            reloaded(invocation.config_path, config.state.directory, config.farm.url.empty());
        if (next) {
          start_freezer(next->config, next->around.tables);
        } else {
          tell_service_manager("READY=1");
        }
        return next;
      },
      [&] { return !only ? SingleInstance::Claim::held : only->renew(); });
  if (end == Service::End::unclaimed) {
    say(config.state.directory + ": another service works on it now; stopping, nothing is saved");
    std::fflush(stdout);
    ::_exit(kUnavailable);
  }
  if (service.mail_under_way()) {
    // All is saved; a mail server that does not answer must not hold up the end.
    std::fflush(stdout);
    ::_exit(kDone);
  }
  return kDone;
}

}  // namespace agent
