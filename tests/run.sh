#!/bin/bash
# Installs the test tools and runs all tests under ASan and UBSan, a real Exim among them. Debian 12 or 13,
# as root: the tests start their own Exim in namespaces of their own; the machine's is not touched.
#   tests/run.sh         formatting, all tests, and beside them 60 s of fuzzing for each target
#   tests/run.sh checks  clang-tidy without the analyzer, and the agent's tests under the thread sanitizer: 8 minutes
#                        on two processors
#   tests/run.sh lint    the same with the analyzer, and headers that stand alone
#   tests/run.sh full    lint and all tests
# tests/other_release.sh does the same for the other Debian release.
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in
  "" | checks | lint | full) what=${1:-} ;;
  *) echo "usage: $0 [checks|lint|full]" >&2; exit 64 ;;
esac
conf/packages.sh test
jobs=$(nproc)

stage() { printf '\n== %s (%d s)\n' "$1" "$SECONDS"; }
# One line for a build, and all it said if it fails.
build() {
  local preset=$1 log=build/$1.log
  shift
  mkdir -p build
  if { cmake --preset "$preset" && cmake --build --preset "$preset" "$@" -- -j"$jobs"; } >"$log" 2>&1; then
    grep -v '^\[[0-9]*/[0-9]*\]\|^--\|^Preset' "$log" || true
  else
    cat "$log"
    exit 1
  fi
}

# By the thread sanitizer's build: clang can't read the headers that g++ has precompiled for the others.
tidy() {
  cmake --preset tsan >/dev/null
  git ls-files 'parsers/*.cpp' 'actions/*.cpp' 'agent/*.cpp' |
    xargs -P "$jobs" -n 6 clang-tidy -p build/tsan --quiet --extra-arg=-Wno-unknown-warning-option "$@" \
      2> >(grep -v '^[0-9]* warnings generated' >&2)
}

if [ "$what" = checks ]; then
  stage "clang-tidy, without the analyzer, which takes two thirds of the time"
  tidy --checks='-clang-analyzer-*'
elif [ -n "$what" ]; then
  stage "headers that stand alone"
  # shellcheck disable=SC2016
  git ls-files '*.h' | xargs -P "$jobs" -I{} sh -c \
    'echo "#include \"$1\"" | g++ -std=c++20 -fsyntax-only -Wall -Werror -I. -DEXIWARDEN_FARM -x c++ - || { echo "$1"; exit 1; }' _ {}

  stage "clang-tidy, all checks"
  tidy
fi
if [ -n "$what" ]; then
  stage "TSan: all tests of the agent"
  build tsan --target agent_tests
  setarch -R build/tsan/tests/agent/agent_tests
  [ "$what" = full ] || exit 0
fi

stage "clang-format"
git ls-files '*.cpp' '*.h' | xargs clang-format-19 --dry-run -Werror

stage "building with ASan and UBSan, warnings are errors"
build dev

stage "TSan: the threads that read ahead, and the farm's"
build tsan --target read_ahead_tests --target farm_link_tests
setarch -R build/tsan/tests/agent/read_ahead_tests
setarch -R build/tsan/tests/farm/farm_link_tests

stage "building the fuzz targets"
build fuzz

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
