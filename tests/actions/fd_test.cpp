#include "actions/fd.h"

#include <fcntl.h>

#include "tests/catch.h"

using actions::Fd;

namespace {

int opened() {
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  return fd;
}

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

}  // namespace

TEST_CASE("a descriptor is closed when its owner ends, and stays open when it is released") {
  const int number = opened();
  {
    const Fd owner(number);
  }
  CHECK_FALSE(is_open(number));

  const int kept = opened();
  {
    Fd owner(kept);
    CHECK(owner);
    CHECK(owner.release() == kept);
    CHECK_FALSE(owner);
    CHECK(owner.get() < 0);
  }
  CHECK(is_open(kept));
  const Fd closes(kept);
}

TEST_CASE("a descriptor moves from owner to owner, and the one before it is closed") {
  const int first = opened();
  const int second = opened();
  Fd owner(first);
  Fd other(second);
  owner = std::move(other);
  CHECK_FALSE(is_open(first));
  CHECK(is_open(second));
  CHECK(owner.get() == second);

  auto& same = owner;
  owner = std::move(same);
  CHECK(owner.get() == second);
  CHECK(is_open(second));

  Fd moved(std::move(owner));
  moved = Fd();
  CHECK_FALSE(is_open(second));
}

TEST_CASE("no descriptor, no close") {
  const Fd none;
  const Fd failed(-1);
  CHECK_FALSE(none);
  CHECK_FALSE(failed);
}
