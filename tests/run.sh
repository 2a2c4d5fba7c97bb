#!/bin/bash
# Installs the test tools and runs all tests under ASan and UBSan, a real Exim among them. Debian 12,
# as root: the tests start their own Exim in namespaces of their own; the machine's is not touched.
#   tests/run.sh         formatting, all tests, and beside them 60 s of fuzzing for each target
#   tests/run.sh full    the same, and before them lint and the agent under the thread sanitizer
set -euo pipefail
cd "$(dirname "$0")/.."
conf/packages.sh test
jobs=$(nproc)

stage() { printf '\n== %s (%d s)\n' "$1" "$SECONDS"; }

stage "clang-format"
git ls-files '*.cpp' '*.h' | xargs clang-format --dry-run -Werror

stage "building with ASan and UBSan, warnings are errors"
cmake --preset dev >/dev/null
cmake --build --preset dev -- -j"$jobs"

if [ "${1:-}" = full ]; then
  stage "clang-tidy"
  git ls-files 'parsers/*.cpp' 'actions/*.cpp' 'agent/*.cpp' |
    xargs -P "$jobs" -n 6 clang-tidy -p build/dev --quiet --extra-arg=-Wno-unknown-warning-option

  stage "TSan: all tests of the agent"
  cmake --preset tsan >/dev/null
  cmake --build --preset tsan --target agent_tests -- -j"$jobs"
  setarch -R build/tsan/tests/agent/agent_tests
fi

stage "TSan: the threads that read ahead"
cmake --preset tsan >/dev/null
cmake --build --preset tsan --target read_ahead_tests -- -j"$jobs"
setarch -R build/tsan/tests/agent/read_ahead_tests

stage "TSan: the farm's thread"
cmake --build --preset tsan --target farm_link_tests -- -j"$jobs"
setarch -R build/tsan/tests/farm/farm_link_tests

stage "building the fuzz targets"
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz -- -j"$jobs"

# The fuzzers take what the tests leave: those wait for Exim most of the time. Their own limit for
# one input is wall-clock time, so it is a long one here; with the seed given, two runs try much the
# same inputs. Where the kernel groups processes by session, nice counts within the group only, and
# it is the group that must give way.
stage "all tests, 60 s of fuzzing each target beside them"
fuzzed=build/fuzz/run.log
FUZZ_OPTIONS="-seed=1 -timeout=300" setsid sh -c '
  { echo 19 >/proc/self/autogroup; } 2>/dev/null || true
  exec nice -n 19 tests/fuzz/run.sh 60' >"$fuzzed" 2>&1 &
fuzzing=$!
trap 'kill -- -"$fuzzing" 2>/dev/null || true' EXIT
failed=0
# One more at a time than there are processors: most of those that take long wait for Exim.
ctest --preset dev -j"$((jobs + 1))" | tee build/dev/tests.log || failed=$?
wait "$fuzzing" || failed=1
cat "$fuzzed"
sed -n '/tests passed/,$p' build/dev/tests.log  # the summary comes last
exit "$failed"
