// Fd: the one owner of a descriptor, which closes it once: when the owner ends or takes another
// one. A negative number, as a failed open(2) returns it, means that there is none.
#pragma once

#include <unistd.h>

#include <utility>

namespace actions {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    const Fd old(std::exchange(fd_, other.release()));
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }

  // The number, still owned here; negative if there is none.
  [[nodiscard]] int get() const { return fd_; }
  // Gives the descriptor up unclosed: the caller owns it.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

}  // namespace actions
