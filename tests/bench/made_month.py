#!/usr/bin/env python3
"""What the rules of conf/stolen-accounts.md find in a made month: 5,000 users, 12 of whose accounts are stolen and
used in five ways. Prints the table that stands there. The same program gives the same table.

    made_month.py PROGRAM CONFIG [USERS]      CONFIG: rules, all of them on trial
"""

import collections
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

START = 1764547200  # 2025-12-01 00:00:00
DAYS = 30
DAY = 86400


class Month:
    """Lines with their times; each user's own and the thieves'."""

    def __init__(self, users, seed=1):
        self.rng = random.Random(seed)
        self.lines = []
        self.number = 0
        self.begun = {}  # stolen account: when
        self.habit = {}
        for number in range(users):
            self.honest(number)
        for number in range(12):
            self.stolen(number * (users // 12) + 7, ("botnet", "botnet", "botnet", "flood", "flood", "flood",
                                                     "harvest", "harvest", "slow botnet", "slow botnet", "forger",
                                                     "forger")[number])
        for _ in range(60):
            self.guesser()

    def network(self, rng):
        return f"{rng.choice((24, 31, 46, 62, 77, 80, 85, 93, 109, 178, 188))}.{rng.randrange(256)}.{rng.randrange(256)}"

    def message(self, at, user, host, recipients, sender=None, spam=0.0, dead=0.0):
        self.number += 1
        key = f"1vA{self.number % 1000:03d}-{self.number:011d}-0000"
        names = [f"p{self.rng.randrange(90000)}@d{self.rng.randrange(3000)}.test" for _ in range(recipients)]
        for name in names:
            if self.rng.random() < dead:
                self.lines.append((at, f"H=(pc) [{host}] F=<{sender or user}> A=plain:{user} rejected RCPT <{name}>: "
                                       "Unrouteable address"))
        self.lines.append((at, f"{key} <= {sender or user} H=(pc) [{host}] P=esmtpsa A=plain:{user} S=2000 for "
                           + " ".join(names)))
        for name in names:
            if self.rng.random() < spam:
                self.lines.append((at + 2, f"{key} ** {name} R=dnslookup T=remote_smtp H=mx [203.0.113.9]: SMTP error "
                                           "from remote mail server after end of data: 554 5.7.1 Message rejected as "
                                           "spam"))
        self.lines.append((at + 3, f"{key} Completed"))

    def honest(self, number):
        rng = self.rng
        user = f"user{number}@c{number % 90}.example"
        kind = rng.choices(("webmail", "desk", "phone", "traveller", "team", "newsletter"),
                           (30, 40, 24, 2, 3.6, .4))[0]
        home, office = self.network(rng), self.network(rng)
        carrier = [self.network(rng) for _ in range({"traveller": 60, "phone": 30}.get(kind, 4))]
        team = [self.network(rng) for _ in range(9)]
        verp = rng.random() < .3
        for day in range(DAYS):
            weekend = day % 7 > 4
            busy = {"webmail": 3, "desk": 8, "phone": 6, "traveller": 12, "team": 40, "newsletter": 3}[kind]
            for _ in range(int(rng.expovariate(1 / busy)) // (4 if weekend else 1)):
                at = START + day * DAY + int(min(max(rng.gauss(13, 3.5), 0), 23.9) * 3600)
                network = {"webmail": "192.0.2", "desk": office if rng.random() < .8 else home,
                           "team": rng.choice(team)}.get(kind) or (
                    rng.choice(carrier) if rng.random() < .6 else home)
                many = 1 if rng.random() < .85 else rng.randrange(2, 25)
                self.message(at, user, f"{network}.{rng.randrange(1, 255) if kind != 'webmail' else 9}", many,
                             spam=.0005, dead=.004)
            if kind == "newsletter" and day % 7 == number % 7:
                at = START + day * DAY + 9 * 3600
                for letter in range(rng.randrange(200, 2500)):
                    self.message(at + letter // 2, user, f"{office}.20", 1,
                                 sender=f"n-{letter}-{day}@c{number % 90}.example" if verp else None, spam=.001,
                                 dead=.002)

    def stolen(self, number, habit):
        rng = self.rng
        user = f"user{number}@c{number % 90}.example"
        at = START + rng.randrange(8, 27) * DAY + rng.randrange(DAY)
        self.begun[user], self.habit[user] = at, habit
        bots = [f"{self.network(rng)}.{rng.randrange(1, 255)}" for _ in range(400)]
        for step in range({"botnet": 1500, "flood": 4000, "harvest": 1500, "slow botnet": 600, "forger": 900}[habit]):
            pause = {"botnet": 8, "flood": 2, "harvest": 6, "slow botnet": 300, "forger": 20}[habit]
            host = rng.choice(bots) if "botnet" in habit else bots[0]
            self.message(at + step * pause, user, host, 2, spam={"forger": .2, "flood": .03}.get(habit, .02),
                         dead=.35 if habit == "harvest" else .005,
                         sender=f"{rng.randrange(10**9):x}@d{rng.randrange(3000)}.test" if habit == "forger" else None)

    def guesser(self):
        rng = self.rng
        host = f"{self.network(rng)}.{rng.randrange(1, 255)}"
        at = START + rng.randrange(DAYS * DAY)
        for step in range(rng.randrange(5, 400)):
            self.lines.append((at + step * 9, f"plain authenticator failed for (x) [{host}]: 535 Incorrect "
                                              f"authentication data (set_id=user{rng.randrange(6000)})"))

    def write(self, path):
        with open(path, "w", encoding="ascii") as out:
            for at, line in sorted(self.lines, key=lambda one: one[0]):
                out.write(time.strftime("%Y-%m-%d %H:%M:%S ", time.gmtime(at)) + line + "\n")


def minutes(seconds):
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def main(program, config, users=5000):
    month = Month(users)
    decided = collections.defaultdict(dict)  # rule: identity: first time
    with tempfile.TemporaryDirectory() as home:
        month.write(home + "/mainlog")
        done = subprocess.run([program, "replay", "-c", config, "-o", "jsonl", home + "/mainlog"], check=True,
                              capture_output=True, env={**os.environ, "TZ": "UTC"})
    for line in done.stdout.splitlines():
        row = json.loads(line)
        at = time.mktime(time.strptime(row["time"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
        decided[row["rule"]].setdefault(row["identity"], at)
    habits = list(dict.fromkeys(month.habit.values()))
    print("| rule | " + " | ".join(f"{habit} ({sum(one == habit for one in month.habit.values())})"
                                   for habit in habits) + " | honest senders hit | found after, median |")
    print("|---" * (len(habits) + 3) + "|")
    for rule, first in decided.items():
        hits = {user: at for user, at in first.items() if user in month.begun and at >= month.begun[user]}
        honest = [user for user in first if user not in hits]
        cells = [str(sum(month.habit[user] == habit for user in hits)) for habit in habits]
        after = [at - month.begun[user] for user, at in hits.items()]
        if all("@" not in one for one in first):
            cells, honest, after = ["-"] * len(habits), [], []
            cells[0] = f"{len(first)} hosts"
        print(f"| {rule} | " + " | ".join(cells)
              + f" | {len(honest)} | {minutes(statistics.median(after)) if after else '-'} |")


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
