#include "agent/output/full_screen.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "actions/write_all.h"

namespace agent {
namespace {

// Another screen, no cursor, and no new line where a wide character exceeds the columns.
constexpr std::string_view kEnter = "\033[?1049h\033[?25l\033[?7l\033[2J";
constexpr std::string_view kLeave = "\033[?7h\033[?25h\033[?1049l";

bool put(std::string_view bytes) {
  return actions::write_all(STDOUT_FILENO, bytes) == bytes.size();
}

}  // namespace

bool FullScreen::possible() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && term != nullptr && *term != '\0' &&
         std::strcmp(term, "dumb") != 0;
}

FullScreen::FullScreen() {
  sigset_t taken;
  sigemptyset(&taken);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH})
    sigaddset(&taken, signal);
  ::sigprocmask(SIG_BLOCK, &taken, &before_);
  signals_ = actions::Fd(::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
  keys_ = ::isatty(STDIN_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &typed_) == 0;
  enter();
}

FullScreen::~FullScreen() {
  leave();
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

void FullScreen::enter() {
  if (keys_) {
    auto single = typed_;
    single.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &single);
  }
  drawn_.clear();
  (void)put(kEnter);
}

void FullScreen::leave() {
  (void)put(kLeave);
  if (keys_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &typed_);
}

FullScreen::Size FullScreen::size() const {
  winsize found{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &found) != 0 || found.ws_col == 0 || found.ws_row == 0)
    return {80, 24};
  return {found.ws_col, found.ws_row};
}

bool FullScreen::draw(const std::vector<std::string>& lines) {
  std::string bytes;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i < drawn_.size() && drawn_[i] == lines[i]) continue;
    bytes += fmt::format("\033[{};1H{}\033[K", i + 1, lines[i]);
  }
  if (drawn_.size() > lines.size()) bytes += fmt::format("\033[{};1H\033[J", lines.size() + 1);
  drawn_ = lines;
  return put(bytes);
}

FullScreen::Event FullScreen::wait(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return Event::time;
    std::array<pollfd, 2> ready{pollfd{signals_.get(), POLLIN, 0},
                                pollfd{keys_ ? STDIN_FILENO : -1, POLLIN, 0}};
    if (::poll(ready.data(), ready.size(), static_cast<int>(left.count())) < 0 && errno != EINTR)
      return Event::end;
    if (ready[1].revents != 0) {
      std::array<char, 64> keys{};
      const auto count = ::read(STDIN_FILENO, keys.data(), keys.size());
      if (count <= 0) return Event::end;  // the terminal is gone
      if (std::memchr(keys.data(), 'q', static_cast<std::size_t>(count)) != nullptr)
        return Event::end;
    }
    signalfd_siginfo signal{};
    if (::read(signals_.get(), &signal, sizeof signal) != sizeof signal) continue;
    if (signal.ssi_signo == SIGWINCH) {
      drawn_.clear();
      (void)put("\033[2J");
      return Event::resized;
    }
    if (signal.ssi_signo != SIGTSTP) return Event::end;
    leave();
    ::raise(SIGSTOP);
    enter();
    return Event::resized;
  }
}

}  // namespace agent
