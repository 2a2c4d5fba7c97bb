// Inotify: the kernel's reports that a file or a directory has changed. Where there are none
// (limits reached, a network file system) everything still works by the periodic look, only later.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "actions/fd.h"
#include "actions/result.h"

namespace agent {

class Inotify {
 public:
  static actions::Result<Inotify> open();

  // Readable when drain() has something to hand out.
  [[nodiscard]] int fd() const { return fd_.get(); }

  // Watches for names that come or go in a directory, or get other modes. Returns the watch's
  // number: the same for the same directory, which is then watched for all that was asked for.
  actions::Result<int> watch_names(const std::string& path);
  // The same, and for writes to whatever lies in it.
  actions::Result<int> watch_directory(const std::string& path);
  // Watches for names that go from a directory, and for the directory itself.
  actions::Result<int> watch_removal(const std::string& path);
  // Watches for writes to the very file behind an open descriptor, whatever its name is by now.
  actions::Result<int> watch_open_file(int fd);
  void forget(int watch);

  struct Change {
    int watch = -1;
    // IN_*. IN_Q_OVERFLOW comes with watch -1: changes were lost, everything must be looked at.
    std::uint32_t mask = 0;
    std::string_view name;  // inside a directory; empty for a file
  };
  // Hands out all that is waiting; never blocks.
  void drain(const std::function<void(const Change&)>& on_change);

 private:
  actions::Result<int> watch(const std::string& path, std::uint32_t mask);

  explicit Inotify(actions::Fd fd) : fd_(std::move(fd)) {}

  actions::Fd fd_;
};

}  // namespace agent
