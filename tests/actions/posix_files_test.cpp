#include "actions/posix_files.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <thread>

#include "tests/catch.h"
#include "tests/fakes.h"

using actions::Creation;
using actions::Errc;
using actions::PosixFiles;

namespace {

struct stat info_of(const std::string& path) {
  struct stat info{};
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  return info;
}

mode_t mode_of(const std::string& path) {
  return info_of(path).st_mode & 07777;
}

// A group this process may give files to, other than its own.
std::optional<gid_t> other_group() {
  if (::geteuid() == 0) return gid_t{4};
  std::vector<gid_t> groups(64);
  const int count = ::getgroups(64, groups.data());
  for (int i = 0; i < count; ++i) {
    if (groups[static_cast<std::size_t>(i)] != ::getegid())
      return groups[static_cast<std::size_t>(i)];
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("a new file gets the mode and group that were asked for, whatever the umask") {
  const fakes::Directory directory;
  PosixFiles files;
  const auto old = ::umask(0077);
  for (const char* name : {"appended", "replaced"}) {
    const auto path = directory / name;
    const Creation creation{0640, other_group(), 0604};
    const bool appended = std::string(name) == "appended";
    REQUIRE((appended ? files.append(path, "x\n", creation)
                      : files.replace(path, "x\n", creation, std::nullopt)));
    CHECK(fakes::content(path) == "x\n");
    CHECK(mode_of(path) == (creation.group ? 0640U : 0604U));
    if (creation.group) CHECK(info_of(path).st_gid == *creation.group);
  }
  const auto path = directory / "no-group";
  REQUIRE(files.append(path, "", {0640, std::nullopt, 0644}));
  CHECK(mode_of(path) == 0644);
  ::umask(old);
}

TEST_CASE("what exists keeps its owner, group and mode") {
  const fakes::Directory directory;
  PosixFiles files;
  const auto path = directory / "f";
  fakes::write(path, "a\n", 0604);
  const auto group = other_group();
  if (group)
    REQUIRE(::chown(path.c_str(), ::geteuid() == 0 ? 1 : static_cast<uid_t>(-1), *group) == 0);
  REQUIRE(::chmod(path.c_str(), 0604) == 0);
  const auto before = info_of(path);
  REQUIRE(files.append(path, "b\n", {0640, std::nullopt, 0600}));
  const auto replaced = files.replace(path, "c\n", {0640, std::nullopt, 0600}, std::nullopt);
  REQUIRE(replaced);
  const auto after = info_of(path);
  CHECK(fakes::content(path) == "c\n");
  CHECK(after.st_ino != before.st_ino);
  CHECK(after.st_uid == before.st_uid);
  CHECK(after.st_gid == before.st_gid);
  CHECK(after.st_mode == before.st_mode);
  CHECK(replaced.value().inode == after.st_ino);
  CHECK(directory.entries() == 1);
}

TEST_CASE("stamps tell whether a file was touched") {
  const fakes::Directory directory;
  PosixFiles files;
  const auto path = directory / "f";
  const auto first = files.append(path, "a\n", {});
  REQUIRE(first);
  CHECK(files.stamp(path).value() == first.value());
  CHECK(files.read(path, 100).value().stamp == first.value());
  const auto second = files.append(path, "b\n", {});
  REQUIRE(second);
  CHECK_FALSE(second.value() == first.value());
  CHECK(files.replace(path, "x", {}, first.value()).error().code == Errc::changed);
  CHECK(fakes::content(path) == "a\nb\n");
  CHECK(directory.entries() == 1);
  CHECK(files.replace(path, "x", {}, second.value()));
  CHECK(files.stamp(directory / "none").error().code == Errc::not_found);
  // A file that went away is not what was expected either.
  REQUIRE(::unlink(path.c_str()) == 0);
  CHECK(files.replace(path, "y", {}, second.value()).error().code == Errc::changed);
  CHECK(directory.entries() == 0);
}

TEST_CASE("reading is bounded and takes regular files only") {
  const fakes::Directory directory;
  PosixFiles files;
  fakes::write(directory / "f", std::string(10000, 'x'));
  CHECK(files.read(directory / "f", 10000).value().bytes.size() == 10000);
  CHECK(files.read(directory / "f", 9999).error().code == Errc::full);
  CHECK(files.read(directory.path(), 100).error().code == Errc::unsafe);
  CHECK(files.read(directory / "none", 100).error().code == Errc::not_found);
  CHECK(files.read("/dev/zero", 100).error().code == Errc::unsafe);
  REQUIRE(::symlink((directory / "f").c_str(), (directory / "link").c_str()) == 0);
  CHECK(files.read(directory / "link", 10000).error().code == Errc::unsafe);
  REQUIRE(::mkfifo((directory / "fifo").c_str(), 0644) == 0);
  CHECK(files.read(directory / "fifo", 100).error().code == Errc::unsafe);
  fakes::write(directory / "empty", "");
  CHECK(files.read(directory / "empty", 0).value().bytes.empty());
}

TEST_CASE("links and other things are not replaced or appended to") {
  const fakes::Directory directory;
  PosixFiles files;
  fakes::write(directory / "f", "keep");
  REQUIRE(::symlink((directory / "f").c_str(), (directory / "link").c_str()) == 0);
  REQUIRE(::mkdir((directory / "d").c_str(), 0755) == 0);
  for (const char* name : {"link", "d"}) {
    CHECK(files.append(directory / name, "x", {}).error().code == Errc::unsafe);
    CHECK(files.replace(directory / name, "x", {}, std::nullopt).error().code == Errc::unsafe);
  }
  CHECK(files.append(directory / "none/f", "x", {}).error().code == Errc::not_found);
  CHECK(fakes::content(directory / "f") == "keep");
  CHECK(directory.entries() == 3);
}

TEST_CASE("appends from many threads never mix") {
  const fakes::Directory directory;
  const auto path = directory / "f";
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&path, i] {
      PosixFiles files;
      const auto line = std::string(200, static_cast<char>('a' + i)) + "\n";
      for (int n = 0; n < 100; ++n) (void)files.append(path, line, {});
    });
  }
  for (auto& thread : threads) thread.join();
  std::istringstream lines(fakes::content(path));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count)
    CHECK(line == std::string(200, line.empty() ? '?' : line[0]));
  CHECK(count == 400);
}

