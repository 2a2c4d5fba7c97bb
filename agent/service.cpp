#include "agent/service.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "agent/metrics.h"
#include "agent/printable.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kReadBudget = std::size_t{4}
                                    << 20;  // per log and turn: signals and lists wait no longer
constexpr auto kLook = 15s;                 // beside inotify, for what it may have missed
constexpr auto kLookInTrouble = 1s;  // a log or list that can't be read, a rotation under way
constexpr auto kSave = 10s;
constexpr auto kRetry = 1s;
constexpr auto kMetrics = 15s;

Instant wall_clock() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}
Service::Steady steady_clock() {
  return std::chrono::steady_clock::now();
}

std::string host_name() {
  std::array<char, 256> buffer{};
  if (::gethostname(buffer.data(), buffer.size() - 1) != 0 || buffer[0] == '\0') return "localhost";
  return buffer.data();
}

// SIGTERM, SIGINT and SIGHUP as a descriptor. Blocked before any thread starts.
class Signals {
 public:
  Signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    fd_ = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  }
  ~Signals() { ::close(fd_); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  [[nodiscard]] int fd() const { return fd_; }
  // 0: none waits.
  [[nodiscard]] int next() const {
    signalfd_siginfo info{};
    return ::read(fd_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  int fd_ = -1;
};

std::optional<Inotify> open_inotify(const std::function<void(const std::string&)>& say) {
  auto inotify = Inotify::open();
  if (inotify) return std::move(inotify.value());
  say(inotify.error().what + "; looking at files from time to time instead");
  return std::nullopt;
}

}  // namespace

Service::Service(const Config& config, PipelineOptions around, actions::Files& files,
                 ServiceOptions options)
    : config_(config),
      files_(files),
      options_(std::move(options)),
      zone_(around.zone),
      host_(host_name()),
      inotify_(open_inotify(options_.say)),
      pipeline_(config_, std::move(around)),
      exim_(actions::find_exim_user(config_.exim.user)),
      lists_(files_, pipeline_.counting().lists(), exim_, options_.say),
      list_watches_(lists_.size(), -1),
      state_file_(files_, config_.state.directory) {
  pipeline_.on_decision([this](Decision&& decision) { decide(std::move(decision)); });
}

void Service::start() {
  if (!exim_)
    options_.say(
        fmt::format("exim.user: this machine has no user \"{}\"; lists will be readable by all",
                    config_.exim.user));
  if (!options_.dry_run) {
    mailer_.emplace(config_.notify, host_);
    outbox_.emplace(*mailer_, options_.say);
  }
  const auto now = wall_clock();
  std::chrono::seconds longest{0};
  for (const auto& rule : config_.rules) longest = std::max(longest, rule.period);

  auto state = options_.dry_run ? std::nullopt : state_file_.load(options_.say);
  pipeline_.counting().decide_only_after_one_period_before(now);
  if (state) {
    pipeline_.counting().restore(std::move(state->subjects), state->layout, state->newest);
    pipeline_.submissions().restore(std::move(state->submissions));
    pipeline_.tags().restore(state->tags);
    lists_.restore(std::move(state->pending));
    outbox_->restore(std::move(state->outbox));
  }
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    const auto directory = std::filesystem::path(lists_.path(i)).parent_path();
    if (!options_.dry_run) {
      const auto made = actions::make_directory(exim_, directory.string());
      if (!made) options_.say(made.error().what);
      if (made && made.value()) options_.say(fmt::format("created {}", directory.string()));
    }
    if (!inotify_) continue;
    const auto watch = inotify_->watch_directory(directory.string());
    if (watch) {
      list_watches_[i] = watch.value();
    } else {
      options_.say(watch.error().what + "; looking at the list from time to time instead");
    }
  }
  lists_.adopt(pipeline_.counting(), now);

  for (const auto& path : config_.log.paths) {
    std::vector<LogPosition> saved;
    if (state) {
      std::copy_if(state->positions.begin(), state->positions.end(), std::back_inserter(saved),
                   [&](const LogPosition& position) { return position.path == path; });
    }
    followers_.push_back(std::make_unique<Follower>(path, zone_, pipeline_,
                                                    inotify_ ? &*inotify_ : nullptr, options_.say));
    followers_.back()->resume(saved, now - longest, now);
  }
}

void Service::decide(Decision&& decision) {
  ++decisions_;
  dirty_ = save_now_ = true;
  options_.on_decision(decision, zone_);
  if (options_.dry_run) return;
  const bool listed = lists_.block(decision, zone_);
  if (!mailer_->wanted()) return;
  NoticeContext context;
  context.host = host_;
  context.config_path = options_.config_path;
  context.exim_binary = config_.exim.binary;
  const auto line =
      actions::list_line(decision.identity, list_data(decision, zone_)).value_or("\n");
  context.list_line = line.substr(0, line.size() - 1);
  if (!listed) context.list_line += "  (NOT WRITTEN YET: the list can't be written; trying again)";
  outbox_->add(compose_notice(decision, zone_, wall_clock(), context));
}

void Service::on_changes() {
  if (!inotify_) return;
  std::vector<bool> changed(lists_.size());
  inotify_->drain([&](const Inotify::Change& change) {
    for (std::size_t i = 0; i < lists_.size(); ++i) {
      const auto name = std::filesystem::path(lists_.path(i)).filename();
      const bool here = change.watch == list_watches_[i] && change.name == name.string();
      if (here || (change.mask & IN_Q_OVERFLOW) != 0) changed[i] = true;
      if (change.watch == list_watches_[i] && (change.mask & IN_IGNORED) != 0)
        list_watches_[i] = -1;
    }
    for (auto& follower : followers_) follower->on_change(change, wall_clock(), steady_clock());
  });
  // Before the log is read: what somebody freed starts counting with the next line.
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    if (changed[i] && !options_.dry_run) lists_.compare(i, pipeline_.counting());
  }
}

