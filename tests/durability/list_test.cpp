// Blocks that can't be written, and what the admin does about them meanwhile.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

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

TEST_CASE("Who is exempt by the time his list can be written is not blocked") {
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

TEST_CASE("Blocked by hand, killed, freed by hand meanwhile: he counts anew") {
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
