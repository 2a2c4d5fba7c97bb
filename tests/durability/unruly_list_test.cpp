// What hands and other programs do to one list is that list's trouble: the logs are read on, other
// lists are written, nobody is blocked again too early, and no trouble is said over and over.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>

#include "actions/lists/lsearch.h"
#include "tests/catch.h"
#include "tests/durability/faults.h"
#include "tests/durability/lab.h"

using namespace std::chrono_literals;
using lab::Machine;

namespace {

namespace fs = std::filesystem;
using Keys = std::vector<std::string>;

// Two rules of the same limit, each with a list.
struct Two : Machine {
  Two() : Machine(lab::scratch() + "-unruly") {
    auto other = config().rules[0];
    other.name = "others";
    other.list = path("lists/others");
    config().rules.push_back(other);
  }
  [[nodiscard]] Keys others() const {
    Keys keys;
    for (const auto& entry : actions::read_list(lab::read_file(path("lists/others"))))
      keys.push_back(entry.key);
    return keys;
  }
  [[nodiscard]] bool blocked(const std::string& user) {
    return engine().pipeline().counting().is_blocked(0, user);
  }
  [[nodiscard]] std::ptrdiff_t said_of(const std::string& words) const {
    const auto all = said();
    return std::count_if(all.begin(), all.end(), [&](const std::string& line) {
      return line.find(words) != std::string::npos;
    });
  }
  // Nothing is to be done at once: a service would sleep.
  [[nodiscard]] bool idle() {
    const bool more = one_turn(0ms);
    return !more && engine().due() > agent::Engine::Steady(std::chrono::hours(1) + hands().time);
  }
};

struct Trouble {
  const char* name;
  std::function<void(const std::string&)> make;
  const char* said;
};
const Trouble kTroubles[] = {
    {"a link",
     [](const std::string& list) {
       fs::rename(list, list + ".real");
       fs::create_symlink(list + ".real", list);
     },
     "links are not followed"},
    {"a FIFO",
     [](const std::string& list) {
       fs::remove(list);
       REQUIRE(::mkfifo(list.c_str(), 0644) == 0);
     },
     "a FIFO, not a regular file"},
    {"a directory",
     [](const std::string& list) {
       fs::remove(list);
       fs::create_directory(list);
     },
     "a directory, not a regular file"},
};

}  // namespace

TEST_CASE("A list that can't be read, with keys gone from it, holds up nothing but itself") {
  for (const auto& trouble : kTroubles) {
    INFO(trouble.name);
    Two m;
    m.start();
    m.rejections("alice", 3);
    m.settle();
    REQUIRE(m.listed() == Keys{"alice"});
    m.forward(2s);
    m.edit("# by hand\n", true);
    m.one_turn(1ms);  // alice's line is missed
    trouble.make(m.list());
    m.rejections("bob", 3);
    m.turns(4, 20ms);
    CHECK(m.others() == Keys{"alice", "bob"});
    CHECK(m.blocked("alice"));
    CHECK(m.idle());
    m.turns(60, 1s);
    CHECK(m.said_of(trouble.said) == 1);
    CHECK(m.engine().metrics().pending_blocks == 1);
    CHECK(m.engine().faults().size() == 1);
    fs::remove_all(m.list());
    m.edit("# by hand\n");
    m.settle();
    CHECK(m.listed() == Keys{"bob"});
    CHECK_FALSE(m.blocked("alice"));
    m.forward(2s);
    m.rejections("alice", 2);
    m.settle();
    CHECK(m.listed() == Keys{"bob"});
    m.rejections("alice", 1);
    m.settle();
    CHECK(m.listed() == Keys{"alice", "bob"});
    CHECK(m.engine().faults().empty());
  }
}

