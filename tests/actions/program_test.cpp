#include "actions/program.h"

#include <signal.h>
#include <sys/resource.h>

#include <chrono>
#include <stop_token>
#include <thread>

#include "tests/catch.h"

using actions::Errc;
using actions::ProgramOptions;
using actions::run_program;

TEST_CASE("of what a program says the beginning is kept, and the rest takes no memory") {
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  ProgramOptions options;
  options.limit = 1000;
  const auto ended = run_program(
      {"/bin/sh", "-c", "head -c 300000000 /dev/zero; head -c 300000000 /dev/zero >&2; exit 3"}, "",
      options);
  REQUIRE(ended);
  CHECK(ended->exit_status == 3);
  CHECK(ended->output == std::string(1000, '\0'));
  CHECK(ended->errors == std::string(options.errors_limit, '\0'));
  ::getrusage(RUSAGE_SELF, &after);
  CHECK(after.ru_maxrss - before.ru_maxrss < 100'000);  // KiB
}

TEST_CASE("what a program has started and left behind is not waited for") {
  const auto ended = run_program({"/bin/sh", "-c", "sleep 30 & echo said"}, "", {});
  REQUIRE(ended);
  CHECK(ended->output == "said\n");
}

TEST_CASE("a program that is to stop is killed at once, with what it has started") {
  for (const bool before : {true, false}) {
    std::stop_source source;
    ProgramOptions options;
    options.stop = source.get_token();
    if (before) source.request_stop();
    const auto began = std::chrono::steady_clock::now();
    const std::jthread stopper([&] { source.request_stop(); });
    const auto ended = run_program({"/bin/sh", "-c", "sleep 60 & sleep 60"}, "", options);
    REQUIRE_FALSE(ended);
    CHECK(ended.error().code == Errc::timeout);
    CHECK(ended.error().what.find("stopped before its end") != std::string::npos);
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(25));
  }
}

TEST_CASE("where the end of children is ignored, that is said, and nothing hangs") {
  const auto before = ::signal(SIGCHLD, SIG_IGN);
  const auto ended = run_program({"/bin/true"}, "", {});
  ::signal(SIGCHLD, before);
  REQUIRE_FALSE(ended);
  CHECK(ended.error().code == Errc::io);
  CHECK(ended.error().what.find("SIGCHLD is ignored") != std::string::npos);
}
