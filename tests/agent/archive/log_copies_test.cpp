#include "agent/archive/log_copies.h"

#include <csignal>
#include <random>

#include "agent/archive/interrupt.h"
#include "tests/catch.h"
#include "tests/fakes.h"

using agent::compare_logs;
using agent::overlap_of;
using agent::Sameness;

namespace {

struct Logs {
  std::string write(const std::string& name, const std::string& text) const {
    fakes::write(directory / name, text);
    return directory / name;
  }
  fakes::Directory directory;
};

std::string line(int number) {
  return "2026-11-25 10:00:" + std::to_string(10 + number % 50) + " line " +
         std::to_string(number) + "\n";
}

std::string lines(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i) text += line(i);
  return text;
}

}  // namespace

TEST_CASE("logs that begin alike") {
  const Logs logs;
  const auto whole = logs.write("whole", lines(0, 90000));
  const auto part = logs.write("part", lines(0, 90000).substr(0, 300000));
  const auto other = logs.write("other", lines(0, 89999) + "else\n");
  CHECK(compare_logs(whole, whole) == Sameness::equal);
  CHECK(compare_logs(part, whole) == Sameness::left_in_right);
  CHECK(compare_logs(whole, part) == Sameness::right_in_left);
  CHECK(compare_logs(other, whole) == Sameness::different);
  CHECK(compare_logs(logs.write("empty", ""), whole) == Sameness::left_in_right);
}

TEST_CASE("where a copy goes on") {
  const Logs logs;
  // Over the ends of the pieces that are read at once.
  const auto all = lines(0, 90000);
  const auto earlier = logs.write("earlier", all);
  for (const std::size_t begin : {1U, 500U, 262100U, 262144U, 262145U, 1000000U}) {
    INFO(begin);
    const auto inside = overlap_of(earlier, logs.write("inside", all.substr(begin, 500000)));
    REQUIRE(inside);
    CHECK(inside->whole);
    const auto on = overlap_of(earlier, logs.write("on", all.substr(begin) + lines(90000, 90100)));
    REQUIRE(on);
    CHECK_FALSE(on->whole);
    CHECK(on->shared == all.size() - begin);
    // Not the same to the end: two logs, of which one may be an excerpt.
    auto changed = all.substr(begin);
    changed[changed.size() - 2] = 'x';
    CHECK_FALSE(overlap_of(earlier, logs.write("changed", changed)));
  }
  CHECK_FALSE(overlap_of(earlier, logs.write("next", lines(90000, 90010))));
  CHECK_FALSE(overlap_of(earlier, logs.write("nothing", "")));
  CHECK_FALSE(overlap_of(earlier, logs.write("missing", "") + "-"));
}

TEST_CASE("a line that was copied in part is not shared") {
  const Logs logs;
  const auto earlier = logs.write("earlier", lines(0, 20) + line(20).substr(0, 9));
  const auto on = overlap_of(earlier, logs.write("later", lines(15, 40)));
  REQUIRE(on);
  CHECK(on->shared == lines(15, 20).size());
  CHECK_FALSE(on->whole);
  CHECK_FALSE(overlap_of(earlier, logs.write("next", lines(20, 40))));
}

TEST_CASE("overlaps of random logs against a plain search") {
  const Logs logs;
  std::mt19937 random(7);
  int found = 0;
  for (int round = 0; round < 400; ++round) {
    // Few different lines: heads are found in many places.
    std::string text;
    for (int i = 0; i < 40; ++i) text += line(static_cast<int>(random() % 3));
    const auto begin = 1 + random() % (text.size() - 1);
    auto later = text.substr(begin, 1 + random() % 700);
    if (random() % 2 == 0) later = text.substr(begin) + lines(5, 7);
    if (random() % 4 == 0) later += line(9);
    std::optional<std::size_t> shared;
    bool whole = false;
    for (std::size_t at = 1; at < text.size() && !shared; ++at) {
      const auto size = std::min(text.size() - at, later.size());
      if (text.compare(at, size, later, 0, size) != 0) continue;
      whole = size == later.size();
      const auto kept = whole ? size : later.substr(0, size).rfind('\n') + 1;
      if (whole || kept >= 24) shared = kept;
    }
    const auto overlap = overlap_of(logs.write("a", text), logs.write("b", later));
    REQUIRE(overlap.has_value() == shared.has_value());
    if (!shared) continue;
    ++found;
    CHECK(overlap->shared == *shared);
    CHECK(overlap->whole == whole);
  }
  CHECK(found > 100);
}

TEST_CASE("Ctrl-C ends a comparison") {
  const Logs logs;
  const auto whole = logs.write("whole", lines(0, 90000));
  const auto late = logs.write("late", lines(40000, 90000));
  CHECK(compare_logs(whole, whole) == Sameness::equal);
  CHECK(overlap_of(whole, late));
  const agent::Interrupt interrupt;
  std::raise(SIGINT);
  CHECK(compare_logs(whole, whole) == Sameness::different);
  CHECK_FALSE(overlap_of(whole, late));
  const agent::Interrupt forgotten;  // by the tests that follow
}
