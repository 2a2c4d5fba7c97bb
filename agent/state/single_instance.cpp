#include "agent/state/single_instance.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "actions/files.h"

namespace agent {
namespace {

constexpr int kTries = 20;
constexpr int kPauseMilliseconds = 50;

std::string lock_path(const std::string& state_directory) {
  return state_directory + "/lock";
}

}  // namespace

actions::Result<SingleInstance> SingleInstance::claim(const std::string& state_directory) {
  const auto path = lock_path(state_directory);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return actions::system_error("open " + path, errno);
  // Whoever only asks whether it is held, holds it for a moment.
  for (int tries = 1; ::flock(fd, LOCK_EX | LOCK_NB) != 0; ++tries) {
    const int error = errno;
    if (error != EWOULDBLOCK && error != EINTR) {
      ::close(fd);
      return actions::system_error("lock " + path, error);
    }
    if (tries >= kTries) {
      ::close(fd);
      return actions::Error{actions::Errc::timeout, 0,
                            path + ": another service works on this directory"};
    }
    ::poll(nullptr, 0, kPauseMilliseconds);
  }
  return SingleInstance(fd);
}

std::optional<bool> SingleInstance::running(const std::string& state_directory) {
  const int fd =
      ::open(lock_path(state_directory).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? std::optional(false) : std::nullopt;
  const bool held = ::flock(fd, LOCK_SH | LOCK_NB) != 0;
  const int error = errno;
  ::close(fd);
  if (held && error != EWOULDBLOCK) return std::nullopt;
  return held;
}

SingleInstance::SingleInstance(SingleInstance&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

SingleInstance::~SingleInstance() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace agent
