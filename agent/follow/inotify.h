// The kernel's word that a file or a directory changed. Without it (limits reached, a network file
// system) everything still works by the periodic look, only later.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "actions/result.h"

namespace agent {

class Inotify {
 public:
  static actions::Result<Inotify> open();
  Inotify(Inotify&& other) noexcept;
  Inotify& operator=(Inotify&& other) noexcept;
  Inotify(const Inotify&) = delete;
  Inotify& operator=(const Inotify&) = delete;
  ~Inotify();

  [[nodiscard]] int fd() const { return fd_; }

  // Names that come, go or are written in a directory. Returns the watch's number.
  actions::Result<int> watch_directory(const std::string& path);
  // Writes to the very file behind an open descriptor, whatever its name is by now.
  actions::Result<int> watch_open_file(int fd);
  void forget(int watch);

  struct Change {
    int watch = -1;
    std::uint32_t mask = 0;  // IN_*; IN_Q_OVERFLOW with watch -1: changes were lost, look at all
    std::string_view name;   // inside a directory; empty for a file
  };
  // Hands out all that is waiting; never blocks.
  void drain(const std::function<void(const Change&)>& on_change);

 private:
  explicit Inotify(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace agent
