#!/usr/bin/env python3
"""What a farm would cost that is divided among several servers by the hash of the identity: load and
memory of each, on paper but for the figures of one server, which `farm_tests "[load]"` measures.
Run by hand; see conf/farm.md.

  tests/farm/partition.py --users 1000000 --active 0.02 --events 10 --servers 1,4,16 [--hot 0.1]"""

import argparse
import hashlib
import random

# Of one Redis 7.0 on the machine of conf/farm.md.
EVENTS_PER_SECOND = 63_000
BYTES = ((0, 0), (1, 222), (10, 407), (50, 1431), (100, 2711), (200, 5271))
WORD_BYTES = 600  # of a block, in the hash and in the stream; all of them are on one server
HALF = 0.5  # a server is full at half of what it can do: the rest is for repeats after a fault


def bytes_of(events):
    """Of a window with so many events, between the measured sizes in proportion."""
    for (few, small), (many, large) in zip(BYTES, BYTES[1:]):
        if events <= many:
            return small + (large - small) * (events - few) / (many - few)
    few, small = BYTES[-2]
    many, large = BYTES[-1]
    return large + (large - small) / (many - few) * (events - many)


def server_of(identity, servers):
    return int.from_bytes(hashlib.sha256(identity).digest()[:8], "big") % servers


def windows(rules, random_):
    """How many events each active identity has in its window: most few, some many (Pareto, cut at
    the limit, where an identity is blocked and its window goes)."""
    active = round(rules.users * rules.active)
    shape = 1.5
    scale = rules.events * (shape - 1) / shape
    return [min(rules.limit - 1, max(1, round(scale * random_.paretovariate(shape)))) for _ in range(active)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--active", type=float, default=0.02, help="share of them with refusals in the window")
    parser.add_argument("--events", type=float, default=10, help="refusals of each of these in the window, on average")
    parser.add_argument("--period", type=int, default=3600, help="of the window, seconds")
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--hosts", type=int, default=16, help="each sends a share of every identity's events")
    parser.add_argument("--peak", type=float, default=4, help="busiest second by the average one")
    parser.add_argument("--blocked", type=float, default=0.001, help="share of users about which a statement is kept")
    parser.add_argument("--hot", type=float, default=0, help="share of all events that one identity makes")
    parser.add_argument("--servers", default="1,2,4,16,64")
    parser.add_argument("--seed", type=int, default=1)
    rules = parser.parse_args()
    sizes = windows(rules, random.Random(rules.seed))
    words = rules.users * rules.blocked * WORD_BYTES
    total = sum(sizes)
    hot = total * rules.hot / (1 - rules.hot)
    rate = (total + hot) / rules.period * rules.peak
    print(f"{rules.users:,} users, {len(sizes):,} with refusals, {total + hot:,.0f} events in {rules.period} s: "
          f"{rate:,.0f}/s in the busiest second, {rate / rules.hosts:,.0f} from each of {rules.hosts} hosts")
    print(f"{'servers':>7} {'events/s, mean':>15} {'fullest':>9} {'by mean':>8} {'of what it can':>15} "
          f"{'memory, mean':>13} {'fullest':>9} {'connections':>12}")
    for servers in (int(number) for number in rules.servers.split(",")):
        load, memory = [0.0] * servers, [0.0] * servers
        for number, size in enumerate(sizes):
            at = server_of(b"user%d@example.org" % number, servers)
            load[at] += size
            memory[at] += bytes_of(size)
        load[server_of(b"hot@example.org", servers)] += hot
        memory[server_of(b"hot@example.org", servers)] += bytes_of(rules.limit - 1) if hot else 0
        memory[0] += words
        load = [events / rules.period * rules.peak for events in load]
        mean = sum(load) / servers
        print(f"{servers:>7} {mean:>15,.0f} {max(load):>9,.0f} {max(load) / mean:>8.2f} "
              f"{max(load) / EVENTS_PER_SECOND:>15.1%} {sum(memory) / servers / 1e6:>10,.1f} MB "
              f"{max(memory) / 1e6:>6,.1f} MB {2 * rules.hosts:>12}")
    needed = max(1, -(-rate // (EVENTS_PER_SECOND * HALF)))
    print(f"for the load alone {needed:.0f} server(s) at {HALF:.0%}; memory "
          f"{(sum(map(bytes_of, sizes)) + words) / (rules.users / 1e6) / 1e6:,.1f} MB for a million users")


if __name__ == "__main__":
    main()
