#!/bin/bash
# Everything that is checked, in one go: formatting, lint, fuzzing, the thread sanitizer and all
# tests under ASan and UBSan, a real Exim among them. Debian 12, as root (the tests start their own
# Exim in namespaces of their own; the machine's is not touched).
#   tests/run.sh          all of it
#   tests/run.sh quick    the tests alone
set -euo pipefail
cd "$(dirname "$0")/.."
conf/packages.sh test
jobs=$(nproc)

stage() { printf '\n== %s (%d s)\n' "$1" "$SECONDS"; }

if [ "${1:-}" != quick ]; then
  stage "clang-format"
  git ls-files '*.cpp' '*.h' | xargs clang-format --dry-run -Werror

  stage "fuzzing: building"
  cmake --preset fuzz >/dev/null
  cmake --build --preset fuzz -- -j"$jobs"
  fuzz_log=$(mktemp)
  stage "fuzzing, in the background: 60 s each target"
  nice tests/fuzz/run.sh 60 >"$fuzz_log" 2>&1 &
  fuzz=$!
fi

stage "dev: building with ASan and UBSan, warnings are errors"
cmake --preset dev >/dev/null
cmake --build --preset dev -- -j"$jobs"

if [ "${1:-}" != quick ]; then
  stage "clang-tidy"
  git ls-files 'parsers/*.cpp' 'actions/*.cpp' 'agent/*.cpp' |
    xargs -P "$jobs" -n 6 clang-tidy -p build/dev --quiet 2>&1 | { grep -vE '^[0-9]+ warnings (generated|treated)|^$' || :; }

  stage "TSan: what uses threads"
  cmake --preset tsan >/dev/null
  cmake --build --preset tsan --target agent_tests -- -j"$jobs"
  setarch -R build/tsan/tests/agent/agent_tests "~[slow]" >/dev/null

  stage "fuzzing: what it found"
  wait "$fuzz" || { cat "$fuzz_log"; exit 1; }
  tail -n 20 "$fuzz_log"
fi

stage "all tests"
ctest --preset dev -j"$jobs"
