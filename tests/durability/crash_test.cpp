// The story of story.h, with the agent killed, or its system calls failing, at every one of them:
// lists, counts and decisions end as in the uninterrupted story, and each notice comes once or
// twice. "[long]" takes every point, and every kind of a second blow after it.
#include <fmt/format.h>

#include <cstdio>
#include <set>
#include <sstream>

#include "tests/catch.h"
#include "tests/durability/story.h"

using faults::Mode;
using faults::Plan;

namespace {

struct Blow {
  const char* name;
  Mode mode;
};
constexpr Blow kKills[] = {{"killed before", Mode::kill_before},
                           {"killed in the midst of", Mode::kill_torn},
                           {"killed after", Mode::kill_after},
                           {"power cut before", Mode::power_cut}};

const story::Result& truth() {
  static const auto truth = story::tell({});
  return truth;
}

std::string said(const Plan& plan) {
  for (const auto& kill : kKills) {
    if (kill.mode == plan.mode) return fmt::format("{} change {}", kill.name, plan.at);
  }
  return fmt::format("calls {} to {} fail", plan.at, plan.at + plan.length - 1);
}

// Without the windows of who is blocked: what led to it is over, and not told by the list. Nor in
// which order keys stand there: one that could not be written comes after the next.
std::multiset<std::string> what_matters(const std::string& account) {
  std::multiset<std::string> out;
  std::istringstream lines(account);
  for (std::string line; std::getline(lines, line);)
    out.insert(line.substr(0, line.find(" blocked=1")));
  return out;
}

// Each entry is there, and once. An agent without its checkpoint may not know that there was
// something to tell of; it must not tell of more.
std::string compare_history(const std::multiset<std::string>& history, bool sees_all) {
  const auto& whole = truth().history;
  for (const auto& entry : history) {
    if (history.count(entry) > whole.count(entry))
      return fmt::format("history: {} times {}", history.count(entry), entry);
  }
  for (const auto& entry : whole) {
    if (sees_all && history.count(entry) < whole.count(entry)) return "history: lacks " + entry;
  }
  return "";
}

// Ends as the truth; gives how it does not. `sees_all`: the agent had its checkpoint at every
// start.
std::string compare(const story::Result& result, bool sees_all) {
  if (!result.trouble.empty()) return result.trouble;
  const bool same = sees_all ? result.account == truth().account
                             : what_matters(result.account) == what_matters(truth().account);
  if (!same) return fmt::format("is\n{}should be\n{}", result.account, truth().account);
  if (const auto wrong = compare_history(result.history, sees_all); !wrong.empty()) return wrong;
  if (sees_all && result.missing != truth().missing) return "a file is said to be lost";
  for (const auto& [notice, times] : truth().told) {
    const auto told = result.told.find(notice);
    if (told == result.told.end()) return notice + ": no notice";
    if (told->second > 2) return fmt::format("{}: {} notices", notice, told->second);
  }
  if (result.told.size() != truth().told.size()) return "a notice of nothing";
  for (const auto& [event, times] : truth().acted) {
    const auto acted = result.acted.find(event);
    if (acted == result.acted.end()) return event + ": no action";
    if (acted->second > 2) return fmt::format("{}: {} actions", event, acted->second);
  }
  if (result.acted.size() != truth().acted.size()) return "an action about nothing";
  return "";
}

struct Tally {
  std::size_t points = 0, wrong = 0, twice = 0;

  void take(const std::vector<Plan>& plans, bool sees_all = true) {
    const auto result = story::tell(plans);
    ++points;
    for (const auto& [notice, times] : result.told) twice += times == 2 ? 1 : 0;
    const auto difference = compare(result, sees_all);
    if (difference.empty()) return;
    std::string what;
    for (const auto& plan : plans) what += said(plan) + "; ";
    if (++wrong <= 5) UNSCOPED_INFO(what << "\n" << difference);
  }
  void print(const char* name) const {
    fmt::print("{}: {} points, {} wrong, {} notices twice\n", name, points, wrong, twice);
    std::fflush(stdout);
  }
};

}  // namespace

TEST_CASE("The story without a fault") {
  CHECK(truth().trouble.empty());
  CHECK(truth().missing == 0);
  INFO(truth().account);
  CHECK(truth().told.size() == 7);
  for (const auto& [notice, times] : truth().told) CHECK(times == 1);
  CHECK(truth().acted.size() == 8);  // the same seven, and that alice was freed
  CHECK(truth().acted.count("freed alice") == 1);
  for (const auto& [event, times] : truth().acted) CHECK(times == 1);
  CHECK(truth().history ==
        std::multiset<std::string>{
            "blocked alice service", "blocked alice service", "blocked carol service",
            "blocked dave service", "blocked eve service", "blocked frank edit by hand",
            "blocked grace service", "blocked heidi service", "freed alice edit by hand"});
  const auto again = story::tell({});
  CHECK(again.account == truth().account);
  CHECK(again.told == truth().told);
  CHECK(again.calls == truth().calls);
  for (const auto* line :
       {"alice:", "carol:", "dave:", "eve:", "frank: known\n", "# by hand\n", "grace:", "heidi:"})
    CHECK(truth().account.find(line) != std::string::npos);
}

TEST_CASE("Killed at a system call: nothing lost, nothing twice") {
  Tally tally;
  for (const auto& kill : kKills) {
    for (std::uint64_t at = 1; at <= truth().changes; at += 7) tally.take({{kill.mode, at}});
  }
  tally.print("kills");
  CHECK(tally.wrong == 0);
}

TEST_CASE("System calls fail: nothing lost, nothing twice") {
  Tally tally;
  for (const std::uint64_t length : {1, 5, 40}) {
    for (std::uint64_t at = length; at <= truth().calls; at += 37)
      tally.take({{Mode::fail, at, length}}, false);
  }
  tally.print("failures");
  CHECK(tally.wrong == 0);
}

TEST_CASE("Killed at every system call", "[.long]") {
  Tally tally;
  for (const auto& kill : kKills) {
    for (std::uint64_t at = 1; at <= truth().changes; ++at) tally.take({{kill.mode, at}});
  }
  tally.print("kills");
  CHECK(tally.wrong == 0);
}

TEST_CASE("Killed, and killed again while it recovers", "[.long]") {
  Tally tally;
  for (const auto& kill : kKills) {
    for (std::uint64_t at = 1; at <= truth().changes; at += 5) {
      for (std::uint64_t then = 1; then <= 13; then += 2) {
        tally.take({{kill.mode, at}, {kKills[(at + then) % 4].mode, then}});
      }
    }
  }
  tally.print("kills in a row");
  CHECK(tally.wrong == 0);
}

TEST_CASE("Every system call fails, alone and with those after it", "[.long]") {
  Tally tally;
  for (const std::uint64_t length : {1, 2, 5, 20, 100}) {
    for (std::uint64_t at = 1; at <= truth().calls; at += length == 1 ? 1 : 3)
      tally.take({{Mode::fail, at, length}}, false);
  }
  tally.print("failures");
  CHECK(tally.wrong == 0);
}

TEST_CASE("Failures, and then a kill", "[.long]") {
  Tally tally;
  for (std::uint64_t at = 1; at <= truth().changes; at += 3) {
    // The first child dies; the second starts with calls that fail.
    for (const std::uint64_t from : {1, 4, 9, 16, 25, 36}) {
      tally.take({{Mode::kill_before, at}, {Mode::fail, from, 3}}, false);
    }
  }
  tally.print("failures at a restart");
  CHECK(tally.wrong == 0);
}
