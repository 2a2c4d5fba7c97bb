#include "agent/history/history_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "actions/posix_files.h"
#include "tests/catch.h"
#include "tests/fakes.h"

namespace agent {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr Instant kNow{std::chrono::seconds(1'800'000'000)};

HistoryEntry entry(HistoryEvent event, const std::string& identity, std::chrono::seconds ago = 0s) {
  HistoryEntry made;
  made.event = event;
  made.time = kNow - ago;
  made.rule = "users";
  made.kind = IdentityKind::user;
  made.identity = identity;
  made.by = kByService;
  return made;
}

class World {
 public:
  World() : store(std::make_unique<HistoryStore>(files, directory.path())) {}

  HistoryStore::Outcome write(std::vector<HistoryEntry> entries, Instant now = kNow) {
    return store->write({std::move(entries), lists, now, 400 * 24h});
  }
  // "event identity by reason", oldest first.
  [[nodiscard]] std::vector<std::string> lines(const HistoryQuery& query = {}) const {
    std::vector<std::string> out;
    const auto read = read_history(directory.path(), query, [&](const HistoryEntry& one) {
      out.push_back(std::string(name_of(one.event)) + " " + one.identity + " " + one.by +
                    (one.reason.empty() ? "" : " " + one.reason));
    });
    if (!read) out.push_back(read.error().what);
    return out;
  }
  void restart() { store = std::make_unique<HistoryStore>(files, directory.path()); }
  [[nodiscard]] std::string path() const { return history_path(directory.path()); }

  fakes::Directory directory;
  actions::PosixFiles files;
  std::vector<HistoryBatch::List> lists;
  std::unique_ptr<HistoryStore> store;
};

using Lines = std::vector<std::string>;

TEST_CASE("what is written twice is kept once, also by the next process") {
  World world;
  const auto block = entry(HistoryEvent::blocked, "alice");
  for (int i = 0; i < 2; ++i) {
    CHECK_FALSE(world.write({block, block, entry(HistoryEvent::watched, "alice")}).fault);
    world.restart();
  }
  CHECK(world.lines() == Lines{"blocked alice service", "watched alice service"});
}

TEST_CASE("all fields come back, whatever bytes they hold") {
  World world;
  auto written = entry(HistoryEvent::blocked, std::string("a'\"\xff\n\0;DROP TABLE entry", 22));
  written.count = 100;
  written.limit = 99;
  written.period = 1h;
  written.until = kNow + 1h;
  written.by = "farm:mx2";
  written.reason = "ticket 12\x1b[1m";
  written.samples = R"([{"time":"x","host":"h","recipient":"r","reason":"y"}])";
  CHECK_FALSE(world.write({written}).fault);
  std::vector<HistoryEntry> back;
  const HistoryQuery query{{written.identity}, {}, {}, {}, {}};
  CHECK(read_history(world.directory.path(), query,
                     [&](const HistoryEntry& one) { back.push_back(one); }));
  CHECK(back == std::vector{written});
}

TEST_CASE("a query takes identity, time, rule and event together") {
  World world;
  CHECK_FALSE(
      world
          .write({entry(HistoryEvent::blocked, "alice", 3h),
                  entry(HistoryEvent::ended, "alice", 2h), entry(HistoryEvent::blocked, "Bob", 1h)})
          .fault);
  struct Case {
    HistoryQuery query;
    Lines lines;
  };
  const auto alice_1 = "blocked alice service", alice_2 = "ended alice service",
             bob = "blocked Bob service";
  const std::vector<Case> cases{
      {{}, {alice_1, alice_2, bob}},
      {{{"ALICE"}, {}, {}, {}, {}}, {alice_1, alice_2}},
      {{{"bob", "nobody"}, {}, {}, {}, {}}, {bob}},
      {{{}, kNow - 2h, {}, {}, {}}, {alice_2, bob}},
      {{{}, {}, kNow - 2h, {}, {}}, {alice_1}},
      {{{}, {}, {}, "users", HistoryEvent::blocked}, {alice_1, bob}},
      {{{"alice"}, kNow - 3h, kNow - 2h, "users", HistoryEvent::blocked}, {alice_1}},
      {{{}, {}, {}, "relays", {}}, {}},
  };
  for (const auto& [query, lines] : cases) CHECK(world.lines(query) == lines);
}

TEST_CASE("a freed sender was freed by the hand that has left a note") {
  World world;
  HandNotes notes(world.files, world.directory.path());
  CHECK(notes.add({{"alice", kNow, "root", "older"}, {"eve", kNow - 8 * 24h, "old", ""}}));
  CHECK(notes.add({{"alice", kNow, "carol", "a newsletter"}}));
  auto alice = entry(HistoryEvent::freed, "Alice"), bob = entry(HistoryEvent::freed, "bob");
  alice.by = bob.by = "";
  CHECK_FALSE(world.write({alice, bob}).fault);
  CHECK(world.lines() == Lines{"freed Alice carol a newsletter", "freed bob edit by hand"});
  CHECK(notes.read().empty());  // one is used, one too old
}

TEST_CASE("a new file begins with what the lists say; the service's own entry says more") {
  World world;
  const auto list = world.directory / "users";
  std::ofstream(list) << "alice: 2027-01-15T08:00:00+00:00 exiwarden rule=users count=3 period=1h\n"
                         "bob: 2026-01-01T00:00:00+00:00 by-hand by=carol rule=users "
                         "reason=phished\n"
                         "frank: foreign\n";
  world.lists = {{list, "users", IdentityKind::user}};
  auto alice = entry(HistoryEvent::blocked, "alice");
  alice.reason = "the entry";
  CHECK_FALSE(world.write({alice}).fault);
  CHECK(world.lines() == Lines{"blocked bob carol phished", "blocked alice service the entry",
                               "blocked frank edit by hand"});
  // Not again: the file knows them, or has known them.
  std::ofstream(list) << "gone: 2026-01-01T00:00:00+00:00 by-hand by=carol rule=users\n";
  world.restart();
  CHECK_FALSE(world.write({}).fault);
  CHECK(world.lines().size() == 3);
}

TEST_CASE("what is older than it is kept for goes") {
  World world;
  CHECK_FALSE(world
                  .write({entry(HistoryEvent::blocked, "old", 401 * 24h),
                          entry(HistoryEvent::blocked, "young", 399 * 24h)})
                  .fault);
  CHECK(world.lines() == Lines{"blocked young service"});
  CHECK_FALSE(world.write({}, kNow + 2 * 24h).fault);
  CHECK(world.lines().empty());
}

TEST_CASE("a damaged file is set aside, at a start or in the midst of it, and a new one begun") {
  World world;
  CHECK_FALSE(world.write({entry(HistoryEvent::blocked, "alice")}).fault);
  const bool open = GENERATE(true, false);
  if (!open) {
    world.restart();
    for (const auto* part : {"-wal", "-shm"}) fs::remove(world.path() + part);
  }
  std::ofstream(world.path()) << std::string(8192, 'x');
  const auto next = world.write({entry(HistoryEvent::blocked, "bob")});
  if (!open) {
    CHECK_FALSE(next.fault);
    REQUIRE(next.notice);
    CHECK(next.notice->find("set aside as " + world.path() + ".damaged") != std::string::npos);
    CHECK(fs::exists(world.path() + ".damaged"));
  }
  world.restart();
  CHECK_FALSE(world.write({entry(HistoryEvent::blocked, "bob")}).fault);
  CHECK(world.lines().back() == "blocked bob service");
}

TEST_CASE("a file that was removed, or whose directory was, is made again") {
  World world;
  CHECK_FALSE(world.write({entry(HistoryEvent::blocked, "alice")}).fault);
  for (const auto* part : {"", "-wal", "-shm"}) fs::remove(world.path() + part);
  CHECK_FALSE(world.write({entry(HistoryEvent::blocked, "bob")}).fault);
  CHECK(world.lines() == Lines{"blocked bob service"});
}

TEST_CASE("a lock is waited for shortly, and what it kept out is written the next time") {
  World world;
  CHECK_FALSE(world.write({}).fault);
  {
    HistoryDatabase other(world.path(), true, 0);
    other.run("BEGIN IMMEDIATE");
    const auto outcome = world.write({entry(HistoryEvent::blocked, "alice")});
    REQUIRE(outcome.fault);
    CHECK(outcome.fault->find("locked") != std::string::npos);
    CHECK(world.lines().empty());  // readers wait for nobody
  }
  CHECK_FALSE(world.write({entry(HistoryEvent::blocked, "alice")}).fault);
  CHECK(world.lines() == Lines{"blocked alice service"});
}

TEST_CASE("what is no file of ours is a fault, and stays as it is") {
  World world;
  SECTION("a link") {
    const auto target = world.directory / "target";
    std::ofstream(target) << "text";
    fs::create_symlink(target, world.path());
    CHECK(world.write({entry(HistoryEvent::blocked, "alice")}).fault);
    CHECK(fakes::content(target) == "text");
  }
  SECTION("a newer program's") {
    CHECK_FALSE(world.write({}).fault);
    HistoryDatabase(world.path(), true, 0).run("PRAGMA user_version=2");
    world.restart();
    const auto outcome = world.write({entry(HistoryEvent::blocked, "alice")});
    REQUIRE(outcome.fault);
    CHECK(outcome.fault->find("newer version") != std::string::npos);
  }
  SECTION("a directory") {
    fs::create_directory(world.path());
    CHECK(world.write({}).fault);
  }
}

TEST_CASE("nobody but the service's user reads the file") {
  World world;
  CHECK_FALSE(world.write({entry(HistoryEvent::blocked, "alice")}).fault);
  for (const auto* part : {"", "-wal", "-shm"}) {
    INFO(part);
    CHECK((fs::status(world.path() + part).permissions() & fs::perms(0777)) == fs::perms(0600));
  }
}

}  // namespace
}  // namespace agent
