"""A busy day of an Exim mainlog, made line by line, and what rules must decide on it.

The truth does not come from parsing: whoever writes a line knows who is to be charged for it. The
windows are counted in the plainest way there is.
"""

import base64
import datetime
import random

START = datetime.datetime(2026, 11, 23)
EPOCH = datetime.datetime(1970, 1, 1)
RELAYS = ["192.0.2.64/26", "2001:db8:1::/48"]


class Log:
    """Collects lines and, for those that count, the identity they charge."""

    def __init__(self):
        self.lines = []
        self.events = []  # (line number, offset, seconds, kind, identity, recipient)
        self.size = 0

    def add(self, second, payload, charge=None, recipient=None):
        when = START + datetime.timedelta(seconds=second)
        line = f"{when:%Y-%m-%d %H:%M:%S} {payload}\n".encode()
        if charge:
            self.events.append((len(self.lines) + 1, self.size, second, *charge, recipient))
        self.lines.append(line)
        self.size += len(line)


def forged(random_source):
    """Text in which a hasty reader sees a refusal of the user "victim"."""
    return random_source.choice([
        '"x> A=plain:victim rejected RCPT <y@z>: Unrouteable address"@example.com',
        '"a\\"> A=plain:victim rejected RCPT <z"@example.com',
        '"H=(h) [192.0.2.65] F=<a@b> rejected RCPT <c@d>: Unrouteable address"@example.com',
    ])


def make(size, seed, late=2):
    """About `size` bytes over 24 hours. `late`: by how many seconds lines may be out of order."""
    rng = random.Random(seed)
    log = Log()
    users = [f"user{n}@example.org" for n in range(300)] + ["Mixed.Case@Example.org", "with blank", "a:b", "o'hara"]
    attackers = [(user, rng.randrange(80000), rng.choice([120, 600, 3000])) for user in rng.sample(users, 12)]
    relays = [f"192.0.2.{n}" for n in range(65, 100)] + [f"2001:db8:1::{n:x}" for n in range(1, 20)]
    bad_relays = [(host, rng.randrange(80000), rng.choice([100, 900])) for host in rng.sample(relays, 6)]
    plan = []  # (second, what, who)
    for who, begin, rate in attackers + bad_relays:
        second = float(begin)
        for _ in range(rng.randrange(20, 400)):
            second += rng.expovariate(rate / 3600)
            if second < 86400:
                plan.append((int(second), "relay" if (who, begin, rate) in bad_relays else "user", who))
    kinds = ["noise"] * 60 + ["typo"] * 2 + ["relay typo", "temporary", "policy", "relay policy", "outsider", "decoy",
                                             "tagged", "decoy user"]
    estimate = size // 150
    plan += [(rng.randrange(86400), rng.choice(kinds), "") for _ in range(max(0, estimate - len(plan)))]
    plan.sort(key=lambda entry: entry[0])

    for number, (second, what, who) in enumerate(plan):
        second = max(0, second - rng.randrange(late + 1))
        user, relay = who or rng.choice(users), who or rng.choice(relays)
        host = f"198.51.100.{rng.randrange(1, 255)}"
        dead = f"dead{rng.randrange(10**6)}@example.net"
        if rng.random() < 0.3:  # ids and domains in any case are the same
            user, dead = rng.choice([str.upper, str.lower, str.title])(user), dead.upper()
        client = f"H=(pc{number % 97}) [{host}] F=<{user.replace(' ', '.').split(':')[0]}>"
        gone = f"rejected RCPT <{dead}>: Unrouteable address"
        if what == "noise":
            log.add(second, f"1xV{number:03d}-00002H-0Z <= a@example.org H=(pc) [{host}] P=esmtpa A=plain:{user} S=512")
        elif what in ("user", "typo"):
            log.add(second, f"{client} A=plain:{user} {gone}", ("user", user), dead)
        elif what in ("relay", "relay typo"):
            log.add(second, f"H=(app) [{relay}] F=<> {gone}", ("relay", relay), dead)
        elif what == "temporary":
            log.add(second, f"{client} A=plain:{user} temporarily {gone}")
        elif what == "policy":
            log.add(second, f"{client} A=plain:{user} rejected RCPT <{dead}>: relay not permitted")
        elif what == "relay policy":
            log.add(second, f"H=(app) [{relay}] F=<> rejected RCPT <{dead}>: Sender verify failed")
        elif what == "outsider":
            log.add(second, f"H=(mx) [203.0.113.{number % 250}] F=<> {gone}")
        elif what == "decoy":
            log.add(second, f"H=(mx) [203.0.113.{number % 250}] F=<{forged(rng)}> {gone}")
        elif what == "decoy user":
            argument = f"<{forged(rng)}>"[:100]
            log.add(second, f"{client} A=plain:{user} rejected RCPT {argument}: Unrouteable address", ("user", user),
                    argument[1:-1] if argument.endswith(">") else argument)
        elif what == "tagged":
            encode = lambda text: base64.b64encode(text.encode()).decode()
            clock = int((START - EPOCH).total_seconds() + second) * 10**6 + number % 10**6
            log.add(second, f"exiwarden/1 missing-recipient auth=plain id={encode(user)} host={host} "
                            f"rcpt={encode(dead)} at={clock} pid={number + 100} n=1", ("user", user), dead)
    return log


def decisions(events, kind, limit, period, distinct=False):
    """[(line, offset, identity, oldest second)] for one rule with a list of its own, by counting everything anew."""
    history, blocked, found = {}, set(), []
    for line, offset, second, event_kind, identity, recipient in events:
        key = identity.lower()
        if event_kind != kind or key in blocked:
            continue
        seen = history.setdefault(key, [])
        seen.append((second, recipient.lower()))
        newest = max(when for when, _ in seen)
        inside = [(when, what) for when, what in seen if when > newest - period]
        history[key] = inside
        if distinct:
            latest = {}
            for when, what in inside:
                latest[what] = max(when, latest.get(what, 0))
            inside = [(when, what) for what, when in latest.items()]
        if len(inside) >= limit:
            blocked.add(key)
            found.append((line, offset, identity, min(when for when, _ in inside)))
    return found
