#include "parsers/scan/words.h"

#include <random>
#include <string>
#include <vector>

#include "parsers/entries/distrust.h"
#include "parsers/fields/lines.h"
#include "tests/catch.h"

namespace parsers {
namespace {

constexpr std::string_view kWords[] = {" rejected RCPT ", "exiwarden/1 ", "**** over",
                                       " <= ", " ** "};
constexpr WordFinder kFinder{
    {kWords[0], 10}, {kWords[1], 8}, {kWords[2], 0}, {kWords[3], 1}, {kWords[4], 1}};

// What the finder promises, said plainly.
std::vector<std::pair<std::size_t, std::uint64_t>> plainly(std::string_view text) {
  std::vector<std::pair<std::size_t, std::uint64_t>> hits;
  std::uint64_t lines = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\n') ++lines;
    for (const auto word : kWords) {
      if (text.substr(at).starts_with(word)) {
        hits.emplace_back(at, lines);
        break;
      }
    }
  }
  return hits;
}

std::string random_text(std::mt19937& random, std::size_t length) {
  constexpr std::string_view kPieces[] = {
      "\n", " ",     "*", "**", "<=",       " <",          "= ",
      "RC", "RCPT ", "x", "n/", "rejected", "exiwarden/1", "**** ov"};
  std::string text;
  while (text.size() < length) {
    const auto pick = random() % 24;
    if (pick < std::size(kWords)) {
      text += kWords[pick];
    } else if (pick < 10) {
      text.append(random() % 70, 'a');
    } else {
      text += kPieces[random() % std::size(kPieces)];
    }
  }
  text.resize(length);
  return text;
}

TEST_CASE("every way to search finds the same rare bytes and counts the same lines") {
  std::mt19937 random(1);
  constexpr std::string_view kRare[] = {"RC", "**", "<=", "n/", "re", "T ", "aa", "ex",
                                        "]:", "[1", "- ", "jj", "==", "ut", "<x", "d "};
  static_assert(std::size(kRare) == WordFinder::kMaxWords);
  for (int round = 0; round < 3000; ++round) {
    WordFinder::Pairs pairs;
    pairs.count = 1 + random() % WordFinder::kMaxWords;
    for (std::size_t i = 0; i < WordFinder::kMaxWords; ++i) {
      const auto rare = kRare[std::min(i, pairs.count - 1)];
      pairs.first[i] = static_cast<unsigned char>(rare[0]);
      pairs.second[i] = static_cast<unsigned char>(rare[1]);
    }
    // In a buffer of just this size, so that a look beyond its end is seen.
    const auto text = random_text(random, random() % 200);
    const std::vector<char> exact(text.begin(), text.end());
    std::uint64_t lines = 0;
    const auto expected = plain_search()(exact.data(), exact.size(), pairs, lines);
    for (const auto search : {sse2_search(), avx2_search()}) {
      if (search == nullptr) continue;
      std::uint64_t counted = 0;
      INFO(text);
      CHECK(search(exact.data(), exact.size(), pairs, counted) == expected);
      CHECK(counted == lines);
    }
  }
}

TEST_CASE("words are found at their places, with the lines before them") {
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    const auto text = random_text(random, random() % 400);
    INFO(text);
    const auto expected = plainly(text);
    // From line to line, as the reader asks.
    std::size_t from = 0;
    std::uint64_t lines = 0;
    auto next = expected.begin();
    for (;;) {
      while (next != expected.end() && next->first < from) ++next;
      std::uint64_t counted = 0;
      const auto hit = kFinder.next(text, from, counted);
      if (next == expected.end()) {
        CHECK(hit == WordFinder::kNone);
        break;
      }
      // Of two words that overlap, the one whose rare bytes come first.
      const auto line = line_begin(text, next->first);
      REQUIRE(hit != WordFinder::kNone);
      CHECK(line_begin(text, hit) == line);
      CHECK(lines + counted == next->second);
      from = line_end(text, hit);
      if (from == 0) break;
      lines += counted + 1;
    }
    const auto first = kFinder.find(text, text.size() / 3);
    std::size_t expected_first = WordFinder::kNone;
    for (const auto& [at, before] : expected) {
      if (at >= text.size() / 3 && expected_first == WordFinder::kNone) expected_first = at;
    }
    CHECK((first == WordFinder::kNone) == (expected_first == WordFinder::kNone));
  }
}

// Distrust from line to line, with none of its short cuts.
Distrust::State line_by_line(std::string_view lines) {
  Distrust distrust;
  while (!lines.empty()) {
    const auto line = lines.substr(0, line_end(lines, 0));
    distrust.covers(line, parse_prefix(line.substr(0, line.size() - 1)));
    lines.remove_prefix(line.size());
  }
  return distrust.state;
}

std::string random_line(std::mt19937& random) {
  constexpr std::string_view kLines[] = {
      "2026-11-23 10:46:56 1xVRZY-0000mY-2f <= a@b H=(x) [1.2.3.4] P=esmtp S=500",
      "2026-11-23 10:46:56 1xVRZY-0000mY-2f <= a@b H=(x) [1.2.3.4] A=plain:bob:x",
      "2026-11-23 10:46:56 1xVRZY-0000mY-2f <= \"a b\"@c H=(x) [1.2.3.4] S=7",
      "2026-11-23 10:46:56 1xVRZY-0000mY-2f <= \"a",
      "2026-11-23 10:46:56 1xVRZY-0000mY-2f (= \"a\\\"",
      "2026-11-23 10:46:56 1xVRZY-0000mY-2f => c@d R=x T=y S=9",
      "2026-11-23 10:46:56 1xVRZY-0000mY-2f => c@d R=x T=y",
      "2026-11-23 10:46:56 H=(x <= y) [1.2.3.4] rejected RCPT <a>: x",
      "2026-11-23 10:46:56 1xVRZY-0000mY-2f F=<\"a",
      "2026-11-23 10:46:56 rejected from <\"a\\\"",
      "2026-11-23 10:46:56 F=<\"a b\"@c> rejected by non-SMTP ACL: no",
      "2026-11-23 10:46:56 1xVRZY-0000mY-2f SIGSEGV (1 from <\"a",
      "b\"@c> rejected",
      "H=(<\") rejected",
      "no stamp <= at all S=1",
      "\"",
      "b\\\"c\" S=3",
      "z S=205",
      " S=x",
      ""};
  std::string line(kLines[random() % std::size(kLines)]);
  if (random() % 3 == 0) line.append(random() % 1500, random() % 5 == 0 ? '"' : 'x');
  if (random() % 6 == 0) line += " S=1";
  return line + '\n';
}

TEST_CASE("what is distrusted does not depend on the short cuts taken over many lines") {
  std::mt19937 random(3);
  for (int round = 0; round < 4000; ++round) {
    std::string lines;
    for (auto count = random() % 30; count > 0; --count) lines += random_line(random);
    INFO(lines);
    Distrust distrust;
    const auto cut = lines.empty() ? 0 : line_end(lines, random() % lines.size());
    distrust.pass_over(std::string_view(lines).substr(0, cut));
    distrust.pass_over(std::string_view(lines).substr(cut));
    CHECK(distrust.state == line_by_line(lines));
  }
}

}  // namespace
}  // namespace parsers
