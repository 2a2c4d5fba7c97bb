#include "actions/lists/blocklist.h"

#include "tests/catch.h"
#include "tests/fakes.h"

using actions::Blocklist;
using actions::Change;
using actions::Errc;

namespace {

std::string bytes(const char* text, std::size_t size) {
  return {text, size};
}

bool lists(const std::string& path, const std::string& key) {
  for (const auto& entry : actions::read_list(fakes::content(path))) {
    if (actions::same_key(entry.key, key)) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a key is added once, by appending") {
  const fakes::Directory directory;
  actions::PosixFiles files;
  Blocklist list(files, directory / "list", {0640, std::nullopt, 0644});
  CHECK_FALSE(list.read().value().stamp);
  CHECK(list.add("bob", "since now").value().change == Change::made);
  CHECK(list.add("BOB", "again").value().change == Change::already_so);
  const auto before = list.read().value().stamp;
  const auto added = list.add("a b", "x", before);
  CHECK(added.value().change == Change::made);
  CHECK(fakes::content(directory / "list") == "bob: since now\n\"a b\": x\n");
  CHECK(added.value().undisturbed == list.read().value().stamp);
  CHECK(list.sync());
  CHECK(list.read().value().entries.size() == 2);
  CHECK(directory.entries() == 1);
}

TEST_CASE("whatever a list ends in, the key that is added is found, and so is what was there") {
  const std::string contents[] = {
      "",
      "x: y\n",
      "x: y",
      "x",
      "x: y\r\n",
      "x: y\n# comment cut o",
      "x: y\n  continued",
      "x: y\n\n\n",
      "x: y\nbo",  // our own line, cut off
      "x: y\nbob: si",
      "x: y\nbob: since",
      "x: y\nbob",  // works already, but the next line must not join it
      "x: y\nbobby",
      "x: y\n\"bob",
      bytes("x: y\n\0\0\0\0", 9),  // what a crash of the machine leaves
      bytes("x: y\n\0\0\0\0\n", 10),
      bytes("x: y\nz\0", 7),
      bytes("x: y\nz\0\n", 8),
      bytes("x: y\nbo\0\0", 9),
      "x: y\n\xef\xbb\xbf",
      "x: y\n\"unfinished",
      "x: y\n#",
  };
  for (const auto& before : contents) {
    INFO(before);
    const fakes::Directory directory;
    actions::PosixFiles files;
    const auto path = directory / "list";
    fakes::write(path, before);
    Blocklist list(files, path, {});
    REQUIRE(list.add("bob", "since"));
    REQUIRE(list.add("2001:db8::1", "since"));
    CHECK(lists(path, "bob"));
    CHECK(lists(path, "2001:db8::1"));
    CHECK(lists(path, "x") == !before.empty());
    const auto after = fakes::content(path);
    CHECK(after.starts_with(before));
    CHECK(after.ends_with("\n"));
    CHECK(list.add("bob", "since").value().change == Change::already_so);
    CHECK(fakes::content(path) == after);
  }
}

TEST_CASE("a cut-off line is ended by its own key alone, with the rest of its data") {
  const fakes::Directory directory;
  actions::PosixFiles files;
  const auto path = directory / "list";
  fakes::write(path, "grace: since\nheidi: si");
  Blocklist list(files, path, {});
  CHECK(list.add("grace", "since").value().change == Change::already_so);
  CHECK(fakes::content(path) == "grace: since\nheidi: si");
  CHECK(list.add("heidi", "since").value().change == Change::already_so);
  CHECK(fakes::content(path) == "grace: since\nheidi: since\n");
}

TEST_CASE("removing takes the key's lines and leaves every other byte") {
  struct Row {
    const char* what;
    std::string before, after;
    std::vector<std::string> keys;
    std::size_t removed;
  };
  const Row rows[] = {
      {"one of three", "a: 1\nbob: 2\nc: 3\n", "a: 1\nc: 3\n", {"bob"}, 1},
      {"in any case, twice there", "Bob\na\n\"bOB\": x\n", "a\n", {"bob"}, 2},
      {"with its continuation", "bob: 1\n  more\n\tstill\nc\n", "c\n", {"bob"}, 1},
      {"a comment in between is not ours",
       "bob: 1\n# why\n\n  more\nc\n",
       "# why\n\nc\n",
       {"bob"},
       1},
      {"comments around", "# a\nbob\n# b\nc\n", "# a\n# b\nc\n", {"bob"}, 1},
      {"the last without newline", "a\nbob: x", "a\n", {"bob"}, 1},
      {"CRLF and odd bytes elsewhere stay",
       "\xff\x1b: 1\r\nbob\r\n#\xfe\r\n",
       "\xff\x1b: 1\r\n#\xfe\r\n",
       {"bob"},
       1},
      {"several at once", "a\nb\nc\n", "b\n", {"A", "c"}, 2},
      {"not there", "a: 1\n# bob\n  bob\n", "a: 1\n# bob\n  bob\n", {"bob"}, 0},
      {"only in part", "bobby\nbo\n", "bobby\nbo\n", {"bob"}, 0},
      {"an emptied list stays as a file", "bob\n", "", {"bob"}, 1},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    const fakes::Directory directory;
    actions::PosixFiles files;
    const auto path = directory / "list";
    fakes::write(path, row.before, 0604);
    Blocklist list(files, path, {});
    CHECK(list.remove(row.keys).value() == row.removed);
    CHECK(fakes::content(path) == row.after);
    CHECK(std::filesystem::exists(path));
    struct stat info{};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0604);
    CHECK(directory.entries() == 1);
  }
}

TEST_CASE("changing what a key's lines say leaves every other byte") {
  struct Row {
    const char* what;
    std::string before, after;
    std::size_t changed;
  };
  const Row rows[] = {
      {"one of three", "a: 1\nbob: 2\nc: 3\n", "a: 1\nbob: new\nc: 3\n", 1},
      {"spelled as it is, twice there", "Bob\na\nbOB: x\n", "Bob: new\na\nbOB: new\n", 2},
      {"with its continuation", "bob: 1\n  more\nc\n", "bob: new\nc\n", 1},
      {"a comment in between", "bob: 1\n# why\n  more\nc\n", "bob: new\n# why\nc\n", 1},
      {"the last without newline", "a\nbob: x", "a\nbob: new\n", 1},
      {"only in part", "bobby: 1\n# bob: 2\n", "bobby: 1\n# bob: 2\n", 0},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    const fakes::Directory directory;
    actions::PosixFiles files;
    const auto path = directory / "list";
    fakes::write(path, row.before, 0604);
    Blocklist list(files, path, {});
    CHECK(list.change("bob", "new").value() == row.changed);
    CHECK(fakes::content(path) == row.after);
    CHECK(list.change("bob", "new\nadmin: x").value() == row.changed);
    CHECK(fakes::content(path).find("\nadmin") == std::string::npos);
  }
}

TEST_CASE("removing from a list that is not there does nothing") {
  const fakes::Directory directory;
  actions::PosixFiles files;
  Blocklist list(files, directory / "list", {});
  CHECK(list.remove({"bob"}).value() == 0);
  CHECK(directory.entries() == 0);
}

TEST_CASE("an edit by another hand between reading and replacing is not lost") {
  const fakes::Directory directory;
  const auto path = directory / "list";
  fakes::write(path, "bob\na\n");
  fakes::TroubledFiles files;
  int edits = 0;
  files.before = [&](int operation) {  // lock, read, replace
    if (operation == 2 && edits++ == 0) fakes::write(path, "bob\na\nnew: by hand\n");
  };
  Blocklist list(files, path, {});
  CHECK(list.remove({"bob"}).value() == 1);
  CHECK(edits == 1);
  CHECK(fakes::content(path) == "a\nnew: by hand\n");
  // Somebody who never stops is not waited for.
  files.before = [&](int) {
    fakes::write(path, "bob\n" + std::string(static_cast<std::size_t>(++edits), 'x'));
  };
  const auto given_up = list.remove({"bob"});
  REQUIRE_FALSE(given_up);
  CHECK(given_up.error().code == Errc::changed);
}

TEST_CASE("a failure at any operation leaves the list as it was, and a second try does it") {
  const std::string before = "a: 1\nbob: 2\n# c\n";
  for (const bool adding : {true, false}) {
    for (int k = 0;; ++k) {
      INFO("operation " << k << (adding ? " of add" : " of remove"));
      const fakes::Directory directory;
      const auto path = directory / "list";
      fakes::write(path, before);
      fakes::TroubledFiles files;
      files.fail_at = k;
      Blocklist list(files, path, {});
      const auto act = [&] {
        return adding ? static_cast<bool>(list.add("eve", "x"))
                      : static_cast<bool>(list.remove({"bob"}));
      };
      const bool done = act();
      if (done && files.operations <= k) break;
      CHECK_FALSE(done);
      CHECK(fakes::content(path) == before);
      CHECK(directory.entries() == 1);
      CHECK(act());
      CHECK(fakes::content(path) == (adding ? before + "eve: x\n" : "a: 1\n# c\n"));
    }
  }
}

TEST_CASE("links, directories and devices are never written to") {
  const fakes::Directory directory;
  actions::PosixFiles files;
  fakes::write(directory / "target", "keep\n");
  REQUIRE(::symlink((directory / "target").c_str(), (directory / "link").c_str()) == 0);
  REQUIRE(::symlink("/nowhere/x", (directory / "dangling").c_str()) == 0);
  REQUIRE(::mkdir((directory / "directory").c_str(), 0755) == 0);
  REQUIRE(::mkfifo((directory / "fifo").c_str(), 0644) == 0);
  for (const char* name : {"link", "dangling", "directory", "fifo"}) {
    INFO(name);
    Blocklist list(files, directory / name, {});
    CHECK_FALSE(list.read());
    const auto added = list.add("bob", "x");
    REQUIRE_FALSE(added);
    CHECK(added.error().code == Errc::unsafe);
    CHECK_FALSE(list.remove({"keep"}));
  }
  CHECK(fakes::content(directory / "target") == "keep\n");
}

TEST_CASE("a key that no line can hold is refused before anything is touched") {
  const fakes::Directory directory;
  fakes::TroubledFiles files;
  Blocklist list(files, directory / "list", {});
  CHECK(list.add("", "x").error().code == Errc::malformed);
  CHECK(list.add(bytes("a\0b", 3), "x").error().code == Errc::malformed);
  CHECK(files.operations == 0);
}

TEST_CASE("a list that somebody else holds is not waited for long") {
  const fakes::Directory directory;
  actions::PosixFiles files, other;
  const auto held = other.lock(directory.path(), 0);
  REQUIRE(held);
  Blocklist list(files, directory / "list", {});
  const auto added = list.add("bob", "x");
  REQUIRE_FALSE(added);
  CHECK(added.error().code == Errc::timeout);
}
