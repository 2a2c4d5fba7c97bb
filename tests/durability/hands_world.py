"""Scripts of hands, performed on a machine and on the model beside it, and held to it in the end."""

import contextlib
import errno
import random
import time
from collections import Counter

from hands_machine import ASAN, LATE, LIMITS, REDIS, Failure, Machine, Skip
from hands_model import YES, Rule
from hands_on_lists import ListHands
from hands_on_logs import LogHands
from hands_on_service import ServiceHands

IDLE = 0.06 if not ASAN else 0.15  # of a processor, at most, when there is nothing to do
MEMORY = 64 << 10  # KiB beside what the senders of bursts take
IN_FILES = 16 << 10  # KiB that a program's output may take in memory


class World(ListHands, LogHands, ServiceHands):
    def __init__(self, script):
        self.script = script
        if REDIS is None:  # no farm then
            script["start"]["farm"] = False
        self.chance = random.Random(script["seed"] + 1)
        self.m = Machine(script["user"], script["start"])
        self.rules = {name: Rule(name, limit, period) for name, (limit, period) in LIMITS.items()}
        for rule in self.rules.values():
            rule.shared = script["start"]["farm"]
        self.troubles = {}  # what is in trouble -> (kind, how to mend it, whether the service can do its work)
        self.foreign = {name: [] for name in LIMITS}  # lines of the admin
        self.saved_keys = {name: set() for name in LIMITS}
        self.unlistable = set()
        self.bursts = self.burst_senders = 0
        self.numbers = 0
        self.state_removed = self.hung = self.dropped = False
        self.states_lost = self.generations_lost = 0
        self.skipped = []

    def run(self):
        self.m.start()
        for action in self.script["actions"]:
            self.act(action)
        try:
            self.finish()
        except Failure as failure:
            raise Failure(f"in the end: {failure}") from failure

    def act(self, action):
        try:
            getattr(self, "do_" + action[0])(*action[1:])
        except Skip as why:
            self.skipped.append((action, str(why)))
        except Failure as failure:
            raise Failure(f"at {' '.join(map(str, action))}: {failure}") from failure
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOTTY):
                raise
            self.skipped.append((action, str(error)))
        self.pulse(action)

    def pulse(self, action):
        """After each hand: it runs, and other lists and logs wait for nobody."""
        self.m.alive()
        if not self.m.running():
            return
        try:
            self.m.canary()
            _, in_files = self.m.memory()
        except Failure as failure:
            raise Failure(f"after {' '.join(map(str, action))}: {failure}") from None
        if in_files > IN_FILES:
            raise Failure(f"after {' '.join(map(str, action))}: {in_files} KiB of a program's output are kept")

    def trouble_of(self, name):
        """The trouble of a list, or None; (kind, mend, works)."""
        return self.troubles.get(name) or self.troubles.get("lists")

    def works(self, name):
        trouble = self.trouble_of(name)
        return self.m.running() and name in self.m.rules and (trouble is None or trouble[2])

    def log_works(self):
        return "log" not in self.troubles

    def keys(self, name):
        """Also of a list that was put aside."""
        away = self.away(name)
        if away.exists() and name in self.troubles:
            return [line.split(b":")[0].decode("latin-1") for line in self.m.lines(away) if line and line[:1] != b"#"]
        return self.m.keys(name)

    def away(self, name):
        return self.m.lists[name].with_name("blocked.away")

    def sync(self):
        """All that was written is read, and decided, and in those lists that can be written."""
        if not self.m.running():
            return
        if self.log_works():
            self.m.canary(self.m.log)
            self.expect_listed()

    def expect_listed(self, seconds=LATE):
        for name, rule in self.rules.items():
            if not self.works(name) or not self.log_works():
                continue
            wanted = rule.must_be_listed() - self.unlistable
            self.m.wait(lambda name=name, wanted=wanted: wanted <= set(self.m.keys(name)),
                        f"{sorted(wanted - set(self.m.keys(name)))[:9]} in the list {name}", seconds)
            rule.raced.clear()

    def save(self):
        self.sync()
        if "state" in self.troubles or not self.m.running():
            return
        self.m.saved()
        for name in LIMITS:
            self.saved_keys[name] = set(self.keys(name))

    def remember_foreign(self, name):
        self.foreign[name] = [line for line in self.m.lines(self.m.lists[name]) if b" exiwarden rule=" not in line]

    def settled(self, name):
        """What a hand has changed has been seen by the service."""
        if not self.m.running() or name not in self.m.rules or not self.works(name):
            return
        end = time.monotonic() + self.m.patience
        while "list" in self.m.faults() and not self.others_in_trouble(name):
            if time.monotonic() > end:
                raise Failure(f"the fault of list {name} is not taken back")
        self.rules[name].unseen = False
        self.notice_freed()

    def notice_freed(self):
        """Waits until the service knows of all that were freed where it can see it."""
        if not self.m.running() or "state" in self.troubles:
            return
        for name, rule in self.rules.items():
            freed = {user for user, sender in rule.senders.items() if sender.unnoticed}
            if not freed or rule.unseen or not self.works(name) or not self.log_works():
                continue

            def noticed(name=name, freed=freed):
                self.m.saved()
                try:
                    return not freed & self.m.blocked(name) - set(self.m.keys(name))
                except FileNotFoundError:  # between two generations
                    return False
            self.m.wait(noticed, f"{sorted(freed)[:5]} known to be free in {name}", 5)
            for user in freed:
                rule.sender(user).unnoticed = False

    def others_in_trouble(self, name):
        return any(what in (*LIMITS, "lists") for what in self.troubles if what != name)

    def free(self, name, user):
        seen = self.m.running() and self.works(name) and self.log_works() and not self.rules[name].unseen
        if self.script["start"]["farm"]:  # for a farm, what lies in the second of a release is of before
            seen = False
            # It may not be told at all, or later than this.
            self.rules[name].sender(user).anything |= name not in self.m.rules or self.rules[name].unseen
        if not self.m.running() and user not in self.saved_keys[name]:
            self.rules[name].sender(user).anything = True
        self.rules[name].free(user, int(time.time()), seen)

    def hit(self, user, count):
        for _ in range(count):
            self.numbers += 1
            stamp = self.m.stamp()
            written = self.m.write(self.m.refusal(user, self.numbers))
            if written == "nothing":
                continue
            for name, rule in self.rules.items():
                if name in self.m.rules:
                    rule.hit(user, stamp, written == "all")

    def do_hit(self, user, count, when):
        self.hit(user, count)
        if when == "at_once":
            self.sync()

    def do_unlistable(self, kind):
        user = {"long": "a" * 3000, "longest_listable": "b" * 900, "nul": "c\0d"}[kind]
        self.sync()
        if kind != "longest_listable":
            self.unlistable.add(user)
        self.hit(user, 7)

    def do_burst(self, size):
        self.sync()
        size = min(size, 1000) if ASAN else size
        self.bursts += 1
        self.burst_senders += size
        limit = self.m.limits["fast"]
        names = [f"burst{self.bursts}x{number}" for number in range(size)]
        stamp = self.m.stamp()
        lines = b"".join(self.m.refusal(name, number) for number in range(limit) for name in names)
        if self.m.write(lines) != "all":
            self.troubled_burst(names)
            return
        for name in names:
            for rule in self.rules.values():
                for _ in range(limit):
                    if rule.name in self.m.rules:
                        rule.hit(name, stamp)
        if self.works("fast") and self.log_works():
            wanted = set(names)
            self.m.wait(lambda: self.m.canary() and wanted <= set(self.m.keys("fast")), f"all {size} in the list")

    def troubled_burst(self, names):
        for rule in self.rules.values():
            for name in names:
                rule.sender(name).anything = True

    def do_calm(self):
        """Nothing happens: no processor time, and nothing new to say."""
        if not self.m.running():
            raise Skip("does not run")
        self.sync()
        said = self.m.errors.stat().st_size
        self.idle()
        with open(self.m.errors, "rb") as errors:
            errors.seek(said)
            lines = Counter(errors.read().splitlines())
        if lines and max(lines.values()) > 2:
            line, times = lines.most_common(1)[0]
            raise Failure(f"said {times} times while nothing happened: {line.decode(errors='replace')}")

    def idle(self):
        end = time.monotonic() + 12
        while True:
            before, began = self.m.ticks(), time.monotonic()
            self.m.socket.settimeout(0.5)
            with contextlib.suppress(OSError):
                while time.monotonic() < began + 0.5:
                    self.m.ready += self.m.socket.recv(65536).count(b"READY=1")
            self.m.socket.setblocking(False)
            self.m.alive()
            used = (self.m.ticks() - before) / 100 / (time.monotonic() - began)
            if used <= IDLE:
                return
            if time.monotonic() > end:
                raise Failure(f"uses {used:.0%} of a processor, with nothing to do")

    def do_status(self):
        """What the metrics say, status says."""
        if not self.m.running():
            raise Skip("does not run")
        before = self.m.faults()
        code, text = self.m.status()
        if before and before == self.m.faults() and code == 0:
            raise Failure(f"metrics know of faults ({', '.join(sorted(before))}), status does not:\n{text}")

    def off(self):
        """All hands are off, and what they spoilt is mended."""
        for name in list(self.troubles):
            self.troubles.pop(name)[1]()
        self.m.take_notices("good")
        if self.m.rules != list(LIMITS):
            self.m.rules = list(LIMITS)
            if self.m.running():
                self.reload()
            else:
                self.m.write_config()
        if self.m.half_line:
            self.m.write(b"")

    def finish(self):
        self.off()
        if self.m.running() and self.hung:
            self.m.stop()
        if not self.m.running():
            self.m.start()
        self.all_good()
        self.expect_listed(5)
        self.same_as_the_model()
        self.probe()
        self.same_as_the_model()
        self.all_good()
        self.idle()
        own, _ = self.m.memory()
        if not ASAN and own > MEMORY + 8 * self.burst_senders:
            raise Failure(f"holds {own} KiB")
        code, text = self.m.status()
        faults = [line for line in text.splitlines() if line.startswith("fault: ")]
        if code != 0 and not (self.unlistable and all("fits in no line" in fault for fault in faults)):
            raise Failure(f"status says {code} though all is well again:\n{text}")
        self.m.saved()
        self.m.stop()
        self.reported_once()
        self.journal()

    def all_good(self):
        """Every fault is taken back, and nothing waits."""
        end = time.monotonic() + self.m.patience * 2
        self.m.canary(self.m.log)
        while True:
            text = self.m.fresh_metrics()
            self.dropped = self.dropped or self.m.metric("exiwarden_notices_dropped_total", text) > 0
            faults, pending = self.m.faults(text), self.m.metric("exiwarden_pending_blocks", text)
            if self.m.metric("exiwarden_farm_connected", text) == 0:
                faults.add("farm")
            if not faults and pending == 0:
                break
            if time.monotonic() > end:
                raise Failure(f"hands are off, and still: faults {sorted(faults)}, {pending} blocks wait")
        for rule in self.rules.values():
            rule.unseen = False
        self.notice_freed()

    def same_as_the_model(self):
        for name, rule in self.rules.items():
            keys = Counter(self.m.keys(name))
            twice = [key for key, times in keys.items() if times > 1]
            lost = (rule.must_be_listed() - self.unlistable) - set(keys)
            known = {line.split(b":")[0].decode("latin-1") for line in self.foreign[name]}
            wrong = {key for key in keys if key in rule.senders} - rule.may_be_listed() - known
            for what, who in (("twice", twice), ("lost", lost), ("without a reason", wrong)):
                if who:
                    raise Failure(f"list {name}: {what}: {sorted(who)[:5]} ({len(who)}): {self.history(rule, who)}")
            lines = self.m.lines(self.m.lists[name])
            at = 0
            for line in self.foreign[name]:
                if line not in lines[at:]:
                    raise Failure(f"list {name}: the admin's own line is gone: {line!r}")
                at = lines.index(line, at) + 1

    def history(self, rule, who):
        return "; ".join(f"{user}: {rule.senders.get(user)}" for user in sorted(who)[:2])

    def probe(self):
        """Somebody new, and everybody who is free, meets the limit now."""
        self.hit("probe", max(self.m.limits.values()))
        for user in [f"user{number}" for number in range(6)]:
            if any(user in rule.senders and rule.senders[user].listed != YES for rule in self.rules.values()):
                self.hit(user, max(self.m.limits.values()))
        self.sync()

    def reported_once(self):
        taken, waiting = self.m.notices()
        of = Counter()
        ids = {}

        def of_notice(event):
            return ids.setdefault((event["rule"], event["identity"], event["time"], event["offset"]), Counter())
        for message_id, event in taken:
            if event.get("event") == "blocked" or "rule" in event:
                of_notice(event)[message_id] += 1
        for _, event in waiting:
            of_notice(event)
        for rule, identity, *_ in ids:
            of[rule, identity] += 1
        most = 1 + (self.m.kills + self.m.stops > 0) + self.states_lost + self.generations_lost
        again = [(key, times) for key, times in ids.items() if sum(times.values()) > most]
        if again:
            raise Failure(f"notices came more than {most} times after {self.m.kills} kills and {self.m.stops} "
                          f"stops: {again[:3]}")
        if self.dropped:
            return  # counted, and said
        for name, rule in self.rules.items():
            for user, sender in rule.senders.items():
                count = of[name, user]
                if user.startswith("burst") or sender.anything:
                    continue
                if not sender.least <= count <= sender.most:
                    raise Failure(f"{count} notices of {user[:20]} in {name}, not {sender.least} to {sender.most}: "
                                  f"{sender}")

    def journal(self):
        """What is wrong is said, once; never a flood."""
        lines = self.m.errors.read_bytes().splitlines()
        bad = [line for line in lines if b"Sanitizer" in line or b"runtime error" in line]
        if bad:
            raise Failure(f"{bad[0].decode(errors='replace')}")
        most = 100 + 40 * len(self.script["actions"])
        if len(lines) > most:
            common = Counter(line[:60] for line in lines).most_common(1)[0]
            raise Failure(f"{len(lines)} lines in the journal, {common[1]} of them like "
                          f"{common[0].decode(errors='replace')!r}")