TEST_CASE("While a list's keys are in doubt the log is read on, and what it says then is counted") {
  struct Row {
    const char* what;
    int during, after;  // lines of the sender in doubt
    bool comes_back;    // its line does
    bool listed, told_again;
  };
  const Row rows[] = {
      {"freed, below the limit", 2, 0, false, false, false},
      {"freed, the limit reached later", 2, 1, false, true, true},
      {"freed, the limit reached meanwhile", 3, 0, false, true, true},
      {"freed, more than the limit meanwhile", 7, 2, false, true, true},
      {"not freed", 2, 1, true, true, false},
      {"not freed, whatever the log says meanwhile", 7, 7, true, true, false},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    Two m;
    m.start();
    m.rejections("alice", 3);
    m.settle();
    const auto line = m.list_text();
    m.forward(2s);
    m.edit("", true);
    m.one_turn(1ms);
    m.rejections("alice", row.during);
    m.rejections("bob", 3);
    m.one_turn(1ms);
    CHECK(m.others() == Keys{"alice", "bob"});
    CHECK(m.list_text().empty());  // an editor may be at it
    if (row.comes_back) m.edit(line, true);
    m.turns(4, 60ms);
    m.rejections("alice", row.after);
    m.settle();
    CHECK(m.listed() == (row.listed ? Keys{"alice", "bob"} : Keys{"bob"}));
    CHECK(m.blocked("alice") == row.listed);
    int told = 0;
    for (const auto& [notice, times] : m.told()) told += notice.starts_with("alice") ? times : 0;
    CHECK(told == (row.told_again ? 3 : 2));  // of both rules, and once more of the first
    CHECK(m.said_of("alice is free again") == (row.comes_back ? 0 : 1));
  }
}

TEST_CASE(
    "A stop, a crash or a reload in the midst of a doubt loses nothing that was counted in it") {
  for (const char* what : {"stop", "crash", "reload"}) {
    INFO(what);
    Two m;
    m.start();
    m.rejections("alice", 3);
    m.settle();
    m.turns(1, 11s);
    m.forward(2s);
    m.edit("", true);
    m.forward(2s);
    m.one_turn(1ms);
    m.rejections("alice", 2);
    m.one_turn(1ms);
    if (what == std::string("stop")) m.stop();
    if (what == std::string("crash")) m.kill();
    if (what == std::string("reload")) m.reload();
    m.forward(5s);
    if (!m.running()) m.start();
    m.settle();
    CHECK(m.listed().empty());
    m.rejections("alice", 1);
    m.settle();
    CHECK(m.listed() == Keys{"alice"});
  }
}

TEST_CASE("Who was freed while the service was down is not blocked again by lines of that second") {
  Two m;
  m.start();
  m.rejections("alice", 3);
  m.settle();
  m.turns(1, 11s);
  m.kill();
  m.forward(2s);
  m.rejections("alice", 4);
  m.edit("# by hand\n");
  m.start();
  m.turns(4, 1s);
  CHECK(m.listed().empty());
  CHECK(m.said_of("alice is free again") == 1);
  m.rejections("alice", 3);
  m.settle();
  CHECK(m.listed() == Keys{"alice"});
}

TEST_CASE(
    "Lines that lie unread when a list's change is seen are not a freed sender's fresh ones") {
  Two m;
  m.start();
  m.rejections("alice", 3);
  m.settle();
  m.forward(2s);
  m.rejections("alice", 2);
  m.edit("# by hand\n");
  m.turns(4, 60ms);
  CHECK(m.said_of("alice is free again") == 1);
  m.forward(2s);
  m.rejections("alice", 2);
  m.settle();
  CHECK(m.listed().empty());
  m.rejections("alice", 1);
  m.settle();
  CHECK(m.listed() == Keys{"alice"});
}

TEST_CASE("inotify's order tells whether unread lines are older than a list's change") {
  struct Case {
    const char* name;
    int before, after;  // lines written before the change and after it, all of them unread
    bool blocked;
  };
  const Case cases[] = {{"all older", 3, 0, false},
                        {"all fresh", 0, 3, true},
                        {"too few fresh ones", 0, 2, false},
                        {"mixed: to the sender's good", 1, 3, false}};
  for (const auto& at : cases) {
    INFO(at.name);
    auto inotify = agent::Inotify::open();
    REQUIRE(inotify);
    Two m;
    m.inotify = &inotify.value();
    m.start();
    m.rejections("alice", 3);
    m.settle();
    REQUIRE(m.listed() == Keys{"alice"});
    m.forward(2s);
    m.rejections("alice", at.before);
    m.edit("# by hand\n");
    m.rejections("alice", at.after);
    m.turns(1, 10ms);
    m.turns(20, 100ms);
    CHECK(m.said_of("alice is free again") == 1);
    CHECK(m.listed() == (at.blocked ? Keys{"alice"} : Keys{}));
  }
}

