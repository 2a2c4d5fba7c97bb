#!/bin/bash
# Measures the release build beside what else reads logs: `tests/bench/run.sh`, a table for each mix
# of lines; `--live` for the service; `--exim` for what a real Exim lets through (as root); `--inner`
# for the inner parts (libbenchmark-dev). Run it on a machine that does nothing else. What is installed
# of rg, mawk, perl and fail2ban takes part; the packages are ripgrep, mawk, perl and fail2ban.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ "${1:-}" = --inner ]; then
  shift
  cmake --preset dev >/dev/null
  cmake --build --preset dev --target inner
  exec build/dev/tests/bench/inner "$@"
fi
cmake --preset release >/dev/null
cmake --build --preset release >&2
exec python3 -B tests/bench/bench.py --program "$PWD/build/release/exiwarden" "$@"
