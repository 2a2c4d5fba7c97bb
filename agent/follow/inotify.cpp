#include "agent/follow/inotify.h"

#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

namespace agent {
namespace {

actions::Error system_error(const std::string& what) {
  return {errno == ENOENT ? actions::Errc::not_found : actions::Errc::io, errno,
          what + ": " + std::strerror(errno)};
}

constexpr std::uint32_t kNames =
    IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

}  // namespace

actions::Result<Inotify> Inotify::open() {
  actions::Fd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd) return system_error("inotify");
  return Inotify(std::move(fd));
}

actions::Result<int> Inotify::watch(const std::string& path, std::uint32_t mask) {
  const int watch = ::inotify_add_watch(fd_.get(), path.c_str(), mask | IN_MASK_ADD | IN_ONLYDIR);
  if (watch < 0) return system_error("watch " + path);
  return watch;
}

actions::Result<int> Inotify::watch_names(const std::string& path) {
  return watch(path, kNames);
}

actions::Result<int> Inotify::watch_directory(const std::string& path) {
  return watch(path, kNames | IN_CLOSE_WRITE | IN_MODIFY);
}

actions::Result<int> Inotify::watch_removal(const std::string& path) {
  return watch(path, IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF);
}

actions::Result<int> Inotify::watch_open_file(int fd) {
  // By way of /proc the watch is on the open inode, not on whoever has its name now.
  const auto path = fmt::format("/proc/self/fd/{}", fd);
  const int watch = ::inotify_add_watch(fd_.get(), path.c_str(), IN_MODIFY);
  if (watch < 0) return system_error("watch an open log");
  return watch;
}

void Inotify::forget(int watch) {
  ::inotify_rm_watch(fd_.get(), watch);
}

void Inotify::drain(const std::function<void(const Change&)>& on_change) {
  constexpr ssize_t kLargest = sizeof(inotify_event) + NAME_MAX + 1;
  alignas(inotify_event) char buffer[16 * 1024];
  for (;;) {
    const auto got = ::read(fd_.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    for (ssize_t at = 0; at < got;) {
      inotify_event event{};
      std::memcpy(&event, buffer + at, sizeof event);
      const char* name = buffer + at + sizeof event;
      on_change({event.wd, event.mask,
                 event.len > 0 ? std::string_view(name, ::strnlen(name, event.len))
                               : std::string_view()});
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
    // There was room for another one, had there been any.
    if (got + kLargest <= static_cast<ssize_t>(sizeof buffer)) return;
  }
}

}  // namespace agent
