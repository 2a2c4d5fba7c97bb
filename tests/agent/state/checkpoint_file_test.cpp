// The checkpoint's files, and whatever else lies under their names.
#include "agent/state/checkpoint_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "actions/posix_files.h"
#include "tests/catch.h"
#include "tests/fakes.h"

namespace agent {
namespace {

namespace fs = std::filesystem;

using Put = std::function<void(const std::string& path)>;

const std::vector<std::pair<const char*, Put>> kKinds{
    {"garbage", [](const auto& path) { fakes::write(path, "garbage\n"); }},
    {"a directory", [](const auto& path) { fs::create_directory(path); }},
    {"a directory with a file in it",
     [](const auto& path) {
       fs::create_directory(path);
       fakes::write(path + "/file", "");
     }},
    {"a FIFO", [](const auto& path) { REQUIRE(::mkfifo(path.c_str(), 0600) == 0); }},
    {"a link to nothing", [](const auto& path) { fs::create_symlink("nowhere", path); }},
};

// Saves until it works; how often it did not.
int failures(CheckpointFile& file, const std::string& text) {
  int count = 0;
  while (count < 5 && !file.save(text)) ++count;
  return count;
}

TEST_CASE(
    "whatever lies in the place of a checkpoint is set aside, beside what lies there already") {
  const auto good = encode_checkpoint({});
  for (const auto& [first, put_first] : kKinds) {
    for (const auto& [second, put_second] : kKinds) {
      for (const std::string name : {"checkpoint", "checkpoint.previous"}) {
        DYNAMIC_SECTION(name << ": " << first << ", then " << second) {
          const fakes::Directory directory;
          actions::PosixFiles files;
          CheckpointFile file(files, directory.path());
          for (const auto* put : {&put_first, &put_second, &put_first, &put_second}) {
            (*put)(directory / name);
            std::vector<std::string> said;
            const auto loaded = file.load([&](const auto& text) { said.push_back(text); });
            CHECK(loaded.damaged);
            CHECK_FALSE(loaded.state);
            REQUIRE(said.size() == 1);
            CHECK(said[0].find("set aside as " + directory / (name + ".damaged")) !=
                  std::string::npos);
            CHECK(failures(file, good) == 0);
            CHECK(file.load([](const auto&) {}).state);
            fs::remove(directory / "checkpoint");
            fs::remove(directory / "checkpoint.previous");
          }
          fs::remove_all(directory / "checkpoint");
        }
      }
    }
  }
}

TEST_CASE("what comes to lie in the place of a checkpoint between two is an error at most twice") {
  const auto good = encode_checkpoint({});
  for (const auto& [kind, put] : kKinds) {
    for (const unsigned where : {1U, 2U, 3U}) {
      DYNAMIC_SECTION(kind << " in place " << where) {
        const fakes::Directory directory;
        actions::PosixFiles files;
        CheckpointFile file(files, directory.path());
        for (int round = 0; round < 3; ++round) {
          if ((where & 1U) != 0) {
            fs::remove_all(directory / "checkpoint");
            put(directory / "checkpoint");
          }
          if ((where & 2U) != 0) {
            fs::remove_all(directory / "checkpoint.previous");
            put(directory / "checkpoint.previous");
          }
          CHECK(failures(file, good) <= 2);
          CHECK(failures(file, good) <= 1);
          CHECK(failures(file, good) == 0);
          CHECK(file.load([](const auto&) {}).state);
          CHECK(fakes::content(directory / "checkpoint.previous") == good);
        }
      }
    }
  }
}

}  // namespace
}  // namespace agent