bool Service::read_logs() {
  bool more = false;
  for (auto& follower : followers_) more = follower->read(kReadBudget, steady_clock()) || more;
  const auto bytes = pipeline_.counters().bytes;
  if (bytes != bytes_saved_) dirty_ = true;
  if (!more && !settled_) {
    settled_ = true;
    lists_.settle(pipeline_.counting());
  }
  return more;
}

State Service::snapshot() {
  State state;
  for (auto& follower : followers_) {
    for (auto& position : follower->positions()) state.positions.push_back(std::move(position));
  }
  auto& counting = pipeline_.counting();
  if (counting.newest()) counting.expire(*counting.newest());
  state.subjects = counting.subjects();
  state.layout = counting.layout();
  state.newest = counting.newest();
  state.submissions = pipeline_.submissions().all();
  state.tags = pipeline_.tags().seen();
  state.pending = lists_.pending();
  state.outbox = outbox_->notices();
  return state;
}

void Service::write_checkpoint() {
  const auto now = steady_clock();
  next_save_ = now + kSave;
  if (options_.dry_run) return;
  const auto saved = state_file_.save(snapshot());
  if (!saved) {
    if (state_fault_ != saved.error().what)
      options_.say(printable(saved.error().what) + "; trying again");
    state_fault_ = saved.error().what;
    next_save_ = now + kRetry;
    return;
  }
  if (!state_fault_.empty()) options_.say("the checkpoint can be written again");
  state_fault_.clear();
  dirty_ = false;
  bytes_saved_ = pipeline_.counters().bytes;
}

void Service::write_metrics() {
  next_metrics_ = steady_clock() + kMetrics;
  if (config_.state.metrics.empty() || options_.dry_run) return;
  Metrics metrics;
  metrics.reader = pipeline_.counters();
  metrics.charged = pipeline_.charged();
  metrics.tagged = pipeline_.tagged();
  metrics.messages = pipeline_.submissions().size();
  metrics.messages_forgotten = pipeline_.submissions().forgotten();
  metrics.decisions = decisions_;
  metrics.identities = pipeline_.counting().identities();
  for (const auto& follower : followers_) {
    metrics.lag_bytes += follower->lag();
    metrics.log_fault = metrics.log_fault || !follower->fault().empty();
  }
  metrics.outbox = outbox_->size();
  metrics.notices_dropped = outbox_->dropped();
  metrics.pending_blocks = lists_.pending().size();
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    metrics.lists.push_back({lists_.path(i), lists_.entries(i), !lists_.fault(i).empty()});
  }
  metrics.state_fault = !state_fault_.empty();
  metrics.notify_fault = !outbox_->fault().empty();
  if (const auto newest = pipeline_.counting().newest())
    metrics.newest_event = newest->time_since_epoch().count();
  // What a scraper misses once it reads next time: no need to say that it could not be written.
  (void)files_.replace(config_.state.metrics, metrics_text(metrics), {0644, std::nullopt, 0644},
                       std::nullopt);
}

int Service::wait_milliseconds(bool more) const {
  if (more) return 0;
  auto until = next_look_;
  if (dirty_) until = std::min(until, next_save_);
  if (!lists_.pending().empty()) until = std::min(until, next_retry_);
  if (!config_.state.metrics.empty() && dirty_) until = std::min(until, next_metrics_);
  if (outbox_) {
    if (const auto due = outbox_->next_due()) until = std::min(until, *due);
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

Service::End Service::run(const std::function<void()>& ready,
                          const std::function<bool()>& may_reload) {
  const Signals signals;
  start();
  ready();
  write_metrics();
  next_save_ = steady_clock() + kSave;

  for (bool more = true;;) {
    std::array<pollfd, 3> waiting{{{signals.fd(), POLLIN, 0},
                                   {inotify_ ? inotify_->fd() : -1, POLLIN, 0},
                                   {mailer_ ? mailer_->fd() : -1, POLLIN, 0}}};
    ::poll(waiting.data(), waiting.size(), wait_milliseconds(more));

    if (const int signal = signals.next(); signal != 0) {
      const bool reload = signal == SIGHUP;
      if (!reload || may_reload()) {
        if (!reload) ::sd_notify(0, "STOPPING=1");
        lists_.sync();
        write_checkpoint();
        write_metrics();
        return reload ? End::reload : End::stopped;
      }
    }
    on_changes();
    if (steady_clock() >= next_look_) {
      bool trouble = !inotify_;
      for (auto& follower : followers_) {
        follower->look(wall_clock(), steady_clock());
        trouble = trouble || !follower->fault().empty() || follower->draining();
      }
      for (std::size_t i = 0; i < lists_.size() && !options_.dry_run; ++i) {
        lists_.compare(i, pipeline_.counting());
        trouble = trouble || !lists_.fault(i).empty() || list_watches_[i] < 0;
      }
      next_look_ = steady_clock() + (trouble ? kLookInTrouble : kLook);
    }
    if (!lists_.pending().empty() && steady_clock() >= next_retry_) {
      lists_.retry();
      next_retry_ = steady_clock() + kRetry;
      dirty_ = save_now_ = true;
    }
    more = read_logs();
    lists_.sync();
    if (outbox_ && outbox_->collect(steady_clock())) dirty_ = true;
    if (save_now_ || (dirty_ && steady_clock() >= next_save_)) {
      write_checkpoint();
      save_now_ = false;
    }
    if (outbox_) outbox_->send_due(steady_clock());
    if (steady_clock() >= next_metrics_) write_metrics();
    ::sd_notify(0, "WATCHDOG=1");
  }
}

}  // namespace agent
