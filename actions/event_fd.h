// EventFd: a descriptor by which one thread wakes another out of poll(2). It is readable from
// signal() to drain().
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "actions/fd.h"

namespace actions {

class EventFd {
 public:
  EventFd() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

  [[nodiscard]] int fd() const { return fd_.get(); }
  void signal() const {
    const std::uint64_t one = 1;
    (void)!::write(fd_.get(), &one, sizeof one);
  }
  void drain() const {
    std::uint64_t ignored = 0;
    (void)!::read(fd_.get(), &ignored, sizeof ignored);
  }

 private:
  Fd fd_;
};

}  // namespace actions
