#include "agent/state/heap_reserve.h"

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
constexpr auto kPiece = std::size_t{120} * 1024;

// Of glibc's main heap, which grows by sbrk(2).
char* end_of_heap() {
  return static_cast<char*>(::sbrk(0));
}
// From there on to the next huge page.
std::size_t to_huge_page(const char* place) {
  return (kHuge - reinterpret_cast<std::uintptr_t>(place) % kHuge) % kHuge;
}

}  // namespace

HeapReserve::HeapReserve(std::size_t bytes) : made_(bytes >= 2 * kHuge) {
  if (!made_) return;
  ::mallopt(M_TOP_PAD, static_cast<int>(bytes < kMost ? bytes : kMost));
  char* const begin = end_of_heap();
  void* volatile pieces[] = {std::malloc(kPiece), std::malloc(kPiece)};
  for (void* piece : pieces) std::free(piece);
  const auto grown = end_of_heap() - begin;
  const auto skipped = static_cast<std::ptrdiff_t>(to_huge_page(begin));
  if (grown <= skipped) return;
  ::madvise(begin + skipped, static_cast<std::size_t>(grown - skipped), MADV_HUGEPAGE);
}

HeapReserve::~HeapReserve() {
  if (!made_) return;
  ::mallopt(M_TOP_PAD, kDefaultPad);
  ::malloc_trim(0);
}

}  // namespace agent
