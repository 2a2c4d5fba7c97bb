// The freezer with an Exim and an exipick of the test's own, in a directory of its own.
#include "agent/service/queue_freezer.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

#include "actions/posix_files.h"
#include "agent/config/config_file.h"
#include "tests/catch.h"

namespace agent {
namespace {

namespace fs = std::filesystem;

struct Place {
  Place() {
    std::array<char, 64> name{"/tmp/exiwarden-freezer.XXXXXX"};
    folder = ::mkdtemp(name.data());
    write("users", "alice: 2026-11-28T00:00:00+00:00 exiwarden\n");
    program("exim",
            "case $1 in -bP) echo \"spool_directory = $here\";;\n"
            "-Mf) shift; for id; do echo \"$id\" >>\"$here/ordered\"; done;; esac\n");
  }
  ~Place() { fs::remove_all(folder); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder + "/" + name) << text;
  }
  void program(const std::string& name, const std::string& text) const {
    write(name, "#!/bin/sh\nhere=" + folder + "\n" + text);
    ::chmod((folder + "/" + name).c_str(), 0755);
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(folder + "/" + name);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  // What exipick shows: a message of alice's that is frozen once that was ordered. `before`: what
  // it does first.
  void queue(const std::string& before) const {
    program("exipick", before +
                           "\nfrozen=; [ -e \"$here/ordered\" ] && frozen=1\n"
                           "echo \"1xW26y-0008Hf-2v deliver_freeze='$frozen' manually_thawed='' "
                           "received_time='1795571272' message_size='185' "
                           "sender_host_address='192.0.2.1' sender_host_authenticated='plain' "
                           "originator_login='root' authenticated_id='alice'\"\n");
  }

  std::string folder;
};

// Asks for alice's mail to be frozen and gives the first that is said of it.
std::string freeze(const Place& place) {
  actions::PosixFiles files;
  std::promise<std::string> said;
  bool over = false;
  Freezer freezer(place.folder + "/exim", files, IdentityTables::without_files(default_config()),
                  [&](const std::string& text) {
                    if (!std::exchange(over, true)) said.set_value(text);
                  });
  freezer.freeze(IdentityKind::user, "Alice", place.folder + "/users",
                 Instant(std::chrono::seconds(1795571000)));
  auto first = said.get_future();
  if (first.wait_for(std::chrono::seconds(60)) != std::future_status::ready) return "nothing";
  return first.get();
}

TEST_CASE("what a sender who is blocked has in the queue is frozen") {
  Place place;
  place.queue("");
  CHECK(freeze(place) == "Alice: 1 message in the queue frozen");
  CHECK(place.read("ordered") == "1xW26y-0008Hf-2v\n");
}

TEST_CASE("so it is while its line can't be written") {
  Place place;
  place.write("users", "");
  place.queue("");
  CHECK(freeze(place) == "Alice: 1 message in the queue frozen");
}

TEST_CASE("who was freed meanwhile is left alone") {
  Place place;
  place.queue(": >\"$here/users\"");
  CHECK(freeze(place) == "Alice: freed meanwhile; nothing more of its mail in the queue is frozen");
  CHECK(place.read("ordered").empty());
}

TEST_CASE("the freezer's end does not wait for what Exim is asked") {
  for (const auto* hangs : {"exim", "exipick"}) {
    Place place;
    place.queue("");
    place.program(hangs, "touch \"$here/asked\"; sleep 60 & sleep 60\n");
    actions::PosixFiles files;
    std::chrono::steady_clock::time_point began;
    {
      Freezer freezer(place.folder + "/exim", files,
                      IdentityTables::without_files(default_config()), [](const auto&) {});
      for (int i = 0; i < 10'000; ++i)
        freezer.freeze(IdentityKind::user, fmt::format("user{}", i), place.folder + "/users",
                       Instant(std::chrono::seconds(1795571000)));
      while (!fs::exists(place.folder + "/asked")) std::this_thread::yield();
      began = std::chrono::steady_clock::now();
    }
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(20));
  }
}

}  // namespace
}  // namespace agent
