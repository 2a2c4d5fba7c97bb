// A set of bytes, and a search for the first of them in a text. Made for fields of a few dozen
// bytes: it compares 32 together, so that one branch, nearly always the same, finds the field's
// length.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace parsers {

// All bytes from `first` to `last`.
struct ByteRange {
  constexpr ByteRange(char only) : ByteRange(only, only) {}
  constexpr ByteRange(char from, char to)
      : first(static_cast<unsigned char>(from)), last(static_cast<unsigned char>(to)) {}
  unsigned char first, last;
};

template <ByteRange... kRanges>
class ByteSet {
 public:
  [[nodiscard]] static constexpr bool has(char c) { return kTable[static_cast<unsigned char>(c)]; }
  // Returns the place of the first byte of the set, or the size of `text` if there is none.
  [[nodiscard]] static std::size_t first_in(std::string_view text) {
    std::size_t at = 0;
#if defined(__SSE2__)
    for (; at + 32 <= text.size(); at += 32) {
      const auto in = in_sixteen(text.data() + at) | in_sixteen(text.data() + at + 16) << 16;
      if (in != 0) return at + static_cast<std::size_t>(__builtin_ctz(in));
    }
    if (at + 16 <= text.size()) {
      const auto in = in_sixteen(text.data() + at);
      if (in != 0) return at + static_cast<std::size_t>(__builtin_ctz(in));
      at += 16;
    }
#endif
    while (at < text.size() && !has(text[at])) ++at;
    return at;
  }
  [[nodiscard]] static bool any_in(std::string_view text) { return first_in(text) < text.size(); }

 private:
  static constexpr auto kTable = [] {
    std::array<bool, 256> table{};
    for (const auto range : {kRanges...}) {
      for (std::size_t c = range.first; c <= range.last; ++c) table[c] = true;
    }
    return table;
  }();

#if defined(__SSE2__)
  // One bit for each of the sixteen bytes at `at`.
  [[nodiscard]] static std::uint32_t in_sixteen(const char* at) {
    const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    auto in = _mm_setzero_si128();
    ((in = _mm_or_si128(in, in_range<kRanges>(bytes))), ...);
    return static_cast<std::uint32_t>(_mm_movemask_epi8(in));
  }
  template <ByteRange kRange>
  [[nodiscard]] static __m128i in_range(__m128i bytes) {
    const auto first = _mm_set1_epi8(static_cast<char>(kRange.first));
    if constexpr (kRange.first == kRange.last) return _mm_cmpeq_epi8(bytes, first);
    const auto span = _mm_set1_epi8(static_cast<char>(kRange.last - kRange.first));
    const auto from = _mm_sub_epi8(bytes, first);
    return _mm_cmpeq_epi8(_mm_min_epu8(from, span), from);
  }
#endif
};

// Returns text.find(c); faster for a byte that is near.
[[nodiscard]] inline std::size_t find_near(std::string_view text, char c) {
#if defined(__SSE2__)
  if (text.size() >= 32) {
    const auto wanted = _mm_set1_epi8(c);
    const auto equal = [&](std::size_t at) {
      const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
      return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted)));
    };
    if (const auto found = equal(0) | equal(16) << 16; found != 0)
      return static_cast<std::size_t>(__builtin_ctz(found));
  }
#endif
  return text.find(c);
}

}  // namespace parsers
