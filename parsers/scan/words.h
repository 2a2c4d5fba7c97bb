// A finder of fixed words in a whole block: all words in one pass, which also counts the lines.
// Pure; uses AVX2 if the machine has it (words_avx2.cpp) and gives the same answers without.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace parsers {

// A word and the place of two neighbouring bytes in it that are rare in logs: the whole word is
// compared only where these two stand.
struct Word {
  std::string_view text;
  std::size_t rare = 0;  // rare + 1 < text.size()
};

class WordFinder {
 public:
  static constexpr std::size_t kMaxWords = 16;
  static constexpr auto kNone = std::string_view::npos;

  // At most kMaxWords, none with an LF in it, all with storage that outlives the finder.
  constexpr WordFinder(std::initializer_list<Word> words) {
    for (const auto& word : words) add(word);
  }
  constexpr void add(const Word& word) {
    words_[pairs_.count] = word;
    for (std::size_t i = pairs_.count; i < kMaxWords; ++i) {
      pairs_.first[i] = static_cast<unsigned char>(word.text[word.rare]);
      pairs_.second[i] = static_cast<unsigned char>(word.text[word.rare + 1]);
    }
    ++pairs_.count;
    shortest_ = std::min(shortest_, word.text.size());
  }

  // Returns the beginning of the next word whose rare bytes stand at or after `from`, or kNone.
  // Adds to `lines` the LFs from `from` up to the hit's rare bytes, or to the end. To continue
  // behind a hit, call it from the end of its line.
  [[nodiscard]] std::size_t next(std::string_view block, std::size_t from,
                                 std::uint64_t& lines) const;

  // Returns the beginning of the next word at or after `from`, or kNone.
  [[nodiscard]] std::size_t find(std::string_view text, std::size_t from = 0) const {
    std::uint64_t lines = 0;
    text.remove_prefix(from);
    if (text.size() < shortest_) return kNone;
    const auto found = next(text, 0, lines);
    return found == kNone ? kNone : from + found;
  }

  // The rare bytes, as the search kernels read them; those beyond `count` repeat the last.
  struct Pairs {
    std::array<unsigned char, kMaxWords> first{}, second{};
    std::size_t count = 0;
  };
  // Returns the first place in text[0, size) with one of the pairs, or `size`; adds the LFs before
  // it.
  using Search = std::size_t (*)(const char* text, std::size_t size, const Pairs& pairs,
                                 std::uint64_t& lines);

 private:
  [[nodiscard]] bool is_word(std::string_view block, std::size_t rare, std::size_t& begin) const;

  std::array<Word, kMaxWords> words_{};
  Pairs pairs_;
  std::size_t shortest_ = kNone;
};

// The search kernels, for the test that compares them; null if this machine lacks one.
[[nodiscard]] WordFinder::Search plain_search();
[[nodiscard]] WordFinder::Search sse2_search();
[[nodiscard]] WordFinder::Search avx2_search();

}  // namespace parsers
