#include "agent/service/engine.h"

#include <fmt/format.h>
#include <sys/inotify.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

#include "actions/exim/exim_settings.h"
#include "agent/core/printable.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kReadBudget = std::size_t{4} << 20;  // a turn: lists wait no longer
constexpr std::size_t kShare =
    std::size_t{64} * 1024;          // of one log among several, which are read side by side
constexpr auto kLook = 15s;          // beside inotify, for what it may have missed
constexpr auto kLookInTrouble = 1s;  // a log or list that can't be read
constexpr auto kPoll = 100ms;        // where inotify says nothing
constexpr auto kRetry = 1s;
constexpr auto kMetrics = 15s;
constexpr auto kLastMail = 5s;  // at a stop
constexpr std::size_t kMaxParked = 64;

bool knows_all(const std::vector<LogPosition>& positions, const std::vector<std::string>& paths) {
  return std::all_of(paths.begin(), paths.end(), [&](const std::string& path) {
    return std::any_of(positions.begin(), positions.end(),
                       [&](const LogPosition& position) { return position.path == path; });
  });
}

}  // namespace

Engine::Engine(const Config& config, PipelineOptions around, LogTrust trust, EngineParts parts,
               EngineOptions options)
    : config_(config),
      parts_(parts),
      options_(std::move(options)),
      zone_(around.zone),
      pipeline_(config_, std::move(around)),
      exim_(actions::find_exim_user(config_.exim.user)),
      lists_(parts_.files, pipeline_.counting().lists(), exim_, options_.say),
      tables_(parts_.files, options_.say),
      outbox_(parts_.mailer, options_.host, config_.notify.max_per_hour, options_.say),
      checkpoints_(parts_.saver, options_.say),
      trust_(std::move(trust)) {
  tables_.follow(config_);
  if (parts_.farm != nullptr) {
    farm_.emplace(config_, *parts_.farm, farm_host());
  }
  watch_counts();
  pipeline_.on_end([this](const Counting::End& block) { end_block(block); });
  pipeline_.on_watch([this](Decision&& decision) { watch(decision); });
  pipeline_.on_decision([this](Decision&& decision) { decide(std::move(decision)); });
}

std::chrono::seconds Engine::longest_period() const {
  std::chrono::seconds longest{0};
  for (const auto& rule : config_.rules) longest = std::max(longest, rule.period);
  return longest;
}

void Engine::start(Now now, CheckpointFile::Loaded saved) {
  now_ = now;
  auto& state = saved.state;
  const bool known = state && knows_all(state->positions, config_.log.paths);
  if (state) {
    pipeline_.counting().restore(std::move(state->subjects), state->layout, state->newest);
    pipeline_.submissions().restore(std::move(state->submissions));
    pipeline_.tags().restore(state->tags);
    pipeline_.refusals().restore(state->refusals);
    lists_.restore(std::move(state->pending));
    drop_exempt();
    outbox_.restore(std::move(state->outbox), now.steady);
    silences_.restore(std::move(state->silences), config_.log.paths);
    if (farm_) farm_->restore(state->farm_words, state->layout.lists);
    parked_ = std::move(state->positions);
  }
  silences_.begin(now.wall);
  open_lists();
  lists_.adopt(pipeline_.counting(),
               state ? std::nullopt : std::optional(now.wall - longest_period()),
               saved.damaged && !state, now);
  for (const auto& path : config_.log.paths) follow(path, std::exchange(parked_, {}), now);
  // Before anything is read: a crash during the first catch-up must not move its beginning. What is
  // saved may tell it already.
  if (options_.dry_run) return;
  if (known) {
    checkpoints_.touch();
  } else {
    checkpoints_.write(now.steady, [&] { return job(now, true); });
  }
}

// `saved` may hold positions of other logs too: those are parked again.
void Engine::follow(const std::string& path, const std::vector<LogPosition>& saved, Now now) {
  std::vector<LogPosition> mine;
  for (const auto& position : saved) (position.path == path ? mine : parked_).push_back(position);
  if (parked_.size() > kMaxParked)
    parked_.erase(parked_.begin(), parked_.end() - static_cast<std::ptrdiff_t>(kMaxParked));
  followers_.push_back(std::make_unique<Follower>(path, config_.log.olddirs, zone_, pipeline_,
                                                  parts_.inotify, options_.say));
  // What may decide is one period old; what it is counted with, two.
  followers_.back()->resume(mine, now.wall - 2 * longest_period(), now.wall);
}

void Engine::open_lists() {
  if (!exim_)
    options_.say(
        fmt::format("exim.user: this machine has no user \"{}\"; lists will be readable by all",
                    config_.exim.user));
  list_watches_.assign(lists_.size(), -1);
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    const auto directory = std::filesystem::path(lists_.path(i)).parent_path();
    if (!options_.dry_run) {
      const auto made = actions::make_directory(exim_, directory.string());
      if (!made) options_.say(made.error().what);
      if (made && made.value()) options_.say(fmt::format("created {}", directory.string()));
    }
    if (parts_.inotify == nullptr) continue;
    const auto watch = parts_.inotify->watch_directory(directory.string());
    if (watch) {
      list_watches_[i] = watch.value();
    } else {
      options_.say(watch.error().what + "; looking at the list from time to time instead");
    }
  }
}

