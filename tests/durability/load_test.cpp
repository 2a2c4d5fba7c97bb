// A writer that is faster than the agent, and a month of lines: lag is seen and made up for,
// nothing is skipped, and memory, open files and checkpoint stay as they are. "[long]" takes 10^8
// lines.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include "tests/catch.h"
#include "tests/durability/lab.h"

using namespace std::chrono_literals;
using lab::Machine;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

struct Use {
  std::size_t memory = 0, files = 0, checkpoint = 0;
};

Use use(const Machine& m) {
  Use use;
  std::size_t pages = 0;
  std::ifstream statm("/proc/self/statm");
  statm >> pages >> pages;
  use.memory = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    use.files += entry.exists() ? 1 : 0;
  std::error_code error;
  use.checkpoint = std::filesystem::file_size(m.path("state/checkpoint"), error);
  return use;
}

// A minute of a busy server: one line in ten is a refusal, of one of `identities`; nobody reaches a
// limit of 100 an hour but the `spammer` of the day.
class Traffic {
 public:
  // One line in `spam_every` is the spammer's.
  Traffic(unsigned identities, unsigned spam_every)
      : identities_(identities), spam_every_(spam_every) {}

  std::string minute(const Machine& m, unsigned lines, const std::string& spammer) {
    const auto stamp = m.stamp();
    std::string text;
    text.reserve(std::size_t{lines} * 170);
    for (unsigned i = 0; i < lines; ++i) {
      text += stamp;
      if (i % 10 != 0) {
        text +=
            " 1xVRUA-00002H-0Z => someone@example.net R=dnslookup T=remote_smtp H=mx.example.net "
            "[203.0.113.9] X=TLS1.3:ECDHE_X25519__RSA:256 CV=yes C=\"250 OK id=1xVRUB\"\n";
        continue;
      }
      const bool spam = i % spam_every_ == 0;
      text += " H=(client.test) [192.0.2.1] F=<a@example.com> A=plain:";
      text += spam ? spammer : "user" + std::to_string(random_() % identities_);
      text += " rejected RCPT <no@example.com>: Unrouteable address\n";
    }
    return text;
  }

 private:
  unsigned identities_, spam_every_;
  std::minstd_rand random_{4711};
};

void a_month(unsigned days, unsigned minutes_a_day, unsigned lines_a_minute, unsigned identities,
             unsigned spam_every) {
  Machine m(lab::scratch() + "-soak");
  m.config().rules[0].limit = 100;
  m.config().state.max_identities = identities * 2;
  m.start();
  Traffic traffic(identities, spam_every);
  std::vector<Use> uses;
  std::uint64_t lines = 0;
  std::set<std::string> spammers;
  for (unsigned day = 0; day < days; ++day) {
    const auto spammer = fmt::format("spammer{}", day);
    for (unsigned minute = 0; minute < minutes_a_day; ++minute) {
      m.write(traffic.minute(m, lines_a_minute, spammer));
      lines += lines_a_minute;
      m.turns(1, 1min * (1440 / minutes_a_day));
    }
    spammers.insert(spammer);
    uses.push_back(use(m));
    m.remove("mainlog.2");
    if (std::filesystem::exists(m.path("log/mainlog.1"))) m.rename("mainlog.1", "mainlog.2");
    m.rename("mainlog", "mainlog.1");
  }
  m.settle();
  CHECK(m.engine().metrics().reader.lines == lines);
  CHECK(m.engine().metrics().lag_bytes == 0);
  CHECK(m.listed() == std::vector<std::string>(spammers.begin(), spammers.end()));
  // The first days fill what then stays.
  const auto half = uses.begin() + static_cast<std::ptrdiff_t>(uses.size() / 3);
  const auto most = [](auto from, auto to, auto member) {
    std::size_t value = 0;
    for (; from != to; ++from) value = std::max(value, (*from).*member);
    return value;
  };
  for (const auto& [name, member] : {std::pair("memory", &Use::memory),
                                     {"files", &Use::files},
                                     {"checkpoint", &Use::checkpoint}}) {
    const auto before = most(uses.begin(), half + 1, member),
               after = most(half, uses.end(), member);
    INFO(name << ": at first " << before << ", in the end " << after);
    if (kSanitized && member == &Use::memory) continue;  // what was given back is kept for a while
    // Blocked senders stay, with their evidence.
    const std::size_t kept = member == &Use::checkpoint ? 4096 * spammers.size() : 8;
    CHECK(after <= before + before / 10 + kept);
  }
  fmt::print(
      "soak: {} days, {} lines, {} identities; in the end {} KiB of memory (first day {}), {} "
      "files, "
      "checkpoint {} KiB\n",
      days, lines, m.engine().metrics().identities, uses.back().memory / 1024,
      uses.front().memory / 1024, uses.back().files, uses.back().checkpoint / 1024);
  std::fflush(stdout);
}

