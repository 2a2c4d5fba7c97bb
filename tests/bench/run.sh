#!/bin/bash
# Measures the release build on a machine that does nothing else:
#   tests/bench/run.sh            replay and tune beside what else reads logs, for each mix of lines
#   tests/bench/run.sh --live     the service: latency, lines a second, memory, restart
#   tests/bench/run.sh --growth   time and memory by lines, identities and events
#   tests/bench/run.sh --exim     what a real Exim lets through after the limit (as root)
#   tests/bench/run.sh --inner    the inner parts (libbenchmark-dev)
# What is installed of ripgrep, mawk, perl, fail2ban, sec, sshguard and crowdsec (Debian's packages)
# takes part.
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
