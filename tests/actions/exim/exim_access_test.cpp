#include "actions/exim/exim_access.h"

#include <pwd.h>

#include "tests/catch.h"
#include "tests/fakes.h"

using actions::EximUser;
using actions::readable_by;

namespace {

// Somebody who owns nothing here and is in no group of ours.
constexpr uid_t kStranger = 64999;
constexpr gid_t kStrangers = 64999;

mode_t mode_of(const std::string& path) {
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

}  // namespace

TEST_CASE("what Exim's user may read, from the bits of owner, group and others") {
  const fakes::Directory directory;
  const auto path = directory / "list";
  fakes::write(path, "");
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  const EximUser owner{info.st_uid == 0 ? kStranger : info.st_uid, {kStrangers}};
  const EximUser member{kStranger, {kStrangers, info.st_gid}};
  const EximUser stranger{kStranger, {kStrangers}};
  if (info.st_uid == 0) REQUIRE(::chown(path.c_str(), owner.uid, static_cast<gid_t>(-1)) == 0);
  struct Row {
    mode_t mode;
    bool owner, member, stranger;
  };
  const Row rows[] = {
      {0644, true, true, true},    {0640, true, true, false},   {0600, true, false, false},
      {0040, false, true, false},  {0004, false, false, true},  {0604, true, false, true},
      {0200, false, false, false}, {0111, false, false, false},
  };
  for (const auto& row : rows) {
    INFO(std::oct << row.mode);
    REQUIRE(::chmod(path.c_str(), row.mode) == 0);
    CHECK(static_cast<bool>(readable_by(owner, path)) == row.owner);
    if (info.st_uid == 0) {
      CHECK(static_cast<bool>(readable_by({kStranger + 1, {kStrangers, info.st_gid}}, path)) ==
            row.member);
      CHECK(static_cast<bool>(readable_by({kStranger + 1, {kStrangers}}, path)) == row.stranger);
    } else {
      CHECK(static_cast<bool>(readable_by(member, path)) == row.member);
      CHECK(static_cast<bool>(readable_by(stranger, path)) == row.stranger);
    }
    CHECK(readable_by({0, {0}}, path));
  }
}

TEST_CASE("every directory on the way must let Exim's user through") {
  const fakes::Directory directory;
  REQUIRE(::mkdir((directory / "a").c_str(), 0711) == 0);
  REQUIRE(::mkdir((directory / "a/b").c_str(), 0755) == 0);
  ::chmod((directory / "a").c_str(), 0711);
  fakes::write(directory / "a/b/list", "", 0644);
  const EximUser stranger{kStranger, {kStrangers}};
  CHECK(readable_by(stranger, directory / "a/b/list"));
  CHECK(readable_by(stranger, directory / "a/b/none"));
  CHECK(readable_by(stranger, directory / "none/at/all"));
  ::chmod((directory / "a").c_str(), 0744);
  const auto refused = readable_by(stranger, directory / "a/b/list");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what.find(directory / "a") == 0);
  CHECK(refused.error().what.find("search this directory") != std::string::npos);
  ::chmod((directory / "a").c_str(), 0711);
  CHECK(readable_by(stranger, directory / "a/b").error().code == actions::Errc::unsafe);
}

TEST_CASE("a list that only lacks a right is given it, and nothing more") {
  const fakes::Directory directory;
  const auto path = directory / "list";
  const EximUser exim{kStranger, {kStrangers}};
  fakes::write(path, "bob\n", 0600);
  REQUIRE(actions::make_readable(exim, path));
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  if (::geteuid() == 0) {
    CHECK(info.st_gid == kStrangers);
    CHECK(mode_of(path) == 0640);
  } else {
    CHECK(mode_of(path) == 0644);
  }
  CHECK(fakes::content(path) == "bob\n");
  // Nothing is changed where nothing lacks, or where a directory is in the way.
  const auto changed = info.st_ctim;
  REQUIRE(actions::make_readable(exim, path));
  ::chmod(directory.path().c_str(), 0700);
  CHECK_FALSE(actions::make_readable(exim, path));
  ::chmod(directory.path().c_str(), 0755);
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK(info.st_ctim.tv_sec == changed.tv_sec);
  CHECK(info.st_ctim.tv_nsec == changed.tv_nsec);
  CHECK(actions::make_readable(exim, directory / "none"));
}

TEST_CASE("directories for lists let Exim in, those above let everybody through") {
  const fakes::Directory directory;
  const auto path = directory / "state/exim";
  const EximUser exim{kStranger, {kStrangers}};
  CHECK(actions::make_directory(exim, path).value());
  CHECK_FALSE(actions::make_directory(exim, path).value());
  CHECK(mode_of(directory / "state") == 0711);
  CHECK(mode_of(path) == (::geteuid() == 0 ? 02750U : 0755U));
  fakes::write(path + "/list", "", 0644);
  CHECK(readable_by(exim, path + "/list"));
  CHECK(actions::make_directory(std::nullopt, directory / "plain").value());
  CHECK(mode_of(directory / "plain") == 0711);
  fakes::write(directory / "file", "");
  CHECK(actions::make_directory(exim, directory / "file").error().code == actions::Errc::unsafe);
  CHECK_FALSE(actions::make_directory(exim, directory / "file/below"));
}

TEST_CASE("Exim's user by name") {
  CHECK_FALSE(actions::find_exim_user("no-such-user-here"));
  const auto root = actions::find_exim_user("root");
  REQUIRE(root);
  CHECK(root->uid == 0);
  REQUIRE_FALSE(root->groups.empty());
  CHECK(root->groups.front() == 0);
}
