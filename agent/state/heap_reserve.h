// A reserve of heap memory for what is about to be made, taken at once and in huge pages. The
// kernel gives a page at its first touch, which for tens of MiB in pages of 4 KiB takes longer than
// the work on them.
#pragma once

#include <cstddef>

namespace agent {

// While it lives, malloc's heap has `bytes` of room at its end; the unused part is then given back.
// Only speed depends on it: with another malloc, nothing happens.
class HeapReserve {
 public:
  explicit HeapReserve(std::size_t bytes);
  ~HeapReserve();
  HeapReserve(const HeapReserve&) = delete;
  HeapReserve& operator=(const HeapReserve&) = delete;

 private:
  const bool made_;  // false for small reserves, which do not pay
};

}  // namespace agent
