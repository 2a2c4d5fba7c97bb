// A log that stops while others go on: said, told by a notice, shown in the metrics, over a
// restart.
#include <algorithm>

#include "tests/catch.h"
#include "tests/durability/lab.h"

using namespace std::chrono_literals;
using lab::Machine;

namespace {

struct Pair : Machine {
  Pair() : Machine(lab::scratch() + "-silence") {
    config().log.paths.push_back(second());
    append("second", "");
  }
  [[nodiscard]] std::string second() const { return path("log/second"); }
  void minutes(int count, bool both) {
    for (int i = 0; i < count; ++i) {
      forward(60s);
      write(line("nobody" + std::to_string(i)));
      if (both) append("second", stamp() + " Start queue run: pid=" + std::to_string(i) + "\n");
      one_turn(0s);
    }
  }
  [[nodiscard]] long said_of(const std::string& words) const {
    const auto all = said();
    return std::count_if(all.begin(), all.end(), [&](const std::string& one) {
      return one.find(words) != std::string::npos;
    });
  }
  [[nodiscard]] std::vector<bool> silent() {
    std::vector<bool> found;
    for (const auto& [path, silent] : engine().metrics().silent) found.push_back(silent);
    return found;
  }
};

}  // namespace

TEST_CASE("One of two logs falls silent, is named once, and is written again") {
  Pair m;
  m.start();
  m.minutes(25 * 60, true);
  CHECK(m.silent() == std::vector{false, false});
  m.minutes(9, false);
  CHECK(m.said_of("has been silent since") == 0);
  m.minutes(3, false);
  CHECK(m.said_of(m.second() + " has been silent since") == 1);
  CHECK(m.silent() == std::vector{false, true});
  m.settle();
  const auto told = [&] {
    const auto mails = lab::read_file(m.path("mails"));
    const auto words = "has read no new line of\n\n    " + m.second() + "\n";
    int count = 0;
    for (auto at = mails.find(words); at != std::string::npos; at = mails.find(words, at + 1))
      ++count;
    return count;
  };
  CHECK(told() == 1);
  m.stop();
  m.start();
  m.minutes(2, true);
  CHECK(m.silent() == std::vector{false, false});
  m.minutes(12, false);  // what it learned has outlasted the restart
  CHECK(m.said_of("has been silent since") == 2);
  m.settle();
  CHECK(told() == 2);
  m.minutes(1, true);
  CHECK(m.said_of(m.second() + " is written again") == 1);
}

TEST_CASE(
    "A log that grows by another program's lines is a fault after a minute, until Exim writes") {
  Machine m(lab::scratch() + "-strange");
  m.start();
  const auto add = [&] {
    m.write("Nov 23 10:56:18 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT\n");
    m.forward(20s);
    m.one_turn(0s);
  };
  for (int i = 0; i < 3; ++i) add();
  CHECK(m.engine().faults().empty());
  for (int i = 0; i < 3; ++i) add();
  REQUIRE(m.engine().faults().size() == 1);
  CHECK(m.engine().faults()[0] == m.log() + ": not one line of it is an entry of Exim's");
  CHECK(m.engine().metrics().log_fault);
  m.write(m.line("nobody"));
  m.forward(20s);
  m.one_turn(0s);
  m.forward(20s);
  m.one_turn(0s);
  CHECK(m.engine().faults().empty());
}
