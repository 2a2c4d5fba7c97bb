// The report of notify.report: once for each period, whatever happens around its time.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "tests/catch.h"
#include "tests/durability/faults.h"
#include "tests/durability/lab.h"

using namespace std::chrono_literals;
using lab::Machine;

namespace {

struct Daily : Machine {
  Daily() : Machine(lab::scratch() + "-report") {
    config().notify.report = agent::ReportPeriod::daily;
  }
  [[nodiscard]] std::size_t mails_with(const std::string& words) const {
    const auto all = lab::read_file(path("mails"));
    std::size_t count = 0;
    for (auto at = all.find(words); at != std::string::npos; at = all.find(words, at + 1)) ++count;
    return count;
  }
  [[nodiscard]] std::size_t reports() const { return mails_with("exiwarden history --since"); }
  void block(const std::string& user) {
    rejections(user, 3);
    settle();
  }
};

}  // namespace

TEST_CASE("A report comes once a day and tells of that day") {
  Daily m;
  m.start();
  m.block("alice");
  m.free_user("alice");
  m.settle();
  CHECK(m.reports() == 0);
  m.forward(24h);
  m.settle();
  CHECK(m.reports() == 1);
  CHECK(m.mails_with("Blocked: 1\n") == 1);
  CHECK(m.mails_with("user alice") > 0);
  CHECK(m.mails_with("Freed: 1\n") == 1);
  CHECK(m.mails_with("0 senders  " + m.list()) == 1);
  m.forward(24h);
  m.settle();
  CHECK(m.reports() == 2);
  CHECK(m.mails_with("Blocked: ") == 1);  // that was the day before
  // Nothing is due twice, and one report tells of all that was missed.
  m.stop();
  m.start();
  m.settle();
  CHECK(m.reports() == 2);
  m.stop();
  m.forward(24h * 4);
  m.start();
  m.settle();
  CHECK(m.reports() == 3);
}

TEST_CASE("A report that was not wanted before begins when it is") {
  Daily m;
  m.config().notify.report = agent::ReportPeriod::none;
  m.start();
  m.block("alice");
  m.forward(48h);
  m.settle();
  CHECK(m.reports() == 0);
  m.config().notify.report = agent::ReportPeriod::daily;
  m.reload();
  m.settle();
  CHECK(m.reports() == 0);
  m.forward(24h);
  m.settle();
  CHECK(m.reports() == 1);
  CHECK(m.mails_with("Blocked: ") == 0);
}

TEST_CASE("A history that can't be read is said in the report, which comes all the same") {
  Daily m;
  m.start();
  m.settle();
  m.stop();
  m.forward(24h);
  m.remove("../state/history.sqlite");
  REQUIRE(::mkdir((m.path("state") + "/history.sqlite").c_str(), 0700) == 0);
  m.start();
  m.settle();
  CHECK(m.reports() == 1);
  CHECK(m.mails_with("Does not work now\n") == 1);
}

// From before its time to after it, killed at each change on the way.
TEST_CASE("Killed at any change, a report is sent, and its notice no more often than others are") {
  std::size_t points = 0;
  for (std::uint64_t at = 1;; ++at, ++points) {
    INFO("change " << at);
    Daily m;
    m.start();
    m.block("alice");
    m.stop();
    m.forward(24h);
    const auto pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      ::alarm(60);
      faults::arm({faults::Mode::kill_before, at});
      m.start();
      m.settle();
      m.stop();
      ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    REQUIRE(WIFEXITED(status));
    m.forward(60s);
    m.start();
    m.settle();
    CHECK(m.reports() >= 1);
    CHECK(m.reports() <= 2);
    m.forward(60s);
    m.settle();
    CHECK(m.reports() <= 2);
    if (WEXITSTATUS(status) == 0) {
      CHECK(m.reports() == 1);
      break;
    }
    REQUIRE(WEXITSTATUS(status) == faults::kDied);
  }
  CHECK(points > 5);
}
