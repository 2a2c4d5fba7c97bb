// Whatever is done to the log, running or away, each line counts once: two of a user's three lines
// are written before, the third after; a bystander's two lines must never become three.
#include <poll.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "tests/catch.h"
#include "tests/durability/lab.h"

using namespace std::chrono_literals;
using lab::Machine;

namespace {

struct Style {
  const char* name;
  std::function<void(Machine&)> rotate;
  int missing = 0;  // files whose rest can't be found
};

const std::vector<Style> kStyles{
    {"nothing", [](Machine&) {}},
    {"rename, the log comes with the next line",
     [](Machine& m) { m.rename("mainlog", "mainlog.1"); }},
    {"rename and create",
     [](Machine& m) {
       m.rename("mainlog", "mainlog.1");
       m.append("mainlog", "");
     }},
    {"to an olddir",
     [](Machine& m) {
       std::filesystem::create_directory(m.path("log/old"));
       m.rename("mainlog", "old/mainlog.1");
       m.append("mainlog", "");
     }},
    {"to an olddir, packed",
     [](Machine& m) {
       std::filesystem::create_directory(m.path("log/old"));
       m.rename("mainlog", "old/mainlog.1");
       m.compress("old/mainlog.1");
     }},
    {"rename, create, compress",
     [](Machine& m) {
       m.rename("mainlog", "mainlog.1");
       m.append("mainlog", "");
       m.compress("mainlog.1");
     }},
    {"exicyclog twice",
     [](Machine& m) {
       m.rename("mainlog", "mainlog.01");
       m.append("mainlog.77", "");
       m.rename("mainlog.77", "mainlog");
       m.write(m.line("carol"));
       m.rename("mainlog.01", "mainlog.02");
       m.rename("mainlog", "mainlog.01");
       m.append("mainlog.78", "");
       m.rename("mainlog.78", "mainlog");
       m.compress("mainlog.02");
     }},
    {"three times",
     [](Machine& m) {
       for (int i = 3; i > 0; --i) {
         m.rename("mainlog", "mainlog." + std::to_string(i));
         m.write(m.line("user" + std::to_string(i)));
       }
     }},
    {"copytruncate", [](Machine& m) { m.copy_and_truncate("mainlog.1"); }},
    {"copytruncate, grown past the old place",
     [](Machine& m) {
       m.copy_and_truncate("mainlog.1");
       for (int i = 0; i < 20; ++i) m.write(m.line("user" + std::to_string(i)));
     }},
    {"copytruncate and compress",
     [](Machine& m) {
       m.copy_and_truncate("mainlog.1");
       m.compress("mainlog.1");
     }},
    {"a backup beside it",
     [](Machine& m) { std::filesystem::copy_file(m.log(), m.path("log/mainlog.bak")); }},
    {"moved away and back",
     [](Machine& m) {
       m.rename("mainlog", "mainlog.x");
       m.rename("mainlog.x", "mainlog");
     }},
    {"replaced by a copy of itself",
     [](Machine& m) {
       std::filesystem::copy_file(m.log(), m.path("log/mainlog.tmp"));
       m.rename("mainlog.tmp", "mainlog");
     }},
    {"to a name that is already packed",
     [](Machine& m) {
       m.rename("mainlog", "mainlog.1");
       m.compress("mainlog.1");
       m.write(m.line("carol"));
       m.rename("mainlog", "mainlog.1");
     }},
};

void two_lines_each(Machine& m) {
  m.rejections("alice", 2);
  m.rejections("bob", 2);
}

void check(Machine& m) {
  CHECK(m.listed() == std::vector<std::string>{"alice"});
  CHECK(m.decided().size() == 1);
  const auto told = m.told();
  REQUIRE(told.size() == 1);
  CHECK(told.begin()->second == 1);
}

}  // namespace

TEST_CASE("Every rotation while the agent runs") {
  for (const auto& style : kStyles) {
    for (const bool all_read : {true, false}) {
      DYNAMIC_SECTION(style.name << (all_read ? ", all read" : ", partly read")) {
        Machine m(lab::scratch() + "-rotation");
        m.config().log.olddirs = {m.path("log/old")};
        m.start();
        if (!all_read) m.rejections("alice", 1);
        if (all_read) two_lines_each(m);
        m.turns(2, 200ms);
        if (!all_read) {
          m.rejections("alice", 1);
          m.rejections("bob", 2);
        }
        style.rotate(m);
        m.turns(2, 200ms);
        m.rejections("alice", 1);
        m.settle();
        m.stop();
        m.start();
        m.settle();
        check(m);
        CHECK(m.engine().metrics().missing_files == 0);
      }
    }
  }
}

