#include "agent/service/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/output/text_table.h"
#include "agent/values/duration.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kReadBudget = std::size_t{4} << 20;  // a turn: lists wait no longer
// Of one log, before its blocks are written and the next log has its turn; and where nothing was
// to be written the last time, of a log that is alone.
constexpr std::size_t kShare = std::size_t{64} << 10;
constexpr std::size_t kCalmShare = std::size_t{256} << 10;
constexpr auto kLook = 15s;          // beside inotify, for what it may have missed
constexpr auto kLookInTrouble = 1s;  // a list that can't be read
constexpr auto kPoll = 100ms;        // where inotify says nothing
constexpr auto kExpiry = 5s;         // looking at every identity takes as long as saving them
constexpr auto kLastMail = 5s;       // at a stop
// Who is undecided is said once the log has come to its end for so long, and not again before.
constexpr auto kUndecided = 1s;
constexpr auto kUndecidedAgain = 15min;

}  // namespace

Engine::Engine(const Config& config, PipelineOptions around, LogTrust trust, EngineParts parts,
               EngineOptions options)
    : context_{config, std::move(options), around.zone, std::move(trust)},
      parts_(std::move(parts)),
      pipeline_(context_.config, std::move(around)),
      exim_(actions::find_exim_user(context_.config.exim.user)),
      lists_(parts_.files, parts_.inotify, pipeline_.counting().lists(), exim_,
             !context_.options.dry_run, context_.options.say),
      checkpoints_(parts_.saver, context_.options.say),
      actions_(parts_.make_sender, context_.options.host, context_.options.say),
      announcer_(context_, pipeline_, lists_, checkpoints_, parts_.mailer, actions_),
      farm_(context_, parts_.farm, pipeline_, lists_, announcer_, checkpoints_),
      effects_(context_, pipeline_, lists_, announcer_, farm_, checkpoints_),
      logs_(context_, pipeline_, parts_.inotify),
      tables_(parts_.files, context_.options.say),
      exemptions_(context_, parts_.files, pipeline_, announcer_),
      reports_(context_) {
  tables_.follow(context_.config);
  if (!context_.options.dry_run) actions_.configure(context_.config.actions);
  pipeline_.on_end([this](const Counting::End& block) { effects_.end_block(block); });
  pipeline_.on_watch([this](Decision&& decision) { announcer_.near_limit(decision); });
  pipeline_.on_decision([this](Decision&& decision) { effects_.decide(std::move(decision)); });
}

void Engine::start(Now now, CheckpointFile::Loaded saved) {
  context_.now = now;
  auto& state = saved.state;
  if (state) restore(*state);
  reports_.configured();
  const bool known = state && logs_.has_positions();
  announcer_.silences().begin(now.wall);
  say_if_no_exim_user();
  lists_.open(state ? std::nullopt : std::optional(now.wall - context_.longest_period()),
              saved.damaged && !state, false, pipeline_.counting(), now);
  logs_.follow_new(now);
  // Before anything is read: a crash during the first catch-up must not move its beginning. What is
  // saved may tell it already.
  if (context_.options.dry_run) return;
  if (known) {
    checkpoints_.touch();
  } else {
    take_done(checkpoints_.write(now.steady, [&] { return job(); }));
  }
}

void Engine::restore(Checkpoint& state) {
  pipeline_.counting().restore(std::move(state.subjects), state.layout, state.newest);
  pipeline_.submissions().restore(std::move(state.submissions));
  pipeline_.tags().restore(state.tags);
  pipeline_.refusals().restore(state.refusals);
  lists_.restore(std::move(state.pending));
  drop_exempt();
  announcer_.outbox().restore(std::move(state.outbox), context_.now.steady);
  actions_.restore(state.actions, context_.now.steady);
  announcer_.trials().restore(std::move(state.trials));
  exemptions_.restore(std::move(state.told_ends));
  reports_.restore(state.report_told);
  announcer_.history().restore(std::move(state.history));
  announcer_.silences().restore(std::move(state.silences), context_.config.log.paths);
  farm_.restore(state);
  logs_.restore(std::move(state.positions));
}

bool Engine::turn(Now now) {
  context_.now = now;
  hear_changes();
  look_around();
  look_at_tables();
  effects_.end_due_blocks();
  effects_.write_lists();
  farm_.listen();
  if (!lists_.holds_logs() && !effects_.announcing()) context_.behind = read_logs();
  effects_.end_due_blocks();
  effects_.write_lists();
  announcer_.check_silence(logs_.bytes_read());
  announcer_.tell_trials();
  exemptions_.look();
  say_tampering();
  say_undecided();
  const bool more = farm_.report();
  if (!context_.options.dry_run) {
    save_and_send();
    tell_faults();
  }
  if (effects_.announcing()) return true;
  return more || (context_.behind && !lists_.holds_logs());  // due() says when that is over
}

