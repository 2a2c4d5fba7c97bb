#!/bin/bash
# usage: tests/fuzz/run.sh SECONDS [TARGET...]   (after: cmake --preset fuzz && cmake --build --preset fuzz)
# FUZZ_OPTIONS: more of libFuzzer's.
# Runs every target, or those named, for that long, two at a time. Says how many inputs each tried;
# fails, and keeps the input in build/fuzz/findings/, if one finds something.
set -eu
seconds=${1:?usage: run.sh SECONDS [TARGET...]}
shift
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$top/build/fuzz/tests/fuzz
findings=$top/build/fuzz/findings
corpus=$top/build/fuzz/corpus
mkdir -p "$findings" "$corpus"
if [ $# -eq 0 ]; then
  for seeds in "$top"/tests/fuzz/seeds/*/; do
    [ -x "$build/fuzz_$(basename "$seeds")" ] && set -- "$@" "$(basename "$seeds")"
  done
fi

run_one() {
  local name=$1 log=$findings/$1.log
  mkdir -p "$corpus/$name"
  if ! "$build/fuzz_$name" -max_total_time="$seconds" -max_len=4096 -timeout=60 -rss_limit_mb=2048 \
    -print_final_stats=1 ${FUZZ_OPTIONS:-} -artifact_prefix="$findings/$name-" \
    "$corpus/$name" "$top/tests/fuzz/seeds/$name" >"$log" 2>&1; then
    echo "$name: FOUND SOMETHING, see $log"
    tail -30 "$log"
    return 1
  fi
  echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions"
}

failed=0
while [ $# -gt 0 ]; do
  run_one "$1" & first=$!
  second=
  if [ $# -gt 1 ]; then run_one "$2" & second=$!; shift; fi
  shift
  wait "$first" || failed=1
  if [ -n "$second" ]; then wait "$second" || failed=1; fi
done
exit $failed
