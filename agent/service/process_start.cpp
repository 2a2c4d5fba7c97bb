#include "agent/service/process_start.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace agent {
namespace {

// Only that a signal is ignored passes to a new program; handlers that are there are its own.
void heed(int signal) {
  struct sigaction action{};
  if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN)
    ::signal(signal, SIG_DFL);
}

void raise_limit(rlim_t at_least, int resource) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) return;
  const auto wanted = std::min(at_least, limit.rlim_max);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  (void)::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit);
}

}  // namespace

void start_as_command() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    (void)::open("/dev/null", O_RDWR);  // the lowest that is free
  }
  heed(SIGCHLD);
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  ::sigprocmask(SIG_UNBLOCK, &child, nullptr);
}

void start_as_service() {
  constexpr rlim_t kDescriptors = 1024;
  for (int signal = 1; signal < NSIG; ++signal) heed(signal);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  (void)::close_range(STDERR_FILENO + 1, ~0U, 0);
  ::umask(0027);
  raise_limit(RLIM_INFINITY, RLIMIT_FSIZE);
  raise_limit(RLIM_INFINITY, RLIMIT_CPU);
  raise_limit(kDescriptors, RLIMIT_NOFILE);
}

}  // namespace agent