void Engine::look_at_tables(Now now) {
  auto tables = tables_.look(now.steady);
  if (tables == nullptr) return;
  pipeline_.set_tables(config_, tables);
  options_.on_tables(std::move(tables));
  drop_exempt();
}

// Who is exempt by now is not to be blocked for what could not be written before.
void Engine::drop_exempt() {
  const auto& read = pipeline_.options().tables;
  const auto tables = read ? read : IdentityTables::without_files(config_);
  const auto exempt = [&](const PendingBlock& block) { return tables->exempts(block.identity); };
  if (!lists_.drop_pending(exempt)) return;
  checkpoints_.hurry();
  next_look_ = {};  // they are free again
}

void Engine::look_at_list(std::size_t list, Now now, bool fully) {
  if (options_.dry_run) return;
  const auto pending = lists_.pending().size();
  const auto seen = lists_.look(list, pipeline_.counting(), now, fully, behind_);
  // What was freed must not come back by a crash; nor, if it goes while we are down, what was
  // blocked.
  lists_changed_ = lists_changed_ || seen.changed;
  if (seen.changed || lists_.pending().size() != pending) checkpoints_.hurry();
}

void Engine::on_changes(Now now) {
  if (parts_.inotify == nullptr) return;
  std::vector<bool> changed(lists_.size());
  parts_.inotify->drain([&](const Inotify::Change& change) {
    for (std::size_t i = 0; i < lists_.size(); ++i) {
      const auto name = std::filesystem::path(lists_.path(i)).filename();
      const bool here = change.watch == list_watches_[i] && change.name == name.string();
      if (here || (change.mask & IN_Q_OVERFLOW) != 0) changed[i] = true;
      if (change.watch == list_watches_[i] && (change.mask & IN_IGNORED) != 0)
        list_watches_[i] = -1;
    }
    for (auto& follower : followers_) follower->on_change(change, now.wall);
  });
  // Before the log is read: what somebody freed starts counting with the next line.
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    if (changed[i]) look_at_list(i, now, false);
  }
}

// Beside what inotify says.
void Engine::look_around(Now now) {
  const auto settling = lists_.next_look();
  if (settling && now.steady >= *settling) {
    for (std::size_t i = 0; i < lists_.size(); ++i) look_at_list(i, now, false);
  }
  if (now.steady < next_look_) return;
  std::chrono::steady_clock::duration next = kLook;
  const auto sooner = [&](auto time) {
    next = std::min<std::chrono::steady_clock::duration>(next, time);
  };
  for (auto& follower : followers_) {
    follower->look(now.wall);
    if (follower->needs_polling()) sooner(kPoll);
    if (!follower->fault().empty()) sooner(kLookInTrouble);
  }
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    look_at_list(i, now, true);
    if (list_watches_[i] < 0) sooner(kPoll);
    if (!lists_.fault(i).empty()) sooner(kLookInTrouble);
  }
  next_look_ = now.steady + next;
}

// Several logs side by side, the one that is furthest back first: events of one identity count
// across logs, in the order of time.
bool Engine::read_logs(Now now) {
  std::vector<Follower*> open;
  for (auto& follower : followers_) open.push_back(follower.get());
  const auto share = open.size() == 1 ? kReadBudget : kShare;
  for (std::size_t spent = 0; !open.empty() && spent < kReadBudget; spent += share) {
    const auto back = std::min_element(open.begin(), open.end(), [](auto* a, auto* b) {
      return a->newest_stamp() < b->newest_stamp();
    });
    if (!(*back)->read(share, now.steady)) open.erase(back);
  }
  const bool more = !open.empty();
  if (pipeline_.counters().bytes != bytes_saved_) checkpoints_.touch();
  if (!more && !settled_) {
    settled_ = lists_changed_ = true;
    lists_.settle(pipeline_.counting());
  }
  return more;
}

// All but the subjects.
Checkpoint Engine::snapshot(Now now) {
  Checkpoint state;
  state.positions = parked_;
  for (auto& follower : followers_) {
    for (auto& position : follower->positions()) state.positions.push_back(std::move(position));
  }
  auto& counting = pipeline_.counting();
  // By a stamp from the future alone nothing ends.
  if (counting.newest()) counting.expire(std::min(*counting.newest(), now.wall), pipeline_.shown());
  state.layout = counting.layout();
  state.newest = counting.newest();
  state.submissions = pipeline_.submissions().all();
  state.tags = pipeline_.tags().seen();
  state.refusals = pipeline_.refusals().addresses();
  state.pending = lists_.pending();
  state.outbox = outbox_.waiting();
  state.silences = silences_.state();
  save_farm(state);
  state.faults = faults_saved_ = faults();
  bytes_saved_ = pipeline_.counters().bytes;
  return state;
}

