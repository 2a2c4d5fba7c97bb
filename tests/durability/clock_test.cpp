// Clocks that are set, wrong, or mean another zone: alice tries three dead addresses within an hour
// of true time, bob two, whatever the stamps say; with and without a kill in between.
#include <fmt/format.h>

#include <functional>

#include "tests/catch.h"
#include "tests/durability/lab.h"

using namespace std::chrono_literals;
using lab::Machine;

namespace {

// A line whose stamp is that of a clock which is wrong by `off`.
std::string line_off(Machine& m, const std::string& user, std::chrono::seconds off) {
  return m.stamp(off) + m.line(user).substr(m.stamp().size());
}

struct Case {
  const char* name;
  std::chrono::seconds before, after;  // how wrong the clock is for the first lines and the last
};

const std::vector<Case> kCases{
    {"set back by ten minutes", 0s, -600s},
    {"set forth by ten minutes", 0s, 600s},
    {"ten minutes fast, then right", 600s, 0s},
    {"slow by half an hour, then right", -1800s, 0s},
};

void check(Machine& m) {
  CHECK(m.listed() == std::vector<std::string>{"alice"});
  CHECK(m.told().size() == 1);
}

}  // namespace

TEST_CASE("A clock that is set within the period") {
  for (const auto& [name, before, after] : kCases) {
    for (const bool killed : {false, true}) {
      DYNAMIC_SECTION(name << (killed ? ", killed in between" : "")) {
        Machine m(lab::scratch() + "-clock");
        m.start();
        for (const auto* user : {"alice", "alice", "bob"}) m.write(line_off(m, user, before));
        m.turns(2, 11s);
        if (killed) {
          m.kill();
          m.start();
        }
        m.forward(60s);
        for (const auto* user : {"alice", "bob"}) m.write(line_off(m, user, after));
        m.settle();
        check(m);
      }
    }
  }
}

TEST_CASE("A clock that was fast at the first start, and is set back by more than a period") {
  for (const std::chrono::seconds fast : {2h, 24h, 24h * 400}) {
    for (const bool killed : {false, true}) {
      DYNAMIC_SECTION(fast.count() << " seconds" << (killed ? ", killed in between" : "")) {
        Machine m(lab::scratch() + "-clock");
        for (int i = 0; i < 3; ++i) m.write(line_off(m, "old", -3h));
        m.set_clock(fast);
        m.start();
        m.turns(2, 11s);
        m.set_clock(-fast);
        m.turns(2, 11s);
        m.rejections("carol", 1);
        m.turns(2, 11s);
        if (killed) {
          m.kill();
          m.start();
        }
        for (const auto* user : {"alice", "bob", "alice", "bob", "alice"})
          m.write(line_off(m, user, 0s));
        m.settle();
        check(m);
      }
    }
  }
}

TEST_CASE("Stamps of another year or day do not put a user's window out of use") {
  for (const auto off : {24h * 366, 24h * 1, -24h * 365}) {
    for (const bool killed : {false, true}) {
      DYNAMIC_SECTION(off.count() << " hours" << (killed ? ", killed in between" : "")) {
        Machine m(lab::scratch() + "-clock");
        m.start();
        m.turns(2, 11s);
        // A machine that comes up before its clock is right.
        for (const auto* user : {"alice", "bob"}) m.write(line_off(m, user, off));
        m.turns(2, 11s);
        if (killed) {
          m.kill();
          m.start();
        }
        m.forward(60s);
        m.rejections("somebody", 1);  // by the right clock
        m.turns(2, 11s);
        for (const auto* user : {"alice", "bob", "alice", "bob", "alice"})
          m.write(line_off(m, user, 0s));
        m.settle();
        check(m);
      }
    }
  }
}

TEST_CASE("A stamp from the future ends no block before its time") {
  Machine m(lab::scratch() + "-clock");
  m.config().rules[0].block_for = {2h};
  m.start();
  m.rejections("alice", 3);
  m.settle();
  CHECK(m.listed() == std::vector<std::string>{"alice"});
  m.write(line_off(m, "bob", 24h * 30));
  m.turns(3, 11s);
  CHECK(m.listed() == std::vector<std::string>{"alice"});
  m.forward(3h);
  m.turns(3, 11s);
  CHECK(m.listed().empty());
}

TEST_CASE("Two logs whose clocks differ: each is counted by its own") {
  Machine m(lab::scratch() + "-clock");
  m.config().log.paths.push_back(m.path("log/other"));
  m.append("other", "");
  m.start();
  for (int i = 0; i < 3; ++i) {
    m.append("other", line_off(m, "alice", 3h));
    m.turns(2, 11s);
    m.rejections("somebody" + std::to_string(i), 1);
    m.turns(2, 11s);
  }
  m.settle();
  check(m);
}

TEST_CASE("A log read by a zone that is not its own counts all the same") {
  Machine m(lab::scratch() + "-clock");
  m.start();
  for (const auto* user : {"alice", "bob", "alice", "bob", "alice"}) {
    m.write(line_off(m, user, 9h));
    m.turns(2, 11s);
  }
  check(m);
}

TEST_CASE("A zone that is corrected while it runs") {
  for (const bool killed : {false, true}) {
    Machine m(lab::scratch() + "-clock");
    m.start();  // told that stamps are UTC, but Exim writes those of Tokyo
    for (const auto* user : {"alice", "alice", "bob"}) m.write(line_off(m, user, 9h));
    m.turns(2, 11s);
    m.config().log.timezone = "Asia/Tokyo";
    m.reload();
    m.turns(2, 11s);
    if (killed) {
      m.kill();
      m.start();
    }
    m.forward(60s);
    m.write(line_off(m, "somebody", 9h));
    m.turns(2, 11s);
    for (const auto* user : {"alice", "bob", "alice", "alice", "bob"})
      m.write(line_off(m, user, 9h));
    m.settle();
    CHECK(m.listed() == std::vector<std::string>{"alice"});
  }
}
