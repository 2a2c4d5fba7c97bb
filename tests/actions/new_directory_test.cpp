#include "actions/new_directory.h"

#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/catch.h"

using actions::NewDirectory;
namespace fs = std::filesystem;

TEST_CASE("a new directory holds what was written into it, and follows nothing") {
  std::array<char, 64> name{"/tmp/exiwarden-directory.XXXXXX"};
  const std::string scratch = ::mkdtemp(name.data());
  fs::create_directory(scratch + "/there");
  fs::create_directory_symlink(scratch + "/there", scratch + "/link");
  fs::create_symlink(scratch + "/nowhere", scratch + "/dangling");
  for (const char* taken : {"/there", "/link", "/dangling", "/no/parent"}) {
    CAPTURE(taken);
    CHECK(!NewDirectory::make(scratch + taken));
  }
  CHECK(!fs::exists(scratch + "/nowhere"));

  auto made = NewDirectory::make(scratch + "/new");
  REQUIRE(made);
  CHECK(fs::status(scratch + "/new").permissions() == fs::perms::owner_all);
  REQUIRE(made->write("a.eml", "text"));
  CHECK(fs::status(scratch + "/new/a.eml").permissions() ==
        (fs::perms::owner_read | fs::perms::owner_write));
  fs::create_symlink(scratch + "/nowhere", scratch + "/new/b.eml");
  for (const char* refused : {"a.eml", "b.eml", "", ".", "..", ".x", "../c", "d/e"}) {
    CAPTURE(refused);
    CHECK(!made->write(refused, "other"));
  }
  CHECK(!fs::exists(scratch + "/nowhere"));
  std::ifstream file(scratch + "/new/a.eml");
  std::stringstream text;
  text << file.rdbuf();
  CHECK(text.str() == "text");
  fs::remove_all(scratch);
}
