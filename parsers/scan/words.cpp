#include "parsers/scan/words.h"

#include <algorithm>

#if defined(__SSE2__)
#include <emmintrin.h>

#include "parsers/scan/words_kernel.h"
#endif

namespace parsers {

#if defined(EXIWARDEN_AVX2)
std::size_t search_avx2(const char* text, std::size_t size, const WordFinder::Pairs& pairs,
                        std::uint64_t& lines);
#endif

namespace {

// A text not longer than the widest vector would be looked at byte by byte.
constexpr std::size_t kNarrow = 32;

std::size_t search_plainly(const char* text, std::size_t size, const WordFinder::Pairs& pairs,
                           std::uint64_t& lines) {
  for (std::size_t at = 0; at < size; ++at) {
    for (std::size_t i = 0; i < pairs.count && at + 1 < size; ++i) {
      if (static_cast<unsigned char>(text[at]) == pairs.first[i] &&
          static_cast<unsigned char>(text[at + 1]) == pairs.second[i]) {
        return at;
      }
    }
    if (text[at] == '\n') ++lines;
  }
  return size;
}

#if defined(__SSE2__)
struct Bytes16 {
  static constexpr std::size_t kWidth = 16;
  __m128i value;

  static Bytes16 load(const char* at) {
    return {_mm_loadu_si128(reinterpret_cast<const __m128i*>(at))};
  }
  static Bytes16 fill(unsigned char byte) { return {_mm_set1_epi8(static_cast<char>(byte))}; }
  static Bytes16 equal(Bytes16 a, Bytes16 b) { return {_mm_cmpeq_epi8(a.value, b.value)}; }
  static Bytes16 both(Bytes16 a, Bytes16 b) { return {_mm_and_si128(a.value, b.value)}; }
  static Bytes16 either(Bytes16 a, Bytes16 b) { return {_mm_or_si128(a.value, b.value)}; }
  static std::uint32_t bits(Bytes16 a) {
    return static_cast<std::uint32_t>(_mm_movemask_epi8(a.value));
  }
};
#endif

WordFinder::Search best_search() {
  if (const auto search = avx2_search()) return search;
  if (const auto search = sse2_search()) return search;
  return plain_search();
}

}  // namespace

WordFinder::Search plain_search() {
  return search_plainly;
}

WordFinder::Search sse2_search() {
#if defined(__SSE2__)
  return search<Bytes16>;
#else
  return nullptr;
#endif
}

WordFinder::Search avx2_search() {
#if defined(EXIWARDEN_AVX2)
  static const bool there = __builtin_cpu_supports("avx2") != 0;
  return there ? search_avx2 : nullptr;
#else
  return nullptr;
#endif
}

bool WordFinder::is_word(std::string_view block, std::size_t rare, std::size_t& begin) const {
  for (std::size_t i = 0; i < pairs_.count; ++i) {
    const auto& word = words_[i];
    if (rare < word.rare || block.size() - (rare - word.rare) < word.text.size()) continue;
    begin = rare - word.rare;
    const auto there = block.substr(begin, word.text.size());
    // Most that are none differ at an end.
    if (there.front() == word.text.front() && there.back() == word.text.back() &&
        there == word.text) {
      return true;
    }
  }
  return false;
}

std::size_t WordFinder::next(std::string_view block, std::size_t from, std::uint64_t& lines) const {
  static const Search wide = best_search();
  static const Search narrow = sse2_search() != nullptr ? sse2_search() : plain_search();
  while (from < block.size()) {
    const auto search = block.size() - from > kNarrow ? wide : narrow;
    from += search(block.data() + from, block.size() - from, pairs_, lines);
    std::size_t begin = 0;
    if (from < block.size() && is_word(block, from, begin)) return begin;
    if (from < block.size()) ++from;
  }
  return kNone;
}

}  // namespace parsers
