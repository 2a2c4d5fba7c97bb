// Compiled with -mavx2 where the compiler has it; reached only on machines that have it too.
#if defined(__AVX2__)

#include <immintrin.h>

#include "parsers/scan/words_kernel.h"

namespace parsers {
namespace {

struct Bytes32 {
  static constexpr std::size_t kWidth = 32;
  __m256i value;

  static Bytes32 load(const char* at) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at))};
  }
  static Bytes32 fill(unsigned char byte) { return {_mm256_set1_epi8(static_cast<char>(byte))}; }
  static Bytes32 equal(Bytes32 a, Bytes32 b) { return {_mm256_cmpeq_epi8(a.value, b.value)}; }
  static Bytes32 both(Bytes32 a, Bytes32 b) { return {_mm256_and_si256(a.value, b.value)}; }
  static Bytes32 either(Bytes32 a, Bytes32 b) { return {_mm256_or_si256(a.value, b.value)}; }
  static std::uint32_t bits(Bytes32 a) {
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(a.value));
  }
};

}  // namespace

std::size_t search_avx2(const char* text, std::size_t size, const WordFinder::Pairs& pairs,
                        std::uint64_t& lines) {
  return search<Bytes32>(text, size, pairs, lines);
}

}  // namespace parsers

#endif