TEST_CASE("Every rotation while the agent is away, whose lines were partly read") {
  for (const auto& style : kStyles) {
    for (const bool all_read : {true, false}) {
      for (const bool crash : {true, false}) {
        DYNAMIC_SECTION(style.name << (all_read ? ", all read" : ", partly read")
                                   << (crash ? ", killed" : ", stopped")) {
          Machine m(lab::scratch() + "-rotation");
          m.config().log.olddirs = {m.path("log/old")};
          m.start();
          if (all_read)
            two_lines_each(m);
          else
            m.rejections("alice", 1);
          m.turns(1, 11s);
          if (crash)
            m.kill();
          else
            m.stop();
          if (!all_read) {
            m.rejections("alice", 1);
            m.rejections("bob", 2);
          }
          m.forward(5s);
          style.rotate(m);
          m.rejections("alice", 1);
          m.start();
          m.settle();
          check(m);
          CHECK(m.engine().metrics().missing_files == 0);
        }
      }
    }
  }
}

TEST_CASE("A rotation, then a late line from a process that keeps the old file") {
  Machine m(lab::scratch() + "-rotation");
  m.start();
  two_lines_each(m);
  m.turns(2, 200ms);
  m.rename("mainlog", "mainlog.1");
  m.write(m.line("carol"));
  m.turns(300, 200ms);  // a minute later
  m.append("mainlog.1", m.line("alice"));
  m.settle();
  check(m);
}

TEST_CASE("A late line in the old file while the agent is away") {
  Machine m(lab::scratch() + "-rotation");
  m.start();
  two_lines_each(m);
  m.turns(2, 200ms);
  m.rename("mainlog", "mainlog.1");
  m.write(m.line("carol"));
  m.turns(3, 3600s);
  m.stop();
  m.forward(-10800s);
  m.append("mainlog.1", m.line("alice"));
  m.start();
  m.settle();
  check(m);
}

TEST_CASE("What was read last is gone for good: said and counted, the rest goes on") {
  Machine m(lab::scratch() + "-rotation");
  m.start();
  two_lines_each(m);
  m.turns(1, 11s);
  m.stop();
  std::filesystem::remove(m.log());
  m.rejections("alice", 1);
  m.start();
  m.settle();
  check(m);
  CHECK(m.engine().metrics().missing_files == 1);
}

TEST_CASE("A deleted log is let go, its successor is read") {
  Machine m(lab::scratch() + "-rotation");
  m.start();
  two_lines_each(m);
  m.turns(2, 200ms);
  std::filesystem::remove(m.log());
  m.turns(2, 200ms);
  m.rejections("alice", 1);
  m.turns(40, 500ms);
  check(m);
  int open = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    open +=
        std::filesystem::read_symlink(entry, error).string().ends_with("mainlog (deleted)") ? 1 : 0;
  }
  CHECK(open == 0);
}

TEST_CASE("A log that is a link: its target rotates, and the link is switched") {
  Machine m(lab::scratch() + "-rotation");
  std::filesystem::create_directories(m.path("other"));
  std::filesystem::create_symlink(m.path("other/main"), m.log());
  m.start();
  m.rejections("alice", 1);
  m.turns(2, 200ms);
  std::filesystem::rename(m.path("other/main"), m.path("other/main.1"));
  m.rejections("alice", 1);
  m.rejections("bob", 1);
  m.turns(2, 200ms);
  std::filesystem::remove(m.log());
  std::filesystem::create_symlink(m.path("other/second"), m.log());
  m.rejections("alice", 1);
  m.settle();
  check(m);
}

TEST_CASE("Dated names over midnight") {
  Machine m(lab::scratch() + "-rotation");
  m.config().log.paths = {m.path("log/mainlog-%D")};
  const auto zone = *agent::Zone::named("UTC");
  const auto write = [&](const std::string& user) {
    const auto line = m.line(user);
    const auto day = line.substr(0, 4) + line.substr(5, 2) + line.substr(8, 2);
    m.append("mainlog-" + day, line);
  };
  // To some minutes before midnight.
  const auto line = m.line("x");
  const auto seconds = std::stoi(line.substr(11, 2)) * 3600 + std::stoi(line.substr(14, 2)) * 60;
  m.forward(std::chrono::seconds(86400 - 240 - seconds));
  write("alice");
  m.start();
  m.turns(2, 200ms);
  write("alice");
  write("bob");
  m.forward(400s);
  write("alice");
  m.settle();
  check(m);
}

TEST_CASE("A first start decides only by lines younger than a period, also over crashes") {
  for (const bool crash : {false, true}) {
    Machine m(lab::scratch() + "-rotation");
    m.rejections("old", 3);
    m.forward(2h);
    m.rejections("alice", 3);
    m.start();
    if (crash) {
      m.kill();
      m.start();
    }
    m.settle();
    check(m);
  }
}

