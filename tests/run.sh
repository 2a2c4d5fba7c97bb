#!/bin/bash
# Installs the test tools and runs all tests under ASan and UBSan, a real Exim among them. Debian 12,
# as root: the tests start their own Exim in namespaces of their own; the machine's is not touched.
#   tests/run.sh         formatting and all tests
#   tests/run.sh full    the same, and before them lint, the thread sanitizer, and 60 s of fuzzing
#                        for each target
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
    xargs -P "$jobs" -n 6 clang-tidy -p build/dev --quiet

  stage "TSan: what uses threads"
  cmake --preset tsan >/dev/null
  cmake --build --preset tsan --target agent_tests -- -j"$jobs"
  setarch -R build/tsan/tests/agent/agent_tests

  stage "fuzzing, 60 s each target"
  cmake --preset fuzz >/dev/null
  cmake --build --preset fuzz -- -j"$jobs"
  tests/fuzz/run.sh 60
fi

stage "all tests"
ctest --preset dev -j"$jobs"
