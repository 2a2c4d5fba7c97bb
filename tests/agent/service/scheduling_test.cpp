#include "agent/service/scheduling.h"

#include <sched.h>
#include <sys/resource.h>

#include "tests/catch.h"

namespace {

TEST_CASE("short slices are asked for, and nothing else is changed") {
  const auto policy = ::sched_getscheduler(0);
  const auto nice = ::getpriority(PRIO_PROCESS, 0);
  const auto slice = agent::ask_for_short_slices();
  CHECK((slice == 100'000 || slice == 0));  // 0: Linux before 6.12
  CHECK(::sched_getscheduler(0) == policy);
  CHECK(::getpriority(PRIO_PROCESS, 0) == nice);
}

TEST_CASE("who is scheduled otherwise stays so") {
  const sched_param none{};
  REQUIRE(::sched_setscheduler(0, SCHED_BATCH, &none) == 0);
  CHECK(agent::ask_for_short_slices() == 0);
  CHECK(::sched_getscheduler(0) == SCHED_BATCH);
  REQUIRE(::sched_setscheduler(0, SCHED_OTHER, &none) == 0);
}

}  // namespace