void too_fast(unsigned blocks, unsigned lines_a_block, unsigned identities) {
  Machine m(lab::scratch() + "-overload");
  m.config().rules[0].limit = 100;
  m.start();
  m.turns(1, 11s);
  Traffic traffic(identities, 500);
  std::uint64_t lines = 0, most = 0;
  for (unsigned block = 0; block < blocks; ++block) {
    m.write(traffic.minute(m, lines_a_block, "spammer"));
    lines += lines_a_block;
    CHECK(m.one_turn(100ms));  // there is more
    const auto lag = m.engine().metrics().lag_bytes;
    CHECK(lag > most);
    most = lag;
    if (block == blocks / 2) {
      // In the midst of it the list is seen to be edited, and a restart loses nothing.
      m.edit(m.list_text() + "by-hand\n");
      m.one_turn(100ms);
      m.one_turn(100ms);
      CHECK(m.engine().pipeline().counting().is_blocked(0, "by-hand"));
      m.rename("mainlog", "mainlog.1");
      m.kill();
      m.start();
      most = 0;
    }
  }
  int turns = 0;
  while (m.one_turn(1ms)) ++turns;
  CHECK(m.engine().metrics().lag_bytes == 0);
  m.settle();
  CHECK(m.listed() == std::vector<std::string>{"by-hand", "spammer"});
  fmt::print("overload: {} lines, up to {} KiB behind, made up for in {} turns\n", lines,
             most / 1024, turns);
  std::fflush(stdout);
}

}  // namespace

// A turn ends after 200 ms.
TEST_CASE("Blocks that take longer to announce than a turn may last: none is lost") {
  constexpr int kUsers = 12;
  for (int turns = 1; turns <= 8; ++turns) {
    for (const bool killed : {false, true}) {
      DYNAMIC_SECTION((killed ? "killed" : "stopped") << " after turn " << turns) {
        Machine m(lab::scratch() + "-load");
        int asked = 0;
        m.spent = [&] { return 50ms * (++asked % 8); };
        m.start();
        m.turns(2, 1s);
        for (int user = 0; user < kUsers; ++user) m.rejections(fmt::format("user{}", user), 3);
        std::size_t most = 0;
        for (int turn = 0; turn < turns; ++turn) {
          const auto before = m.decided().size();
          m.one_turn(turn == 0 ? 200ms : 1ms);
          most = std::max(most, m.decided().size() - before);
        }
        CHECK(m.listed().size() == kUsers);  // lines come first, all at once
        CHECK(most > 0);
        CHECK(most <= 8);
        killed ? m.kill() : m.stop();
        if (!killed) CHECK(m.decided().size() == kUsers);
        m.start();
        for (int i = 0; i < 3; ++i) m.settle();  // a mail a turn
        CHECK(m.listed().size() == kUsers);
        CHECK(m.decided().size() == kUsers);
        int mails = 0;
        for (const auto& [what, times] : m.told()) mails += times;
        CHECK(m.told().size() == kUsers);
        // Of the one that was handed over nobody may know what became of it.
        CHECK(mails <= kUsers + (killed ? 1 : 0));
      }
    }
  }
}

TEST_CASE("A writer that is faster than the agent") {
  too_fast(4, 60'000, 1000);
}

TEST_CASE("A simulated week: memory, files and checkpoint stay as they are") {
  a_month(7, 24, 2000, 300, 20);
}

TEST_CASE("A writer that is much faster than the agent", "[.long]") {
  too_fast(40, 200'000, 100'000);
}

TEST_CASE("A simulated month of 10^8 lines", "[.long]") {
  a_month(30, 96, 34'723, 100'000, 500);  // with 1,440 looks a day it saves for an hour
}
