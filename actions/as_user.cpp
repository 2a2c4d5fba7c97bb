#include "actions/as_user.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "actions/fd.h"

namespace actions {
namespace {

// errno of the deed, 0 if it can be done. Only calls that are safe between fork and exec.
int attempt(Deed deed, const char* path) {
  constexpr int kFlags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  Fd fd;
  int error = 0;
  switch (deed) {
    case Deed::read:
      fd = Fd(::open(path, O_RDONLY | kFlags));
      if (char byte = 0; fd && ::read(fd.get(), &byte, 1) < 0) error = errno;
      break;
    case Deed::append:
      fd = Fd(::open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | kFlags));
      break;
    case Deed::list:
      fd = Fd(::open(path, O_RDONLY | O_DIRECTORY | kFlags));
      break;
    case Deed::make_in:
      return ::faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
  }
  return fd ? error : errno;
}

const char* name_of(Deed deed) {
  switch (deed) {
    case Deed::read:
      return "read ";
    case Deed::append:
      return "append to ";
    case Deed::list:
      return "look into ";
    case Deed::make_in:
      break;
  }
  return "make files in ";
}

}  // namespace

Result<Done> try_as(const std::optional<EximUser>& user, Deed deed, const std::string& path) {
  int error = 0;
  if (!user || ::geteuid() != 0 || user->uid == 0) {
    error = attempt(deed, path.c_str());
  } else {
    const pid_t child = ::fork();
    if (child < 0) return system_error("fork", errno);
    if (child == 0) {
      const gid_t primary = user->groups.empty() ? static_cast<gid_t>(-1) : user->groups.front();
      if (::setgroups(user->groups.size(), user->groups.data()) != 0 || ::setgid(primary) != 0 ||
          ::setuid(user->uid) != 0) {
        ::_exit(255);
      }
      ::_exit(attempt(deed, path.c_str()));
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) == 255)
      return Error{Errc::io, 0, "could not become another user to try " + path};
    error = WEXITSTATUS(status);
  }
  if (error != 0) return system_error(name_of(deed) + path, error);
  return Done{};
}

}  // namespace actions
