#include "agent/service/service.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "agent/farm/open.h"
#include "agent/service/service_manager.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

Now clocks() {
  return {std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()),
          std::chrono::steady_clock::now()};
}

sigset_t our_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

// Those as a descriptor.
class Signals {
 public:
  Signals() {
    const auto set = our_signals();
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

EngineOptions with_clock(EngineOptions options) {
  options.clock = [] { return std::chrono::steady_clock::now(); };
  return options;
}

std::optional<Inotify> open_inotify(const std::function<void(const std::string&)>& say) {
  auto inotify = Inotify::open();
  if (inotify) return std::move(inotify.value());
  say(inotify.error().what + "; looking at files from time to time instead");
  return std::nullopt;
}

}  // namespace

void hold_signals() {
  const auto set = our_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Service::Service(Setup setup, actions::Files& files, EngineOptions options)
    : inotify_(open_inotify(options.say)),
      state_directory_(options.dry_run ? "" : setup.config.state.directory),
      notifier_(setup.config.notify, options.host),
      saver_(files, setup.config.state.directory),
      farm_(options.dry_run ? nullptr : open_farm(setup.config, options.host)),
      engine_(setup.config, std::move(setup.around), std::move(setup.trust),
              {files, inotify_ ? &*inotify_ : nullptr, notifier_, saver_, farm_.get(),
               [host = options.host](const NotifyConfig& config) {
                 return std::make_unique<Notifier>(config, host);
               }},
              with_clock(std::move(options))) {}

// Where that is not to be had, a look once a second has to do.
void Service::watch_state() {
  if (state_directory_.empty()) return;
  if (!state_inotify_) {
    if (auto opened = Inotify::open()) state_inotify_ = std::move(opened.value());
  }
  if (state_inotify_) (void)state_inotify_->watch_removal(state_directory_);
}

Service::Woken Service::wait(bool more, int signals) {
  waiting_ = {{signals, POLLIN, 0},
              {inotify_ ? inotify_->fd() : -1, POLLIN, 0},
              {notifier_.fd(), POLLIN, 0},
              {saver_.fd(), POLLIN, 0},
              {farm_ ? farm_->fd() : -1, POLLIN, 0},
              {state_inotify_ ? state_inotify_->fd() : -1, POLLIN, 0}};
  engine_.actions().for_each_fd([&](int fd) { waiting_.push_back({fd, POLLIN, 0}); });
  std::int64_t milliseconds = 0;
  if (!more) {
    const auto left = engine_.due() - std::chrono::steady_clock::now();
    milliseconds = std::clamp<std::int64_t>(
        std::chrono::ceil<std::chrono::milliseconds>(left).count(), 0, 60'000);
  }
  ::poll(waiting_.data(), waiting_.size(), static_cast<int>(milliseconds));
  const bool removed = waiting_[5].revents != 0;
  if (removed) state_inotify_->drain([](const Inotify::Change&) {});
  return {waiting_[0].revents != 0, removed};
}

Service::End Service::run(CheckpointFile::Loaded saved, const std::function<void()>& ready,
                          const std::function<std::optional<Setup>()>& reloaded,
                          const std::function<SingleInstance::Claim()>& claimed) {
  const Signals signals;
  engine_.start(clocks(), std::move(saved));
  watch_state();
  ready();
  std::chrono::steady_clock::time_point next_second{};
  for (bool more = true;;) {
    const auto woken = wait(more, signals.fd());
    if (const int signal = woken.signal ? signals.next() : 0; signal == SIGHUP) {
      if (auto setup = reloaded()) {
        engine_.reload(setup->config, std::move(setup->around), std::move(setup->trust), clocks());
        ready();
      }
    } else if (signal != 0) {
      tell_service_manager("STOPPING=1");
      engine_.stop(clocks());
      return End::stopped;
    }
    const auto now = clocks();
    more = engine_.turn(now);
    const bool second_over = now.steady >= next_second;
    if (!second_over && !woken.state_removed) continue;
    if (second_over) {
      next_second = now.steady + 1s;
      tell_service_manager("WATCHDOG=1");
    }
    const auto claim = claimed();
    if (claim == SingleInstance::Claim::lost) return End::unclaimed;
    if (claim != SingleInstance::Claim::renewed) continue;
    watch_state();
    engine_.save_anew();
  }
}

}  // namespace agent