TEST_CASE("a full disk leaves neither half a line nor a temporary file") {
  // RLIMIT_FSIZE cuts a write short as a full disk does; a child of its own, since it can't be
  // undone.
  const fakes::Directory directory;
  const auto path = directory / "f";
  fakes::write(path, std::string(4000, 'x') + "\n");
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
    PosixFiles files;
    const auto appended = files.append(path, std::string(200, 'y') + "\n", {});
    if (appended || appended.error().code != Errc::full) ::_exit(3);
    const auto replaced = files.replace(path, std::string(5000, 'z'), {}, std::nullopt);
    if (replaced || replaced.error().code != Errc::full) ::_exit(4);
    const auto fits = files.append(path, "fits\n", {});
    ::_exit(fits ? 0 : 5);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(fakes::content(path) == std::string(4000, 'x') + "\nfits\n");
  CHECK(directory.entries() == 1);
}

TEST_CASE("renaming and syncing") {
  const fakes::Directory directory;
  PosixFiles files;
  fakes::write(directory / "a", "x");
  CHECK(files.sync(directory / "a"));
  CHECK(files.rename(directory / "a", directory / "b"));
  CHECK(fakes::content(directory / "b") == "x");
  CHECK(files.rename(directory / "a", directory / "b").error().code == Errc::not_found);
  CHECK(files.sync(directory / "a").error().code == Errc::not_found);
  // What is no file has nothing that could be brought to the disk: no fault of the disk.
  CHECK(files.sync("/dev/null").error().code == Errc::unsafe);
  CHECK(files.sync(directory.path()).error().code == Errc::unsafe);
}

TEST_CASE("one lock a directory, given back when it is let go") {
  const fakes::Directory directory;
  PosixFiles files;
  auto first = files.lock(directory.path(), 0);
  REQUIRE(first);
  CHECK(files.lock(directory.path(), 2).error().code == Errc::timeout);
  first.value().reset();
  CHECK(files.lock(directory.path(), 0));
  CHECK(files.lock(directory / "none", 0).error().code == Errc::not_found);
}

TEST_CASE("errors say what was being done") {
  PosixFiles files;
  CHECK(files.read("/nowhere/x", 1).error().what == "read /nowhere/x: No such file or directory");
  CHECK(actions::system_error("w", ENOSPC).code == Errc::full);
  CHECK(actions::system_error("w", EDQUOT).code == Errc::full);
  CHECK(actions::system_error("w", EROFS).code == Errc::denied);
  CHECK(actions::system_error("w", EACCES).code == Errc::denied);
  CHECK(actions::system_error("w", ELOOP).code == Errc::unsafe);
  CHECK(actions::system_error("w", EIO).code == Errc::io);
}
