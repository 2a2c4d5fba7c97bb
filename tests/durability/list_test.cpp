// Blocks that can't be written, and what the admin does about them meanwhile.
#include <filesystem>
#include <fstream>

#include "tests/catch.h"
#include "tests/durability/lab.h"

using namespace std::chrono_literals;
using lab::Machine;

namespace {

void make_unwritable(Machine& m) {
  std::filesystem::create_directory(m.list());  // nobody's list
}
void make_writable(Machine& m) {
  std::filesystem::remove(m.list());
}

}  // namespace

TEST_CASE("Blocks that wait for their list are written once it is there, each once") {
  Machine m(lab::scratch() + "-list");
  make_unwritable(m);
  m.start();
  for (int i = 0; i < 50; ++i) m.rejections("user" + std::to_string(i), 3);
  m.settle();
  CHECK(m.engine().metrics().pending_blocks == 50);
  m.kill();
  m.start();
  m.settle();
  CHECK(m.engine().metrics().pending_blocks == 50);
  make_writable(m);
  m.edit("user7: by hand\n");
  m.settle();
  CHECK(m.engine().metrics().pending_blocks == 0);
  CHECK(m.listed().size() == 50);
  for (const auto& [notice, times] : m.told()) CHECK(times <= 2);
}

TEST_CASE("A sender that is exempt by the time its list can be written is not blocked") {
  for (const bool restart : {false, true}) {
    Machine m(lab::scratch() + "-list");
    make_unwritable(m);
    m.start();
    m.rejections("alice", 3);
    m.rejections("bob", 3);
    m.settle();
    CHECK(m.engine().metrics().pending_blocks == 2);
    m.config().exempt.users = {"ALICE"};
    if (restart) {
      m.stop();
      m.start();
    } else {
      m.reload();
    }
    make_writable(m);
    m.settle();
    CHECK(m.listed() == std::vector<std::string>{"bob"});
    CHECK(m.engine().metrics().pending_blocks == 0);
    m.turns(2, 20s);
    CHECK_FALSE(m.engine().pipeline().counting().is_blocked(0, "alice"));
  }
}

TEST_CASE("Blocked by hand, killed, freed by hand meanwhile: counting starts anew") {
  Machine m(lab::scratch() + "-list");
  m.start();
  m.rejections("alice", 2);
  m.forward(2s);
  m.turns(3, 200ms);
  m.edit("alice: by hand\n");
  m.forward(2s);
  m.turns(3, 200ms);
  m.kill();
  m.forward(2s);
  m.edit("");
  m.forward(2s);
  m.start();
  m.settle();
  m.rejections("alice", 2);
  m.settle();
  CHECK(m.listed().empty());
  m.rejections("alice", 1);
  m.settle();
  CHECK(m.listed() == std::vector<std::string>{"alice"});
}

TEST_CASE("So is nobody who came into a file of the exempt meanwhile") {
  Machine m(lab::scratch() + "-list");
  const auto exempt = m.list() + "-exempt";
  m.config().exempt.user_files = {exempt};
  std::ofstream(exempt) << "";
  make_unwritable(m);
  m.start();
  m.rejections("alice", 3);
  m.rejections("bob", 3);
  m.settle();
  CHECK(m.engine().metrics().pending_blocks == 2);
  std::ofstream(exempt) << "alice\n";
  m.turns(4, 1s);
  CHECK(m.engine().metrics().pending_blocks == 1);
  make_writable(m);
  m.settle();
  CHECK(m.listed() == std::vector<std::string>{"bob"});
  m.turns(2, 20s);
  CHECK_FALSE(m.engine().pipeline().counting().is_blocked(0, "alice"));
}

namespace {

void lose_state(const Machine& m) {
  for (const auto* name : {"state/checkpoint", "state/checkpoint.previous"})
    std::ofstream(m.path(name)) << "damaged\n";
}

// Without its state, and for some turns without its list.
void start_blind(Machine& m, int turns_unread) {
  lose_state(m);
  std::filesystem::rename(m.list(), m.path("aside"));
  make_unwritable(m);
  m.forward(5s);
  m.start();
  m.turns(turns_unread, 100ms);
  make_writable(m);
  std::filesystem::rename(m.path("aside"), m.list());
  m.settle();
  m.turns(4, 20s);
}

}  // namespace

// As if it were the state that is gone: what the list holds of ours, the log leads to again.
TEST_CASE("State lost and the list unreadable at the start: the notice still goes out") {
  for (const int turns_unread : {0, 5}) {
    Machine m(lab::scratch() + "-list");
    m.start();
    m.mailer().refusal = "not now";
    m.rejections("alice", 3);
    m.settle();
    CHECK(m.listed() == std::vector<std::string>{"alice"});
    CHECK(m.told().empty());
    m.kill();
    m.mailer().refusal.clear();
    start_blind(m, turns_unread);
    INFO(turns_unread);
    CHECK(m.told().size() == 1);
    CHECK(m.listed() == std::vector<std::string>{"alice"});
    CHECK(m.engine().pipeline().counting().is_blocked(0, "alice"));
  }
}

TEST_CASE("State lost and the list unreadable at the start: who was freed stays free") {
  for (const int turns_unread : {0, 5}) {
    Machine m(lab::scratch() + "-list");
    m.start();
    m.rejections("alice", 3);
    m.rejections("bob", 3);
    m.settle();
    m.forward(10s);
    m.free_user("alice");
    m.forward(10s);
    m.settle();
    m.kill();
    start_blind(m, turns_unread);
    INFO(turns_unread);
    CHECK(m.listed() == std::vector<std::string>{"bob"});
    CHECK_FALSE(m.engine().pipeline().counting().is_blocked(0, "alice"));
    m.rejections("alice", 2);
    m.settle();
    CHECK(m.listed() == std::vector<std::string>{"bob"});
    m.rejections("alice", 1);
    m.settle();
    CHECK(m.listed() == std::vector<std::string>{"alice", "bob"});
  }
}

// The line is that of the second block; the log leads to the first one once more.
TEST_CASE(
    "State lost: who was freed and blocked again is told of once more, as of the second block") {
  Machine m(lab::scratch() + "-list");
  m.start();
  m.rejections("alice", 3);
  m.settle();
  m.forward(100s);
  m.free_user("alice");
  m.forward(100s);
  m.settle();
  m.mailer().refusal = "not now";
  m.rejections("alice", 3);
  m.settle();
  CHECK(m.told().size() == 1);
  m.kill();
  lose_state(m);
  m.mailer().refusal.clear();
  m.forward(5s);
  m.start();
  m.settle();
  m.turns(4, 20s);
  CHECK(m.listed() == std::vector<std::string>{"alice"});
  CHECK(m.told().size() == 2);
  CHECK(m.decided().size() == 2);
}