TEST_CASE("What a first start decides counts with what lies up to a period before it") {
  Machine m(lab::scratch() + "-rotation");
  m.rejections("alice", 2);
  m.rename("mainlog", "mainlog.1");
  m.forward(40min);
  m.rejections("alice", 1);
  m.forward(40min);
  m.start();
  m.settle();
  CHECK(m.listed() == std::vector<std::string>{"alice"});
}

TEST_CASE("A log that comes while the agent is down, for the first time") {
  for (const bool rotated : {false, true}) {
    Machine m(lab::scratch() + "-rotation");
    m.start();
    m.turns(2, 11s);
    m.stop();
    m.rejections("alice", 3);
    if (rotated) m.rename("mainlog", "mainlog.1");
    m.forward(5h);
    m.start();
    m.settle();
    CHECK(m.listed() == std::vector<std::string>{"alice"});
  }
}

TEST_CASE("Cut away when half a line of it was read, and stopped before the next look") {
  Machine m(lab::scratch() + "-rotation");
  const auto line = m.line("alice");
  m.write(line.substr(0, line.size() / 3));
  m.start();
  m.turns(2, 200ms);
  m.forward(2s);
  m.write(line.substr(line.size() / 3));
  m.rejections("alice", 1);
  m.copy_and_truncate("mainlog.1");
  m.forward(2s);
  m.rejections("alice", 1);
  m.stop();
  m.start();
  m.settle();
  CHECK(m.listed() == std::vector<std::string>{"alice"});
}

TEST_CASE("Down for longer than a period: what was logged meanwhile still decides") {
  Machine m(lab::scratch() + "-rotation");
  m.start();
  m.rejections("alice", 1);
  m.turns(1, 11s);
  m.stop();
  m.rejections("alice", 2);
  m.forward(5h);
  m.start();
  m.settle();
  check(m);
}

TEST_CASE("A damaged checkpoint: set aside, and one period is read again") {
  const std::vector<std::pair<const char*, std::function<std::string(std::string)>>> damages{
      {"cut off", [](std::string text) { return text.substr(0, text.size() / 2); }},
      {"empty", [](std::string) { return std::string(); }},
      {"full of NULs", [](std::string text) { return std::string(text.size(), '\0'); }},
      {"one bit",
       [](std::string text) {
         text[text.size() / 2] ^= 1;
         return text;
       }},
      {"too new", [](std::string text) { return "exiwarden-state 9\n" + text; }},
  };
  for (const auto& [name, damage] : damages) {
    for (const bool both : {false, true}) {
      DYNAMIC_SECTION(name << (both ? ", both generations" : ", the newest")) {
        Machine m(lab::scratch() + "-rotation");
        m.start();
        two_lines_each(m);
        m.settle();
        m.turns(1, 11s);
        m.kill();
        for (const auto* file : {"state/checkpoint", "state/checkpoint.previous"}) {
          const auto text = lab::read_file(m.path(file));
          REQUIRE(!text.empty());
          std::filesystem::remove(m.path(file));
          m.append("../" + std::string(file), damage(text));
          if (!both) break;
        }
        m.rejections("alice", 1);
        m.start();
        m.settle();
        check(m);
        CHECK(std::filesystem::exists(m.path("state/checkpoint.damaged")));
      }
    }
  }
}

TEST_CASE("What is written into other files of the log's directory wakes nobody") {
  auto inotify = agent::Inotify::open();
  REQUIRE(inotify);
  Machine m(lab::scratch() + "-wakes");
  m.append("rejectlog", "x\n");
  m.inotify = &inotify.value();
  m.start();
  m.rejections("alice", 1);
  m.settle();
  // As Exim does it: append() also sets times.
  const auto beside = [&] { std::ofstream(m.path("log/rejectlog"), std::ios::app) << "y\n"; };
  const auto wakes = [&] {
    pollfd inotify_fd{inotify.value().fd(), POLLIN, 0};
    const bool ready = ::poll(&inotify_fd, 1, 0) > 0;
    m.turns(1, 1ms);
    return ready;
  };
  wakes();
  struct Case {
    const char* name;
    std::function<void()> write;
    bool wakes;
  };
  const Case cases[] = {
      {"another log", beside, false},
      {"the log", [&] { m.rejections("alice", 1); }, true},
      {"a rotation", [&] { m.rename("mainlog", "mainlog.1"); }, true},
      {"what was rotated", [&] { m.append("mainlog.1", m.line("bob")); }, true},
      {"a new log", [&] { m.rejections("carol", 1); }, true},
      {"another log again", beside, false},
      {"the new log", [&] { m.rejections("bob", 1); }, true},
      {"the log, cut", [&] { std::filesystem::resize_file(m.log(), 0); }, true},
  };
  for (const auto& one : cases) {
    INFO(one.name);
    one.write();
    CHECK(wakes() == one.wakes);
  }
}
