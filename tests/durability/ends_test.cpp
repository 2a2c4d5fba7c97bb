// Blocks that end by themselves, on disk: the line goes at its time, whatever happens around it,
// and what an admin makes of the line counts.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "actions/lists/lsearch.h"
#include "agent/core/list_lines.h"
#include "tests/catch.h"
#include "tests/durability/faults.h"
#include "tests/durability/lab.h"

using namespace std::chrono_literals;
using lab::Machine;

namespace {

using Keys = std::vector<std::string>;

struct Fresh : Machine {
  Fresh() : Machine(lab::scratch() + "-ends") { config().rules[0].block_for = {60s, 600s}; }
  void block(const std::string& user) {
    rejections(user, 3);
    settle();
  }
  [[nodiscard]] bool said_so(const std::string& words) const {
    const auto all = said();
    return std::any_of(all.begin(), all.end(), [&](const std::string& line) {
      return line.find(words) != std::string::npos;
    });
  }
  [[nodiscard]] bool says_until(std::chrono::seconds length) const {
    const auto entries = actions::read_list(list_text());
    if (entries.empty()) return false;
    const auto until = agent::ends_at(entries.front().data);
    const auto decided = agent::decided_at(entries.front().data);
    return until && decided && *until - *decided == length;
  }
};

}  // namespace

TEST_CASE("A block ends at its time, and the next one is longer") {
  Fresh m;
  m.start();
  m.block("alice");
  CHECK(m.listed() == Keys{"alice"});
  CHECK(m.says_until(60s));
  m.forward(45s);
  m.settle();
  CHECK(m.listed() == Keys{"alice"});
  m.forward(15s);
  m.settle();
  CHECK(m.listed().empty());
  CHECK(m.said_so("alice is free again, its block has ended"));
  m.rejections("alice", 2);
  m.settle();
  CHECK(m.listed().empty());  // a fresh window
  m.rejections("alice", 1);
  m.settle();
  CHECK(m.says_until(600s));
  CHECK(m.told().size() == 2);
  CHECK(m.engine().metrics().blocks_ended == 1);
}

TEST_CASE("A block whose end comes while nobody watches") {
  Fresh m;
  m.start();
  m.block("alice");
  const bool crash = GENERATE(false, true);
  crash ? m.kill() : m.stop();
  m.forward(100s);
  m.start();
  m.settle();
  CHECK(m.listed().empty());
  m.block("alice");
  CHECK(m.says_until(600s));
}

TEST_CASE("A crash after the line was taken out, before it was saved") {
  Fresh m;
  m.start();
  m.block("alice");
  m.kill();
  m.forward(100s);
  m.edit("");
  m.start();
  m.settle();
  CHECK_FALSE(m.said_so("freed meanwhile"));
  m.block("alice");
  CHECK(m.says_until(600s));
}

TEST_CASE("Freed by hand, the next block is a first one") {
  Fresh m;
  m.start();
  m.block("alice");
  m.free_user("alice");
  m.settle();
  CHECK(m.said_so("alice is free again; counting anew"));
  m.block("alice");
  CHECK(m.says_until(60s));
}

TEST_CASE("What an admin makes of a line counts") {
  Fresh m;
  m.start();
  m.block("alice");
  const auto text = m.list_text();
  const auto until = text.find(" until=");
  REQUIRE(until != std::string::npos);
  SECTION("without an end it stays") {
    m.edit(text.substr(0, until) + "\n");
    m.settle();
    m.forward(1h);
    m.settle();
    CHECK(m.listed() == Keys{"alice"});
  }
  SECTION("in an admin's own words it stays") {
    m.edit("# by me\nalice: phished\n");
    m.settle();
    m.forward(1h);
    m.settle();
    CHECK(m.list_text() == "# by me\nalice: phished\n");
  }
  SECTION("with another end it ends then") {
    auto later = text;
    later.replace(until + 7, 4, "2999");
    m.edit(later + "bob: x until=2001-01-01T00:00:00+00:00\n");
    m.settle();
    m.forward(1h);
    m.settle();
    CHECK(m.listed() == Keys{"alice"});
  }
  SECTION("other lines stay byte for byte") {
    m.edit("# first\n\n" + text + "bob : x\n# last");
    m.settle();
    m.forward(1h);
    m.settle();
    CHECK(m.list_text() == "# first\n\nbob : x\n# last");
  }
}

TEST_CASE("An old log that is caught up with: blocks that are over leave no line") {
  Fresh m;
  m.rejections("alice", 3);
  m.forward(70s);
  m.rejections("alice", 3);
  m.rejections("bob", 3);
  m.forward(100s);
  m.start();
  m.settle();
  CHECK(m.listed() == Keys{"alice"});  // the second, for 600 s
  CHECK(m.says_until(600s));
  CHECK(m.decided().size() == 3);
  CHECK(m.told().size() == 3);
}

TEST_CASE("A configuration without ends keeps those that lines have") {
  Fresh m;
  m.start();
  m.block("alice");
  m.config().rules[0].block_for.clear();
  m.reload();
  m.settle();
  CHECK(m.listed() == Keys{"alice"});
  m.forward(100s);
  m.settle();
  CHECK(m.listed().empty());
}

// The story of one block, from its first line to after its end, killed at each change on the way.
TEST_CASE("Killed at any change, a block ends all the same, and the next one is longer") {
  std::size_t points = 0;
  for (const auto mode : {faults::Mode::kill_before, faults::Mode::kill_torn}) {
    for (std::uint64_t at = 1;; ++at, ++points) {
      INFO("mode " << static_cast<int>(mode) << ", change " << at);
      Fresh m;
      m.rejections("alice", 3);
      const auto pid = ::fork();
      REQUIRE(pid >= 0);
      if (pid == 0) {
        ::alarm(60);
        faults::arm({mode, at});
        m.start();
        m.settle();
        m.forward(100s);
        m.settle();
        m.stop();
        ::_exit(0);
      }
      int status = 0;
      REQUIRE(::waitpid(pid, &status, 0) == pid);
      REQUIRE(WIFEXITED(status));
      m.forward(300s);
      m.start();
      m.settle();
      CHECK(m.listed().empty());
      m.block("alice");
      CHECK(m.says_until(600s));
      CHECK(m.told().size() == 2);
      for (const auto& [notice, times] : m.told()) CHECK(times <= 2);
      if (WEXITSTATUS(status) == 0) break;
      REQUIRE(WEXITSTATUS(status) == faults::kDied);
    }
  }
  CHECK(points > 20);
}
