#!/bin/bash
# The long forms of the durability tests, by an optimised build of their own, and a table of figures.
# About three hours on two cores. As root, for the small disks that fill up.
#   tests/durability/run.sh [SHARE]    SHARE: percent of the kills of kill_nine and of the hands, 100 by default
set -euo pipefail
cd "$(dirname "$0")/../.."
share=${1:-100}
build=build/durability
log=$build/figures.log

cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_TESTING=ON >/dev/null
cmake --build $build --target exiwarden durability_tests -- -j"$(nproc)"
: >$log

export EXIWARDEN=$PWD/$build/exiwarden EXIWARDEN_SOURCE=$PWD EXIWARDEN_KILLS=$((500 * share / 100))
failed=0
python() { (cd tests/durability && python3 -B -m unittest "$1") 2>&1 | tee -a $log || failed=1; }

stage() { printf '\n== %s (%d s)\n' "$1" "$SECONDS"; }

stage "rotations, every blow of the crash matrix, random scripts, overload, a month"
$build/tests/durability/durability_tests "*","[.long]" 2>&1 | tee -a $log || failed=1
stage "kill -9"
python kill_nine
stage "full disks"
python disk_full
stage "without inotify"
python inotify_limits
stage "hands"
hands() { python3 -B tests/durability/hands.py "$@" 2>&1 | tee -a $log || failed=1; }
hands -n $((2000 * share / 100)) -s 1000
hands --soak $((60 * share / 100))
stage "100,000 identities"
python start_up

stage "figures"
grep -E '^(kills|kills in a row|failures|failures at a restart|model|kill -9|hands|hands for long|overload|soak|start-up): ' $log |
  sort -u | sed 's/: /\t/' | column -t -s $'\t'
exit $failed