Engine::Steady Engine::due() const {
  auto until = next_look_;
  const auto sooner = [&](std::optional<Steady> time) {
    if (time) until = std::min(until, *time);
  };
  sooner(lists_.due());
  sooner(tables_.next_look());
  const auto& now = context_.now;
  if (const auto end = pipeline_.counting().next_end())
    sooner(now.steady + std::max<Steady::duration>(*end - now.wall, 0s));
  if (const auto trials = announcer_.trials().due())
    sooner(now.steady + std::max<Steady::duration>(*trials - now.wall, 0s));
  if (const auto report = reports_.due())
    sooner(now.steady + std::max<Steady::duration>(*report - now.wall, 0s));
  sooner(undecided_due_);
  if (context_.options.dry_run) return until;
  sooner(checkpoints_.due());
  sooner(announcer_.outbox().next_due());
  sooner(actions_.next_due());
  sooner(announcer_.history().due());
  sooner(farm_.due());
  return until;
}

void Engine::hear_changes() {
  if (parts_.inotify == nullptr) return;
  bool written = false;
  parts_.inotify->drain([&](const Inotify::Change& change) {
    lists_.on_change(change);
    const bool in_log = logs_.on_change(change, context_.now.wall);
    written = written || (in_log && !lists_.changed());
  });
  // What lies unread was written after the change, unless inotify tells of a log first.
  older_unread_ = lists_.changed() && (written || logs_.needs_polling());
  if (lists_.unwatched()) next_look_ = std::min(next_look_, context_.now.steady + kPoll);
}

// What inotify has told of, and the rest from time to time. Lists before the log is read: what
// somebody freed starts counting with the next line.
void Engine::look_around() {
  const auto& now = context_.now;
  const bool all = now.steady >= next_look_;
  // Lines that lie there unread may be older than the change of a list that is seen now.
  const bool older = lists_.changed() ? older_unread_ : all;
  if (older && logs_.lag() > 0) context_.behind = true;
  effects_.look_at_lists(all);
  if (!all) return;
  Steady::duration next = kLook;
  const auto sooner = [&](Steady::duration time) { next = std::min(next, time); };
  if (const auto again = logs_.look(now.wall)) sooner(*again);
  if (lists_.unwatched()) sooner(kPoll);
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    if (!lists_.at(i).fault().empty()) sooner(kLookInTrouble);
  }
  next_look_ = now.steady + next;
}

void Engine::look_at_tables() {
  auto tables = tables_.look(context_.now);
  if (tables == nullptr) return;
  pipeline_.set_tables(context_.config, tables);
  context_.options.on_tables(std::move(tables));
  exemptions_.read_anew();
  drop_exempt();
}

void Engine::drop_exempt() {
  if (effects_.drop_exempt()) next_look_ = {};  // they are free again
}

void Engine::say_if_no_exim_user() const {
  if (exim_) return;
  context_.options.say(
      fmt::format("exim.user: this machine has no user \"{}\"; lists will be readable by all",
                  context_.config.exim.user));
}

// Several logs side by side, the one that is furthest back first: events of one identity count
// across logs, in the order of time.
bool Engine::read_logs() {
  const auto& now = context_.now;
  auto open = logs_.all();
  for (std::size_t spent = 0; !open.empty() && spent < kReadBudget && !context_.out_of_time();) {
    const auto share = open.size() == 1 && !effects_.deciding() ? kCalmShare : kShare;
    spent += share;
    const auto back = std::min_element(open.begin(), open.end(), [](auto* a, auto* b) {
      return a->newest_stamp() < b->newest_stamp();
    });
    if (!(*back)->read(share, now.steady)) open.erase(back);
    effects_.write_lists();
  }
  const bool more = !open.empty();
  if (pipeline_.counters().bytes != bytes_saved_) checkpoints_.touch();
  if (!more && !context_.settled) {
    context_.settled = true;
    farm_.lists_changed();
    lists_.settle(pipeline_.counting());
  }
  return more;
}

void Engine::say_tampering() {
  const auto news =
      tamper_alarm_.news(pipeline_.counters(), pipeline_.tagged(), context_.now.steady);
  for (const auto& text : news) context_.options.say(text);
}

// One line for each rule, however many senders there are.
void Engine::say_undecided() {
  const auto& now = context_.now;
  auto& counting = pipeline_.counting();
  if (!counting.has_undecided()) return undecided_due_.reset();
  if (context_.behind || !undecided_due_)
    undecided_due_ = std::max(now.steady + kUndecided, next_undecided_);
  if (now.steady < *undecided_due_) return;
  for (const auto& rule : counting.take_undecided()) {
    const auto period = duration_text(rule.period);
    context_.options.say(fmt::format(
        "rule {}: {} reached the limit of {} in {} in lines older than {}; not blocked: the log is "
        "read for the first time (\"exiwarden replay LOG\" shows them)",
        rule.rule, counted(rule.senders, "sender"), rule.limit, period, period));
  }
  undecided_due_.reset();
  next_undecided_ = now.steady + kUndecidedAgain;
}

