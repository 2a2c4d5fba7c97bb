// Memory for what is about to be made, had at once and in huge pages. The kernel gives a page at
// its first touch, which for tens of MiB in pages of 4 KiB takes longer than what is done with
// them.
#pragma once

#include <cstddef>

namespace agent {

// While it lives, `bytes` of room stand at the end of malloc's heap; what was not used then goes
// back. Only speed depends on it: where malloc is another one, nothing happens.
class HeapReserve {
 public:
  explicit HeapReserve(std::size_t bytes);
  ~HeapReserve();
  HeapReserve(const HeapReserve&) = delete;
  HeapReserve& operator=(const HeapReserve&) = delete;

 private:
  const bool made_;  // for less it is not worth it
};

}  // namespace agent
