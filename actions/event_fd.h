// A descriptor by which one thread wakes another out of poll(2): readable from signal() to drain().
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace actions {

class EventFd {
 public:
  EventFd() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~EventFd() { ::close(fd_); }
  EventFd(const EventFd&) = delete;
  EventFd& operator=(const EventFd&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  void signal() const {
    const std::uint64_t one = 1;
    (void)!::write(fd_, &one, sizeof one);
  }
  void drain() const {
    std::uint64_t ignored = 0;
    (void)!::read(fd_, &ignored, sizeof ignored);
  }

 private:
  int fd_;
};

}  // namespace actions