void Engine::save_and_send() {
  const auto& now = context_.now;
  auto& outbox = announcer_.outbox();
  if (outbox.collect(now.steady)) checkpoints_.hurry();
  if (outbox.prepare(now.steady)) checkpoints_.hurry();
  if (actions_.collect(now.steady)) checkpoints_.hurry();
  if (actions_.prepare(now.steady)) checkpoints_.hurry();
  if (faults() != faults_saved_) checkpoints_.touch();
  if (const auto due = announcer_.history().due(); due && now.steady >= *due) checkpoints_.hurry();
  if (const auto due = reports_.due(); due && now.wall >= *due) checkpoints_.hurry();
  // Twice: what a saver on the spot has done is there at once.
  for (int i = 0; i < 2; ++i) {
    if (const auto done = checkpoints_.collect(now.steady)) {
      if (!done->saved) lists_.put_back_unsynced(done->lists);
      if (done->saved && covers_mail_) outbox.release();
      take_done(*done);
      covers_mail_ = false;
      actions_.covered(done->saved);
    }
    // Of what a list in doubt holds back it could not tell; that is over in a moment.
    const bool whole =
        !effects_.announcing() && !lists_.holds_blocks() && !pipeline_.counting().counts_beside();
    if (i == 0 && whole) checkpoints_.start_if_due(now.steady, [&] { return job(); });
  }
  if (!checkpoints_.out_of_patience(now.steady)) return;
  outbox.release();
  actions_.release();
}

void Engine::take_done(const CheckpointWriter::Done& done) {
  if (reports_.finish(done.report)) {
    announcer_.send({done.report, {}});
    checkpoints_.hurry();
  }
  auto& history = announcer_.history();
  if (!done.history) return history.put_back();
  if (!history.waiting().empty()) checkpoints_.touch();
  const auto text = history.finish(*done.history, context_.now.steady);
  if (!text.empty()) context_.options.say(printable(text));
}

SaveJob Engine::job() {
  SaveJob job;
  const auto state = snapshot();
  job.checkpoint = encode_checkpoint(state, pipeline_.counting().subjects());
  job.lists = lists_.take_unsynced();
  covers_mail_ = announcer_.outbox().prepared();
  actions_.cover();
  if (auto entries = announcer_.history().take_batch(context_.now.steady)) {
    job.history.emplace();
    job.history->entries = std::move(*entries);
    for (const auto& list : pipeline_.counting().lists()) {
      job.history->lists.push_back(
          {list.path, first_rule_of(context_.config, list.path), list.kind});
    }
    job.history->now = context_.now.wall;
    job.history->keep = context_.config.state.history_keep;
  }
  job.report = reports_.task(job, lists_, faults_saved_);
  const auto& metrics_path = context_.config.state.metrics;
  if (!metrics_path.empty()) {
    job.metrics_path = metrics_path;
    job.metrics = metrics_text(metrics());
  }
  return job;
}

// All but the subjects.
Checkpoint Engine::snapshot() {
  const auto& now = context_.now;
  Checkpoint state;
  state.positions = logs_.positions();
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
  state.outbox = announcer_.outbox().waiting();
  state.actions = actions_.waiting();
  state.told_ends = exemptions_.told();
  state.report_told = reports_.told();
  state.history = announcer_.history().waiting();
  state.trials = announcer_.trials().state();
  state.silences = announcer_.silences().state();
  farm_.save(state);
  state.faults = faults_saved_ = faults();
  bytes_saved_ = pipeline_.counters().bytes;
  return state;
}

void Engine::tell_faults() {
  auto now = faults();
  if (!checkpoints_.fault().empty()) now.push_back(checkpoints_.fault());
  if (now == faults_told_) return;
  context_.options.on_faults(now);
  faults_told_ = std::move(now);
}

void Engine::save_anew() {
  context_.options.say(context_.config.state.directory + ": was removed and is made again");
  context_.options.on_faults(faults_told_);
  checkpoints_.hurry();
}

void Engine::stop(Now now) {
  if (context_.options.dry_run) return;
  context_.now = now;
  effects_.end_doubts();
  parts_.mailer.wait(kLastMail);
  announcer_.outbox().collect(now.steady);
  announcer_.outbox().take_back();
  actions_.wait(kLastMail);
  actions_.collect(now.steady);
  actions_.take_back();
  const auto done = checkpoints_.write(now.steady, [&] { return job(); });
  take_done(done);
  if (!done.saved) {
    context_.options.say(
        "stopping without a checkpoint: what was read since the last one is read again");
  }
}