SaveJob Engine::job(Now now, bool with_checkpoint) {
  SaveJob job;
  if (with_checkpoint) {
    const auto state = snapshot(now);
    job.checkpoint = encode_checkpoint(state, pipeline_.counting().subjects());
    job.lists = lists_.take_unsynced();
    covers_mail_ = outbox_.prepared();
  }
  if (!config_.state.metrics.empty()) {
    job.metrics_path = config_.state.metrics;
    job.metrics = metrics_text(metrics());
  }
  next_metrics_ = now.steady + kMetrics;
  return job;
}

void Engine::save_and_send(Now now) {
  if (outbox_.collect(now.steady)) checkpoints_.hurry();
  if (outbox_.prepare(now.steady)) checkpoints_.hurry();
  if (faults() != faults_saved_) checkpoints_.touch();
  // Twice: what a saver on the spot has done is there at once.
  for (int i = 0; i < 2; ++i) {
    if (const auto done = checkpoints_.collect(now.steady)) {
      if (!done->saved) lists_.put_back_unsynced(done->lists);
      if (done->saved && covers_mail_) outbox_.release();
      covers_mail_ = false;
    }
    if (i == 0) checkpoints_.start_if_due(now.steady, [&] { return job(now, true); });
  }
  if (checkpoints_.out_of_patience(now.steady)) outbox_.release();
}

bool Engine::turn(Now now) {
  now_ = now;
  on_changes(now);
  look_around(now);
  look_at_tables(now);
  end_blocks(now);
  if (lists_.waits() && now.steady >= next_retry_) {
    const auto pending = lists_.pending().size();
    lists_.retry();
    next_retry_ = now.steady + kRetry;
    if (lists_.pending().size() != pending) checkpoints_.hurry();
  }
  hear_farm(now);
  if (!lists_.settling()) behind_ = read_logs(now);
  end_blocks(now);
  listen(now);
  for (const auto& news :
       tamper_alarm_.news(pipeline_.counters(), pipeline_.tagged(), now.steady)) {
    options_.say(news);
  }
  const bool more = tell_farm();
  if (!options_.dry_run) save_and_send(now);
  return more || (behind_ && !lists_.settling());  // due() says when that is over
}

Engine::Steady Engine::due() const {
  auto until = next_look_;
  const auto sooner = [&](std::optional<Steady> time) {
    if (time) until = std::min(until, *time);
  };
  sooner(lists_.next_look());
  sooner(tables_.next_look());
  if (const auto end = pipeline_.counting().next_end())
    sooner(now_.steady + std::max<Steady::duration>(*end - now_.wall, 0s));
  if (options_.dry_run) return until;
  sooner(checkpoints_.due());
  sooner(outbox_.next_due());
  sooner(farm_due());
  if (lists_.waits()) sooner(next_retry_);
  return until;
}

void Engine::stop(Now now) {
  if (options_.dry_run) return;
  parts_.mailer.wait(kLastMail);
  outbox_.collect(now.steady);
  outbox_.take_back();
  if (!checkpoints_.write(now.steady, [&] { return job(now, true); }))
    options_.say("stopping without a checkpoint: what was read since the last one is read again");
}

void Engine::reload(const Config& config, PipelineOptions around, LogTrust trust, Now now) {
  trust_ = std::move(trust);
  now_ = now;
  zone_ = around.zone;
  config_ = config;
  for (auto& follower : followers_) {
    const auto& paths = config_.log.paths;
    follower->reconfigured(zone_, config_.log.olddirs);
    if (std::find(paths.begin(), paths.end(), follower->path()) != paths.end()) continue;
    for (auto& position : follower->positions()) parked_.push_back(std::move(position));
    gone_ += follower->counters();
    follower.reset();
  }
  std::erase(followers_, nullptr);
  pipeline_.reconfigure(config_, std::move(around));
  watch_counts();
  if (farm_) farm_->configure(config_, farm_host());
  lists_changed_ = true;
  tables_.follow(config_);
  exim_ = actions::find_exim_user(config_.exim.user);

  auto pending = lists_.pending();
  const auto unsynced = lists_.take_unsynced();
  lists_ = Lists(parts_.files, pipeline_.counting().lists(), exim_, options_.say);
  lists_.restore(std::move(pending));
  drop_exempt();
  lists_.put_back_unsynced(unsynced);
  open_lists();
  lists_.adopt(pipeline_.counting(), std::nullopt, false, now);
  if (settled_) lists_.settle(pipeline_.counting());

  for (const auto& path : config_.log.paths) {
    const bool followed = std::any_of(followers_.begin(), followers_.end(),
                                      [&](const auto& known) { return known->path() == path; });
    if (!followed) follow(path, std::exchange(parked_, {}), now);
  }
  parts_.mailer.configure(config_.notify);
  outbox_.set_max_per_hour(config_.notify.max_per_hour);
  next_look_ = {};
  checkpoints_.hurry();
}

}  // namespace agent
