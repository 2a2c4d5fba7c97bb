"""What run.sh starts. Figures on stdout, as tables."""

import argparse

import growth
import let_through
import live
import replay

parser = argparse.ArgumentParser(prog="tests/bench/run.sh")
parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
parser.add_argument("--size", type=int, default=1024, help="MiB of each log (default 1024)")
parser.add_argument("--times", type=int, default=5, help="runs of each command (default 5)")
parser.add_argument("--live", action="store_true", help="the service instead: latency, memory, start, idleness")
parser.add_argument("--growth", action="store_true", help="time and memory by lines, identities and events")
parser.add_argument("--exim", action="store_true", help="a real Exim: recipients reached after the limit (as root)")
options = parser.parse_args()
if options.exim:
    let_through.main(options.program, options.times)
elif options.growth:
    growth.main(options.program, options.times)
elif options.live:
    live.main(options.program)
else:
    replay.main(options.program, options.size << 20, options.times)
