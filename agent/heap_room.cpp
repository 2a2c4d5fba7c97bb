#include "agent/heap_room.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace agent {
namespace {

constexpr std::size_t kHuge = std::size_t{2} << 20;
constexpr std::size_t kMost = std::size_t{512} << 20;  // of room; only what is touched is memory
constexpr int kDefaultPad = 128 * 1024;                // mallopt(3)
// Two of these are more than malloc keeps free at the end of its heap, each less than it maps
// alone.
constexpr std::size_t kPiece = 120 * 1024;

// Of glibc's main heap, which grows by sbrk(2).
std::uintptr_t end_of_heap() {
  return reinterpret_cast<std::uintptr_t>(::sbrk(0));
}

}  // namespace

HeapRoom::HeapRoom(std::size_t bytes) {
  if (bytes < 2 * kHuge) return;
  ::mallopt(M_TOP_PAD, static_cast<int>(bytes < kMost ? bytes : kMost));
  const auto begin = (end_of_heap() + kHuge - 1) / kHuge * kHuge;
  void* volatile pieces[] = {std::malloc(kPiece), std::malloc(kPiece)};
  for (void* piece : pieces) std::free(piece);
  const auto end = end_of_heap() / kHuge * kHuge;
  if (end > begin) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

HeapRoom::~HeapRoom() {
  ::mallopt(M_TOP_PAD, kDefaultPad);
  ::malloc_trim(0);
}

}  // namespace agent
