#include "agent/state/saver.h"

#include <poll.h>

#include "actions/posix_files.h"
#include "tests/catch.h"
#include "tests/fakes.h"

namespace agent {
namespace {

bool readable(int fd, int milliseconds) {
  pollfd waiting{fd, POLLIN, 0};
  return ::poll(&waiting, 1, milliseconds) == 1;
}

// Else the service would not wake up for it, or never sleep again.
TEST_CASE("the saver's descriptor is readable while there is an outcome") {
  const fakes::Directory directory;
  actions::PosixFiles files;
  ThreadSaver saver(files, directory.path());
  CHECK_FALSE(readable(saver.fd(), 0));
  for (int i = 0; i < 3; ++i) {
    saver.start({{}, "checkpoint", "", ""});
    REQUIRE(readable(saver.fd(), 60'000));
    const auto outcome = saver.outcome();
    REQUIRE(outcome);
    CHECK_FALSE(outcome->fault);
    CHECK_FALSE(readable(saver.fd(), 0));
    CHECK_FALSE(saver.outcome());

    saver.start({{}, "another", "", ""});
    CHECK(saver.wait());
    CHECK_FALSE(readable(saver.fd(), 0));
    CHECK_FALSE(saver.outcome());
  }
  CHECK(fakes::content(directory / "checkpoint") == "another");
}

}  // namespace
}  // namespace agent
