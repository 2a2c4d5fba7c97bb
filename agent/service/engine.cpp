#include "agent/service/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "actions/exim/exim_settings.h"
#include "agent/core/printable.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kReadBudget = std::size_t{4} << 20;  // a turn: lists wait no longer
// Of one log, before its blocks are written and the next log has its turn; and where nothing was
// to be written the last time, of a log that is alone.
constexpr std::size_t kShare = std::size_t{64} << 10;
constexpr std::size_t kCalmShare = std::size_t{256} << 10;
constexpr auto kTurn = 200ms;        // of reading: lists, other logs and signals wait no longer
constexpr auto kLook = 15s;          // beside inotify, for what it may have missed
constexpr auto kLookInTrouble = 1s;  // a log or list that can't be read
constexpr auto kPoll = 100ms;        // where inotify says nothing
constexpr auto kMetrics = 15s;
constexpr auto kExpiry = 5s;    // looking at every identity takes as long as saving them
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
      lists_(parts_.files, parts_.inotify, pipeline_.counting().lists(), exim_, !options_.dry_run,
             options_.say),
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

bool Engine::out_of_time() const {
  return options_.clock && options_.clock() - now_.steady >= kTurn;
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
  say_if_no_exim_user();
  lists_.open(state ? std::nullopt : std::optional(now.wall - longest_period()),
              saved.damaged && !state, false, pipeline_.counting(), now);
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

void Engine::say_if_no_exim_user() {
  if (exim_) return;
  options_.say(
      fmt::format("exim.user: this machine has no user \"{}\"; lists will be readable by all",
                  config_.exim.user));
}

// What looking at the lists has led to. What was freed must not come back by a crash; nor, if it
// goes while we are down, what was blocked.
void Engine::take_list_news() {
  auto news = lists_.take_news();
  if (news.changed) lists_changed_ = true;
  if (news.changed) checkpoints_.hurry();
  for (auto& decision : news.decisions) keep(std::move(decision));
}

void Engine::on_changes(Now now) {
  if (parts_.inotify == nullptr) return;
  parts_.inotify->drain([&](const Inotify::Change& change) {
    lists_.on_change(change);
    for (auto& follower : followers_) follower->on_change(change, now.wall);
  });
}

// What inotify has told of, and the rest from time to time. Lists before the log is read: what
// somebody freed starts counting with the next line.
void Engine::look_around(Now now) {
  const bool all = now.steady >= next_look_;
  lists_.look(pipeline_.counting(), now, all, behind_);
  take_list_news();
  if (!all) return;
  std::chrono::steady_clock::duration next = kLook;
  const auto sooner = [&](auto time) {
    next = std::min<std::chrono::steady_clock::duration>(next, time);
  };
  for (auto& follower : followers_) {
    follower->look(now.wall);
    if (follower->needs_polling()) sooner(kPoll);
    if (!follower->fault().empty()) sooner(kLookInTrouble);
  }
  if (lists_.unwatched()) sooner(kPoll);
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    if (!lists_.at(i).fault().empty()) sooner(kLookInTrouble);
  }
  next_look_ = now.steady + next;
}

// Several logs side by side, the one that is furthest back first: events of one identity count
// across logs, in the order of time.
bool Engine::read_logs(Now now) {
  std::vector<Follower*> open;
  for (auto& follower : followers_) open.push_back(follower.get());
  for (std::size_t spent = 0; !open.empty() && spent < kReadBudget && !out_of_time();) {
    const auto share = open.size() == 1 && !deciding_ ? kCalmShare : kShare;
    spent += share;
    const auto back = std::min_element(open.begin(), open.end(), [](auto* a, auto* b) {
      return a->newest_stamp() < b->newest_stamp();
    });
    if (!(*back)->read(share, now.steady)) open.erase(back);
    write_lists();
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
  if (counting.newest() && now.steady >= next_expiry_) {
    next_expiry_ = now.steady + kExpiry;
    counting.expire(std::min(*counting.newest(), now.wall), pipeline_.shown());
  }
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
    // Of what a list in doubt holds back it could not tell; that is over in a moment.
    const bool whole =
        decided_.empty() && !lists_.holds_blocks() && !pipeline_.counting().counts_beside();
    if (i == 0 && whole) checkpoints_.start_if_due(now.steady, [&] { return job(now, true); });
  }
  if (checkpoints_.out_of_patience(now.steady)) outbox_.release();
}

void Engine::tell_faults() {
  auto now = faults();
  if (!checkpoints_.fault().empty()) now.push_back(checkpoints_.fault());
  if (now == faults_told_) return;
  options_.on_faults(now);
  faults_told_ = std::move(now);
}

void Engine::save_anew() {
  options_.say(config_.state.directory + ": was removed and is made again");
  options_.on_faults(faults_told_);
  checkpoints_.hurry();
}

bool Engine::turn(Now now) {
  now_ = now;
  on_changes(now);
  look_around(now);
  look_at_tables(now);
  end_blocks(now);
  write_lists();
  hear_farm(now);
  if (!lists_.holds_logs() && decided_.empty()) behind_ = read_logs(now);
  end_blocks(now);
  write_lists();
  listen(now);
  for (const auto& news :
       tamper_alarm_.news(pipeline_.counters(), pipeline_.tagged(), now.steady)) {
    options_.say(news);
  }
  const bool more = tell_farm();
  if (!options_.dry_run) {
    save_and_send(now);
    tell_faults();
  }
  if (!decided_.empty()) return true;
  return more || (behind_ && !lists_.holds_logs());  // due() says when that is over
}

Engine::Steady Engine::due() const {
  auto until = next_look_;
  const auto sooner = [&](std::optional<Steady> time) {
    if (time) until = std::min(until, *time);
  };
  sooner(lists_.due());
  sooner(tables_.next_look());
  if (const auto end = pipeline_.counting().next_end())
    sooner(now_.steady + std::max<Steady::duration>(*end - now_.wall, 0s));
  if (options_.dry_run) return until;
  sooner(checkpoints_.due());
  sooner(outbox_.next_due());
  sooner(farm_due());
  return until;
}

void Engine::stop(Now now) {
  if (options_.dry_run) return;
  now_ = now;
  end_doubts();
  parts_.mailer.wait(kLastMail);
  outbox_.collect(now.steady);
  outbox_.take_back();
  if (!checkpoints_.write(now.steady, [&] { return job(now, true); }))
    options_.say("stopping without a checkpoint: what was read since the last one is read again");
}

// Nothing waits for a list any more that only waited for it to stay the same.
void Engine::end_doubts() {
  lists_.end_doubts(pipeline_.counting(), now_, behind_);
  take_list_news();
  do {
    write_lists();
  } while (!decided_.empty());
}

void Engine::reload(const Config& config, PipelineOptions around, LogTrust trust, Now now) {
  trust_ = std::move(trust);
  now_ = now;
  if (!options_.dry_run) end_doubts();
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
  lists_ = ListKeeper(parts_.files, parts_.inotify, pipeline_.counting().lists(), exim_,
                      !options_.dry_run, options_.say);
  lists_.restore(std::move(pending));
  drop_exempt();
  lists_.put_back_unsynced(unsynced);
  say_if_no_exim_user();
  lists_.open(std::nullopt, false, settled_, pipeline_.counting(), now);

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