TEST_CASE("Fresh lines count whatever lies unread when the doubt about a list ends") {
  auto inotify = agent::Inotify::open();
  REQUIRE(inotify);
  std::chrono::milliseconds spent{0};
  Two m;
  m.inotify = &inotify.value();
  m.spent = [&] { return spent; };
  m.start();
  m.rejections("alice", 3);
  m.settle();
  m.forward(2s);
  m.edit("# by hand\n");
  m.rejections("alice", 1);
  m.turns(1, 10ms);
  // A busy log: a turn has not the time to read all of it.
  m.rejections("bob", 20'000);
  spent = 300ms;
  REQUIRE(m.one_turn(10ms));
  m.one_turn(60ms);
  spent = 0ms;
  CHECK(m.said_of("alice is free again") == 1);
  m.rejections("alice", 2);  // in the second of the edit
  m.settle();
  CHECK(m.said_of("alice is free again") == 1);
  CHECK(m.listed() == Keys{"alice", "bob"});
}

TEST_CASE("A block lost in an edit that began before it is written again, each time") {
  Two m;
  m.start();
  for (int time = 1; time < 4; ++time) {
    m.rejections("alice", 3);
    m.settle();
    m.forward(2s);
    m.edit("# by hand\n");
    m.settle();
    CHECK(m.listed().empty());
    const auto edited = m.list() + ".edited";
    std::ofstream(edited) << "# by hand, " << time << "\n";
    m.rejections("alice", 3);
    m.settle();
    REQUIRE(m.listed() == Keys{"alice"});
    fs::rename(edited, m.list());
    m.settle();
    CHECK(m.listed() == Keys{"alice"});
    CHECK(m.said_of("alice was lost in somebody's edit") == time);
    m.forward(2s);
    m.edit("", true);
    m.settle();
  }
}

TEST_CASE("A list that somebody never stops writing to is believed after a second") {
  Two m;
  m.start();
  m.rejections("alice", 3);
  m.settle();
  for (int i = 0; i < 150; ++i) {
    m.edit(fmt::format("# {}\n", i), true);
    m.one_turn(10ms);
  }
  CHECK_FALSE(m.blocked("alice"));
  m.rejections("bob", 3);
  m.turns(2, 10ms);
  CHECK(m.listed() == Keys{"bob"});
}

TEST_CASE("An identity that no line can hold is told of once, and keeps no other out of its list") {
  Two m;
  m.start();
  const std::string huge(1500, 'a');
  m.rejections(huge, 3);
  m.settle();
  fs::create_directory(m.list());  // so that blocks have to wait
  m.rejections("victim", 3);
  m.settle();
  for (const bool restart : {false, true}) {
    if (restart) {
      m.kill();
      m.start();
    }
    m.rejections(huge, 20);
    m.turns(5, 1s);
    CHECK(m.engine().metrics().pending_blocks == 1);
  }
  fs::remove(m.list());
  m.settle();
  CHECK(m.listed() == Keys{"victim"});
  CHECK(m.others() == Keys{"victim"});
  m.turns(5, 20s);
  CHECK(m.engine().metrics().pending_blocks == 0);
  CHECK(m.decided().size() == 4);
  CHECK(m.said_of("no line can hold") == 2);  // each list's
  int told = 0;
  for (const auto& [notice, times] : m.told()) told += notice.starts_with(huge) ? times : 0;
  CHECK(told == 2);
  CHECK(lab::read_file(m.path("mails")).find("no line can hold an id of 1500 bytes") !=
        std::string::npos);
  // Who is exempt is not set aside any more.
  m.config().exempt.users = {huge};
  m.reload();
  m.turns(2, 20s);
  CHECK_FALSE(m.blocked(huge));
}

namespace {

// A machine without notices, which are dear and no subject here.
struct Quiet : Machine {
  Quiet() : Machine(lab::scratch() + "-unruly") { config().notify.to.clear(); }
};

// Three lines of each of so many users, one write.
void burst(Machine& m, int users, const std::string& prefix = "user") {
  std::string text;
  for (int i = 0; i < users; ++i) {
    for (int k = 0; k < 3; ++k) text += m.line(prefix + std::to_string(i));
  }
  m.write(text);
}

}  // namespace

TEST_CASE(
    "What a burst of blocks costs depends neither on the list's length nor on who wrote to it") {
  constexpr int kBlocks = 5000;
  struct Row {
    const char* what;
    int there;  // lines by hand; -1: no file
    bool hand;  // writes to it meanwhile
  };
  std::uint64_t most = 0;
  for (const auto& row :
       {Row{"no list", -1, false}, Row{"an empty one", 0, false}, Row{"by hand", 1, true},
        Row{"long", 20000, false}, Row{"long, by hand", 20000, true}}) {
    INFO(row.what);
    Quiet m;
    std::string text;
    for (int i = 0; i < row.there; ++i) text += fmt::format("hand{}: by hand\n", i);
    if (row.there >= 0) m.edit(text);
    m.start();
    m.settle();
    faults::arm({});
    for (int part = 0; part < 10; ++part) {
      if (row.hand) std::ofstream(m.list(), std::ios::app) << fmt::format("more{}\n", part);
      burst(m, kBlocks / 10, fmt::format("user{}-", part));
      m.turns(1, 100ms);
    }
    most = std::max(most, faults::calls());
    faults::disarm();
    CHECK(m.listed().size() ==
          static_cast<std::size_t>(kBlocks + std::max(row.there, 0) + (row.hand ? 10 : 0)));
    m.settle();
    CHECK(m.engine().metrics().decisions == kBlocks);
  }
  CHECK(most < kBlocks);  // system calls on the files
}

TEST_CASE("Blocks that end together are taken out together") {
  Quiet m;
  m.config().rules[0].block_for = {60s};
  m.start();
  burst(m, 2000);
  m.settle();
  REQUIRE(m.listed().size() == 2000);
  const auto said = m.said().size();
  m.forward(120s);
  faults::arm({});
  const bool by_log = GENERATE(false, true);
  if (by_log) m.forward(-61s);
  if (by_log) burst(m, 2000);
  m.settle();
  CHECK(faults::calls() < 2000);
  faults::disarm();
  CHECK(m.listed().size() == (by_log ? 2000 : 0));
  CHECK(m.said().size() < said + 30);
}

TEST_CASE("Of many that are freed at once the first few are said, and how many there were") {
  Quiet m;
  m.start();
  burst(m, 1000);
  m.settle();
  const auto before = m.said().size();
  m.forward(2s);
  m.edit("", true);
  m.settle();
  CHECK(m.engine().pipeline().counting().blocked(0).empty());
  const auto said = m.said();
  CHECK(said.size() < before + 10);
  CHECK(said.back().find("995 more are free again") != std::string::npos);
}

TEST_CASE("A list's directory that is gone is made again for the next line") {
  Two m;
  m.start();
  m.rejections("alice", 3);
  m.settle();
  fs::remove_all(m.path("lists"));
  m.settle();
  m.rejections("bob", 3);
  m.settle();
  CHECK(m.listed() == Keys{"bob"});
  CHECK(m.others() == Keys{"bob"});
}

TEST_CASE(
    "An end that an admin writes counts wherever it stands, and one that is no time is said") {
  struct Row {
    const char* data;
    bool ends;
  };
  const Row rows[] = {
      {"until=2001-01-01T00:00:00+00:00", true},
      {"by hand until=2001-01-01T00:00:00Z", true},
      {"until=2001-01-01T00:00:00Z by hand", true},
      {"until=2001-01-01T00:00:00", false},
      {"by hand until=tomorrow", false},
      {"not until=", false},
      {"reason=until=tomorrow", true /* of no concern: see below */},
  };
  for (const auto& row : rows) {
    INFO(row.data);
    Two m;
    m.start();
    m.edit(fmt::format("alice: {}\n", row.data));
    m.settle();
    m.turns(3, 16s);
    const bool reason = std::string(row.data).starts_with("reason=");
    CHECK(m.listed().empty() == (row.ends && !reason));
    CHECK(m.said_of("alice is blocked without end") == (row.ends ? 0 : 1));
  }
}