void Engine::reload(const Config& config, PipelineOptions around, LogTrust trust, Now now) {
  context_.trust = std::move(trust);
  context_.now = now;
  if (!context_.options.dry_run) effects_.end_doubts();
  context_.zone = around.zone;
  context_.config = config;
  logs_.reconfigured();
  pipeline_.reconfigure(context_.config, std::move(around));
  farm_.reconfigured();
  tables_.follow(context_.config);
  remake_lists();
  logs_.follow_new(now);
  parts_.mailer.configure(context_.config.notify);
  reports_.configured();
  announcer_.outbox().set_max_per_hour(context_.config.notify.max_per_hour);
  if (!context_.options.dry_run) actions_.configure(context_.config.actions);
  next_look_ = {};
  checkpoints_.hurry();
}

void Engine::remake_lists() {
  exim_ = actions::find_exim_user(context_.config.exim.user);
  auto pending = lists_.pending();
  const auto unsynced = lists_.take_unsynced();
  lists_ = ListKeeper(parts_.files, parts_.inotify, pipeline_.counting().lists(), exim_,
                      !context_.options.dry_run, context_.options.say);
  lists_.restore(std::move(pending));
  drop_exempt();
  lists_.put_back_unsynced(unsynced);
  say_if_no_exim_user();
  lists_.open(std::nullopt, false, context_.settled, pipeline_.counting(), context_.now);
}

Metrics Engine::metrics() const {
  const auto& counting = pipeline_.counting();
  const auto& outbox = announcer_.outbox();
  const auto logs = logs_.counters();
  Metrics metrics;
  metrics.reader = pipeline_.counters();
  metrics.charged = pipeline_.charged();
  metrics.tagged = pipeline_.tagged();
  metrics.messages = pipeline_.submissions().size();
  metrics.messages_forgotten = pipeline_.submissions().forgotten();
  metrics.decisions = announcer_.decisions();
  metrics.trial_decisions = announcer_.trial_decisions();
  metrics.watched = announcer_.near_limits();
  metrics.blocks_ended = effects_.blocks_ended();
  metrics.identities = counting.identities();
  metrics.crowded_out = counting.crowded_out();
  metrics.lag_bytes = logs_.lag();
  metrics.log_fault = !logs_.faults().empty();
  metrics.rotations = logs.rotations;
  metrics.truncations = logs.truncations;
  metrics.missing_files = logs.missing;
  metrics.outbox = outbox.size();
  metrics.mails = outbox.mails();
  metrics.notices_dropped = outbox.dropped();
  metrics.actions = actions_.figures();
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    const auto& list = lists_.at(i);
    metrics.pending_blocks += list.pending().waiting().size();
    metrics.blocks_dropped += list.dropped();
    metrics.blocks_unfit += list.unfit();
    metrics.lists.push_back({list.path(), list.entries(), !list.fault().empty()});
  }
  metrics.exim_asked = !context_.trust.why_not;
  for (const auto& doubt : context_.trust.doubts)
    metrics.doubtful_settings.push_back(doubt.setting);
  for (const auto& [path, silence] : announcer_.silences().state())
    metrics.silent.emplace_back(path, silence.alarmed);
  metrics.state_fault = !checkpoints_.fault().empty();
  metrics.history_fault = !announcer_.history().fault().empty();
  metrics.history_left_out = announcer_.history().left_out();
  metrics.notify_fault = !outbox.fault().empty();
  if (const auto newest = counting.newest())
    metrics.newest_event = newest->time_since_epoch().count();
  metrics.farm = farm_.metrics();
  if (context_.options.frozen) metrics.frozen = context_.options.frozen();
  if (metrics.frozen && metrics.frozen->oldest)
    metrics.frozen_until = kept_until(context_.trust.keeping, *metrics.frozen->oldest);
  return metrics;
}

std::vector<std::string> Engine::faults() const {
  auto faults = logs_.faults();
  const auto add = [&](const std::string& fault) {
    if (!fault.empty()) faults.push_back(fault);
  };
  for (std::size_t i = 0; i < lists_.size(); ++i) add(lists_.at(i).fault());
  add(tables_.fault());
  const auto& mail = announcer_.outbox().fault();
  if (!mail.empty()) add("notices: " + mail);
  for (const auto& fault : actions_.faults()) add(fault);
  const auto& history = announcer_.history();
  const auto left_out = history.left_out();
  if (!history.fault().empty()) {
    add("history: " + history.fault() +
        (left_out == 0 ? "" : "; " + counted(left_out, "entry", "entries") + " left out"));
  }
  add(farm_.fault());
  if (context_.options.frozen) {
    if (const auto frozen = context_.options.frozen())
      add(frozen_warning(*frozen, context_.trust.keeping, context_.now.wall));
  }
  return faults;
}

}  // namespace agent
