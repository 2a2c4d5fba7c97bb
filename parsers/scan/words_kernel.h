// The search of WordFinder for one width of vector. Included by one file for each width, which is
// compiled for it: nothing here may come from a header whose functions other files share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "parsers/scan/words.h"

namespace parsers {
namespace {

// Vector: load(p), equal(a, b), either(a, b), both(a, b), fill(byte), none(), bits(v) -> one bit a
// byte; kWidth bytes, at most 32. kCount pairs: a number the compiler knows keeps them in
// registers.
template <class Vector, std::size_t kCount>
std::size_t search_for(const char* text, std::size_t size, const WordFinder::Pairs& pairs,
                       std::uint64_t& lines) {
  constexpr std::size_t kWidth = Vector::kWidth;
  Vector first[kCount];
  Vector second[kCount];
  for (std::size_t i = 0; i < kCount; ++i) {
    first[i] = Vector::fill(pairs.first[i]);
    second[i] = Vector::fill(pairs.second[i]);
  }
  const Vector newline = Vector::fill('\n');
  const auto hits_at = [&](const char* at, std::uint32_t& newlines) {
    const auto here = Vector::load(at);
    const auto next = Vector::load(at + 1);
    newlines = Vector::bits(Vector::equal(here, newline));
    auto any = Vector::both(Vector::equal(here, first[0]), Vector::equal(next, second[0]));
    for (std::size_t i = 1; i < kCount; ++i) {
      any = Vector::either(
          any, Vector::both(Vector::equal(here, first[i]), Vector::equal(next, second[i])));
    }
    return Vector::bits(any);
  };

  std::uint64_t found = 0;
  std::size_t at = 0;
  while (at + kWidth < size) {
    std::uint32_t newlines = 0;
    const std::uint32_t hits = hits_at(text + at, newlines);
    if (hits != 0) {
      const auto place = static_cast<unsigned>(__builtin_ctz(hits));
      found += static_cast<unsigned>(__builtin_popcount(newlines & ((1U << place) - 1)));
      lines += found;
      return at + place;
    }
    found += static_cast<unsigned>(__builtin_popcount(newlines));
    at += kWidth;
  }
  if (size > kWidth && at + 1 < size) {
    // The last vector overlaps the one before, whose bytes are done with.
    const std::size_t begin = size - 1 - kWidth;
    const std::uint32_t fresh = ~std::uint32_t{0} << (at - begin);
    std::uint32_t newlines = 0;
    const std::uint32_t hits = hits_at(text + begin, newlines) & fresh;
    newlines &= fresh;
    if (hits != 0) {
      const auto place = static_cast<unsigned>(__builtin_ctz(hits));
      found += static_cast<unsigned>(__builtin_popcount(newlines & ((1U << place) - 1)));
      lines += found;
      return begin + place;
    }
    found += static_cast<unsigned>(__builtin_popcount(newlines));
    at = begin + kWidth;
  }
  for (; at < size; ++at) {
    for (std::size_t i = 0; i < kCount && at + 1 < size; ++i) {
      if (static_cast<unsigned char>(text[at]) == pairs.first[i] &&
          static_cast<unsigned char>(text[at + 1]) == pairs.second[i]) {
        lines += found;
        return at;
      }
    }
    found += text[at] == '\n' ? 1 : 0;
  }
  lines += found;
  return size;
}

template <class Vector>
std::size_t search(const char* text, std::size_t size, const WordFinder::Pairs& pairs,
                   std::uint64_t& lines) {
  switch (pairs.count) {
    case 1:
      return search_for<Vector, 1>(text, size, pairs, lines);
    case 2:
      return search_for<Vector, 2>(text, size, pairs, lines);
    case 3:
      return search_for<Vector, 3>(text, size, pairs, lines);
    case 4:
      return search_for<Vector, 4>(text, size, pairs, lines);
    default:  // the pairs that are not used repeat the last one
      return pairs.count <= 8 ? search_for<Vector, 8>(text, size, pairs, lines)
             : pairs.count <= 12
                 ? search_for<Vector, 12>(text, size, pairs, lines)
                 : search_for<Vector, WordFinder::kMaxWords>(text, size, pairs, lines);
  }
}

}  // namespace
}  // namespace parsers
