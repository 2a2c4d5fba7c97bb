#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>

#include "actions/exim/exim_access.h"
#include "actions/posix_files.h"
#include "agent/commands/command.h"
#include "agent/config/config_file.h"
#include "agent/config/host_facts.h"
#include "agent/output/complain.h"
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
  complain(text);
}

// What the service needs, from a configuration and this machine; what is wrong with it is said.
// `meanwhile` runs while Exim is asked, if nothing is wrong.
std::optional<Service::Setup> setup_for(
    Config config, const std::function<void()>& meanwhile = [] {}) {
  auto around = pipeline_options_for(config);
  if (!around) {
    say(around.error());
    return std::nullopt;
  }
  // No thread to be had: then it is asked at get().
  auto asked = std::async(std::launch::async | std::launch::deferred, ask_exim, config.exim.binary);
  meanwhile();
  auto trust = asked.get();
  if (trust.why_not)
    say(*trust.why_not + "; whether Exim's settings make its log untrustworthy is not known");
  for (const auto& doubt : trust.doubts) say(fmt::format("exim: {}; {}", doubt.what, doubt.advice));
  auto& options = around.value();
  if (trust.junk_helo) options.junk_helo = true;
  return Service::Setup{std::move(config), std::move(options), std::move(trust)};
}

// A new configuration, if it is wholly good and says the same of what can't change in the midst.
std::optional<Service::Setup> reloaded(const std::string& path, const std::string& state,
                                       bool alone) {
  auto loaded = load_config(path);
  std::optional<Service::Setup> setup;
  if (!loaded) {
    for (const auto& problem : loaded.error()) say(describe(problem));
  } else if (loaded->farm.url.empty() != alone) {
    say(alone ? "farm.url: this service counts alone; joining a farm takes a restart"
              : "farm.url: leaving the farm takes a restart");
  } else if (loaded->state.directory != state) {
    say(fmt::format("state.directory: is {} now; that takes a restart", state));
  } else {
    setup = setup_for(std::move(loaded).value());
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

void say_near_limit(const Decision& decision, const Zone& zone) {
  if (journal_is_there() && send_to_journal(journal_fields(decision, News::watched, zone))) return;
  say("watch: " + text_of(decision, zone));
}

void print_decision(const Decision& decision, const Zone& zone, Output output) {
  if (output == Output::text && journal_is_there() &&
      send_to_journal(journal_fields(
          decision, decision.mode == RuleMode::trial ? News::trial : News::blocked, zone))) {
    return;
  }
  const auto row = row_of(decision, zone);
  fmt::print("{}\n", output == Output::jsonl ? row.json()
                     : output == Output::csv ? row.csv()
                                             : text_of(decision, zone));
  std::fflush(stdout);
}

// One run of the service: what it holds from its start to its end.
class ServiceRun {
 public:
  explicit ServiceRun(const Invocation& invocation)
      : invocation_(invocation),
        config_(invocation.config),
        dry_run_(invocation.options.count("dry-run") > 0) {}

  Exit run();

 private:
  [[nodiscard]] EngineOptions engine_options();
  [[nodiscard]] std::optional<Exit> make_state_directory() const;
  [[nodiscard]] std::optional<Exit> claim_state_directory();
  void load_checkpoint();
  void start_freezer(const Config& config, std::shared_ptr<const IdentityTables> tables);
  void freeze(const Decision& decision);
  void ready();
  std::optional<Service::Setup> reload();
  [[nodiscard]] Exit finish(Service::End end, bool mail_under_way) const;

  const Invocation& invocation_;
  const Config& config_;
  bool dry_run_;
  actions::PosixFiles files_;
  std::optional<SingleInstance> only_;  // nullopt: a dry run
  CheckpointFile::Loaded saved_;
  std::optional<Freezer> freezer_;
  bool was_ready_ = false;
};

Exit ServiceRun::run() {
  start_as_service();
  hold_signals();
  if (invocation_.output == Output::csv) {
    fmt::print("{}\n", row_of(Decision(), Zone::utc()).csv_header());
    std::fflush(stdout);
  }
  if (const auto failed = make_state_directory()) return *failed;
  if (const auto failed = claim_state_directory()) return *failed;
  auto setup = setup_for(config_, [&] { load_checkpoint(); });
  if (!setup) return kBadConfig;
  start_freezer(config_, setup->around.tables);
  Service service(std::move(*setup), files_, engine_options());
  (void)ask_for_short_slices();  // after the service's other threads are there
  const auto claimed = [&] { return !only_ ? SingleInstance::Claim::held : only_->renew(); };
  const auto end =
      service.run(std::move(saved_), [&] { ready(); }, [&] { return reload(); }, claimed);
  return finish(end, service.mail_under_way());
}

EngineOptions ServiceRun::engine_options() {
  EngineOptions options;
  options.host = host_name();
  const auto& path = invocation_.config_path;
  options.config_path = path == "/etc/exiwarden/exiwarden.toml" ? "" : path;
  options.dry_run = dry_run_;
  options.say = say;
  options.on_watch = say_near_limit;
  options.on_decision = [this](const Decision& decision, const Zone& zone) {
    print_decision(decision, zone, invocation_.output);
    freeze(decision);
  };
  options.on_faults = [this](const std::vector<std::string>& faults) {
    if (only_) only_->tell(faults);
  };
  options.frozen = [this] { return freezer_ ? freezer_->surveyed() : std::nullopt; };
  options.on_tables = [this](std::shared_ptr<const IdentityTables> tables) {
    if (freezer_) freezer_->set_tables(std::move(tables));
  };
  return options;
}

std::optional<Exit> ServiceRun::make_state_directory() const {
  if (dry_run_) return std::nullopt;
  const auto& directory = config_.state.directory;
  const auto made = actions::make_directory(std::nullopt, directory);
  if (made && ::access(directory.c_str(), W_OK | X_OK) == 0) return std::nullopt;
  say(fmt::format("state.directory: {}",
                  made ? directory + ": can't be written to" : made.error().what));
  return kCantCreate;
}

std::optional<Exit> ServiceRun::claim_state_directory() {
  if (dry_run_) return std::nullopt;
  auto claimed = SingleInstance::claim(config_.state.directory);
  if (!claimed) {
    say(claimed.error().what);
    return claimed.error().code == actions::Errc::timeout ? kUnavailable : kCantCreate;
  }
  only_.emplace(std::move(claimed.value()));
  return std::nullopt;
}

void ServiceRun::load_checkpoint() {
  if (!dry_run_) saved_ = CheckpointFile(files_, config_.state.directory).load(say);
}

void ServiceRun::start_freezer(const Config& config, std::shared_ptr<const IdentityTables> tables) {
  freezer_.reset();
  if (dry_run_ || !freezes(config)) return;
  freezer_.emplace(config.exim.binary, files_, std::move(tables), say);
  freeze_again(*freezer_, config, files_,
               std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  std::vector<std::pair<IdentityKind, std::string>> lists;
  for (const auto& rule : config.rules) {
    if (rule.mode == RuleMode::block) lists.emplace_back(rule.identity, rule.list);
  }
  std::sort(lists.begin(), lists.end());
  lists.erase(std::unique(lists.begin(), lists.end()), lists.end());
  freezer_->survey(std::move(lists));
}

void ServiceRun::freeze(const Decision& decision) {
  if (freezer_ && decision.mode == RuleMode::block) {
    freezer_->freeze(decision.identity_kind, decision.identity, decision.list,
                     decision.time - decision.period);
  }
}

void ServiceRun::ready() {
  if (was_ready_) say("the new configuration is in force");
  was_ready_ = true;
  tell_service_manager("READY=1");
}

std::optional<Service::Setup> ServiceRun::reload() {
  tell_service_manager("RELOADING=1");
  auto next = reloaded(invocation_.config_path, config_.state.directory, config_.farm.url.empty());
  if (next) {
    start_freezer(next->config, next->around.tables);
  } else {
    tell_service_manager("READY=1");
  }
  return next;
}

Exit ServiceRun::finish(Service::End end, bool mail_under_way) const {
  if (end == Service::End::unclaimed) {
    say(config_.state.directory + ": another service works on it now; stopping, nothing is saved");
    std::fflush(stdout);
    ::_exit(kUnavailable);
  }
  if (mail_under_way) {
    // All is saved; a mail server that does not answer must not hold up the end.
    std::fflush(stdout);
    ::_exit(kDone);
  }
  return kDone;
}

}  // namespace

Exit run_service(const Invocation& invocation) {
  return ServiceRun(invocation).run();
}

}  // namespace agent
