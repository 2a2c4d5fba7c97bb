#include "actions/lists/blocklist.h"

#include <fcntl.h>
#include <sys/file.h>

#include "actions/posix_files.h"
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
  const auto added = list.add("a b", "x");
  CHECK(added.value().change == Change::made);
  CHECK(list.knows(list.stamp().value()));
  CHECK(list.news().value().what == Blocklist::News::What::none);
  CHECK(fakes::content(directory / "list") == "bob: since now\n\"a b\": x\n");
  CHECK(list.sync());
  CHECK(list.read().value().entries.size() == 2);
  CHECK(directory.entries() == 2);  // and the lock
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
    CHECK(directory.entries() == 2);  // and the lock
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
  files.before = [&](int operation) {  // stamp, lock, read, replace
    if (operation == 3 && edits++ == 0) fakes::write(path, "bob\na\nnew: by hand\n");
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
      // Who appends can do without the lock, and who removes without the first look.
      CHECK(done == (k == 0));
      if (!done) CHECK(fakes::content(path) == before);
      CHECK(directory.entries() <= 2);
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

TEST_CASE("who holds a list holds up removals for a moment, and no new key") {
  const fakes::Directory directory;
  actions::PosixFiles files, other;
  Blocklist list(files, directory / "list", {});
  REQUIRE(list.add("eve", "x"));
  const auto held = other.lock(directory.path(), 0);
  REQUIRE(held);
  CHECK(list.add("bob", "x").value().change == Change::made);
  CHECK(lists(directory / "list", "bob"));
  const auto removed = list.remove({"bob"});
  REQUIRE_FALSE(removed);
  CHECK(removed.error().code == Errc::timeout);
}

TEST_CASE("the lock is a file that nobody else can open, and no directory is held by it") {
  const fakes::Directory directory;
  actions::PosixFiles files;
  const int fd = ::open(directory.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  REQUIRE(::flock(fd, LOCK_EX | LOCK_NB) == 0);
  CHECK(files.lock(directory.path(), 0));
  ::close(fd);
  struct stat info{};
  REQUIRE(::stat((directory / actions::kLockName).c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
}

namespace {

std::vector<std::string> keys_of(const std::vector<actions::ListEntry>& entries) {
  std::vector<std::string> keys;
  for (const auto& entry : entries) keys.push_back(entry.key);
  return keys;
}

std::vector<Blocklist::Line> lines_of(const std::vector<std::string>& keys) {
  std::vector<Blocklist::Line> lines;
  for (const auto& key : keys) lines.push_back({key, "since"});
  return lines;
}

}  // namespace

TEST_CASE("many keys are added as each alone would be") {
  struct Row {
    const char* what;
    std::string before;
    std::vector<std::string> keys;
    std::string after;
  };
  const Row rows[] = {
      {"to nothing", "", {"a", "b"}, "a: since\nb: since\n"},
      {"some are there", "B: x\n", {"a", "b", "c"}, "B: x\na: since\nc: since\n"},
      {"all are there", "a\nb\n", {"a", "b"}, "a\nb\n"},
      {"the rest of one that was cut off",
       "x: y\nbo",
       {"a", "bob"},
       "x: y\nbob: since\na: since\n"},
      {"the data of one", "x: y\nbob: si", {"a", "bob"}, "x: y\nbob: since\na: since\n"},
      {"another's cut-off line", "x: y\nzed", {"a", "b"}, "x: y\nzed\na: since\nb: since\n"},
      {"one that is there, behind a cut-off line", "a: 1\nzed", {"a"}, "a: 1\nzed"},
      {"behind a NUL", bytes("x\0\n", 3), {"a", "b"}, bytes("x\0\n\n", 4) + "a: since\nb: since\n"},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    const fakes::Directory directory;
    actions::PosixFiles files;
    const auto path = directory / "list";
    fakes::write(path, row.before);
    Blocklist list(files, path, {});
    for (int again = 0; again < 2; ++again) {
      const auto added = list.add(lines_of(row.keys));
      CHECK_FALSE(added.error);
      for (const auto& line : added.lines) CHECK(line);
      CHECK(fakes::content(path) == row.after);
    }
  }
}

TEST_CASE("another hand's lines are told once, and read alone where nothing else has changed") {
  const fakes::Directory directory;
  fakes::TroubledFiles files;
  const auto path = directory / "list";
  Blocklist list(files, path, {0644, std::nullopt, 0644});
  using What = Blocklist::News::What;
  std::string text = "# a list\n";
  fakes::write(path, text);
  REQUIRE(list.read());
  for (int i = 0; i < 1000; ++i) {
    const auto hand = "hand" + std::to_string(i), ours = "ours" + std::to_string(i);
    std::ofstream(path, std::ios::app) << hand << "\n";
    REQUIRE(list.add(ours, "since").value().change == Change::made);
    const auto news = list.news().value();
    CHECK(news.what == What::appended);
    REQUIRE(keys_of(news.view.entries) == std::vector<std::string>{hand});
    CHECK(list.news().value().what == What::none);
    text += hand + "\n" + ours + ": since\n";
  }
  CHECK(fakes::content(path) == text);
  // What is more than that is read anew.
  const std::string others[] = {text.substr(1), "x" + text.substr(1) + "more\n",
                                text + " goes on\n", text + bytes("a\0b\n", 4), ""};
  for (const auto& other : others) {
    fakes::write(path, text);
    REQUIRE(list.read());
    fakes::write(path, other);
    const auto news = list.news().value();
    if (other.size() > text.size() && other.starts_with("x"))
      continue;  // see BlockedList: read again
    CHECK(news.what == What::anew);
    CHECK(keys_of(news.view.entries) == keys_of(actions::read_list(other)));
  }
}

TEST_CASE("where there is room for some lines only, those are written") {
  const fakes::Directory directory;
  class Full : public fakes::TroubledFiles {
   public:
    std::size_t room = 0;
    actions::Result<actions::FileStamp> append(const std::string& path, std::string_view text,
                                               const actions::Creation& creation) override {
      if (text.size() > room) return actions::Error{Errc::full, ENOSPC, "no space left"};
      room -= text.size();
      return TroubledFiles::append(path, text, creation);
    }
  } files;
  files.room = 5 * std::string("a: since\n").size() + 3;
  Blocklist list(files, directory / "list", {0644, std::nullopt, 0644});
  const auto added = list.add(lines_of({"a", "b", "c", "d", "e", "f", "g", "h"}));
  REQUIRE(added.error);
  CHECK(added.error->code == Errc::full);
  CHECK(keys_of(actions::read_list(fakes::content(directory / "list"))).size() == 5);
  for (std::size_t i = 0; i < 8; ++i) CHECK(added.lines[i].has_value() == (i < 5));
}

TEST_CASE("a hand that writes in the same moment costs no look at all of a long list") {
  struct Row {
    const char* what;
    std::string before_ours, after_ours;
    bool whole;  // all of the file must be looked at
  };
  const Row rows[] = {
      {"a line before ours", "hand: by hand\n", "", false},
      {"a line after ours", "", "hand: by hand\n", false},
      {"both", "hand: by hand\n", "more: by hand\n", false},
      {"one of ours", "b: by hand\n", "", false},
      {"half a line before ours", "hand: by ha", "", false},
      {"half a line after ours", "", "hand: by ha", true},
      {"a NUL before ours", bytes("ha\0nd\n", 6), "", true},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    class Shared : public fakes::TroubledFiles {
     public:
      std::string before_ours, after_ours;
      int reads = 0;
      actions::Result<actions::Content> read(const std::string& path, std::size_t limit) override {
        ++reads;
        return TroubledFiles::read(path, limit);
      }
      actions::Result<actions::FileStamp> append(const std::string& path, std::string_view text,
                                                 const actions::Creation&) override {
        std::ofstream(path, std::ios::app)
            << std::exchange(before_ours, "") << text << std::exchange(after_ours, "");
        return stamp(path);
      }
    } files;
    const fakes::Directory directory;
    const auto path = directory / "list";
    fakes::write(path, "# a list\nold: by hand\n");
    Blocklist list(files, path, {0644, std::nullopt, 0644});
    REQUIRE(list.read());
    files.reads = 0;
    files.before_ours = row.before_ours;
    files.after_ours = row.after_ours;
    const auto added = list.add(lines_of({"a", "b", "c"}));
    CHECK_FALSE(added.error);
    for (const auto& line : added.lines) CHECK(line);
    for (const auto* key : {"a", "b", "c", "old"}) CHECK(lists(path, key));
    CHECK((files.reads > 0) == row.whole);
    const auto news = list.news().value();
    if (!row.whole) CHECK(news.what == Blocklist::News::What::appended);
  }
}
