"""What the tests of the commands that read logs share: made-up mainlogs, an oracle, and the program."""
import bz2
import collections
import datetime
import gzip
import json
import lzma
import os
import random
import shutil
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["EXIWARDEN"]
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
RELAYS = ["192.0.2.64/26", "2001:db8:1::/48"]


def message_id(number):
    text = ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        text = BASE62[digit] + text
    return f"1x{text[:4]}-0000{text[4:]}-0R"


def refusal(stamp, user, recipient, host="198.51.100.7", reason="Unrouteable address"):
    who = f" A=plain:{user}" if user else ""
    return f"{stamp} H=(client.test) [{host}] F=<{user or 'bulk@lab.example'}>{who} rejected RCPT <{recipient}>: {reason}"


def arrival(stamp, ident, user, recipients, host="198.51.100.7"):
    """A message with all its lines; recipients are delivered."""
    lines = [f"{stamp} {ident} <= {user} H=(client.test) [{host}] P=esmtpa A=plain:{user} S=1200 id={ident}@lab.example"]
    lines += [f"{stamp} {ident} => {to} R=dnslookup T=remote_smtp H=mx.test [203.0.113.9] C=\"250 ok\"" for to in recipients]
    return lines + [f"{stamp} {ident} Completed"]


class Traffic:
    """Random but repeatable: honest mail, mistyped recipients, and senders who guess addresses."""

    def __init__(self, begin, hours, seed=1, spammers=3, honest=30):
        self.random = random.Random(seed)
        self.begin = begin  # naive datetime, UTC
        self.lines = []     # (second since begin, text with {stamp})
        self.seed = seed
        span = hours * 3600
        for i in range(honest):
            user = f"honest{i}@customer{i % 5}.example"
            for _ in range(self.random.randrange(6)):
                self.refuse(self.random.randrange(span), user, f"typo{self.random.randrange(9999)}@remote.test")
            for _ in range(hours // 4):
                self.deliver(self.random.randrange(span), user)
        for i in range(spammers):
            user = f"spammer{i}@customer{i}.example"
            start = self.random.randrange(max(1, span - 7200))
            gap = (3, 20, 35)[i % 3]
            for second in range(start, min(span, start + 7000), gap):
                self.refuse(second, user, f"guess{self.random.randrange(99999)}@remote.test")
                if self.random.random() < 0.2:
                    self.deliver(second, user)
        for i in range(150):
            self.refuse(span // 3 + i * 7, None, f"lost{i}@remote.test", "192.0.2.70")
            self.refuse(span // 4 + i, None, f"lost{i}@remote.test", "203.0.113.7")
        self.lines.sort(key=lambda line: line[0])

    def refuse(self, second, user, recipient, host="198.51.100.7"):
        self.lines.append((second, [refusal("{stamp}", user, recipient, host)]))

    def deliver(self, second, user):
        ident = message_id(len(self.lines) + self.seed * 100000)
        to = [f"friend{self.random.randrange(99)}@remote.test" for _ in range(self.random.randrange(1, 4))]
        self.lines.append((second, arrival("{stamp}", ident, user, to)))

    def entries(self, zone=None):
        """(instant, line) in the order in which Exim writes; stamps are the wall clock of `zone`."""
        for second, texts in self.lines:
            instant = (self.begin + datetime.timedelta(seconds=second)).replace(tzinfo=datetime.timezone.utc)
            stamp = f"{instant.astimezone(zone or datetime.timezone.utc):%Y-%m-%d %H:%M:%S}"
            for text in texts:
                yield instant, text.replace("{stamp}", stamp)

    def days(self, zone=None):
        files = collections.OrderedDict()
        for _, line in self.entries(zone):
            files.setdefault(line[:10], []).append(line + "\n")
        return ["".join(lines).encode() for lines in files.values()]

    def whole(self, zone=None):
        return "".join(line + "\n" for _, line in self.entries(zone)).encode()


def crossings(entries, limit, period, distinct=False):
    """The naive answer: {identity: instant} for users and hosts in 192.0.2.64/26."""
    windows, decided = {}, {}
    for instant, line in entries:
        if " rejected RCPT <" not in line:
            continue
        if " A=plain:" in line:
            identity = line.split(" A=plain:")[1].split(" rejected RCPT ")[0]
        elif " [192.0.2.70] " in line:
            identity = "192.0.2.70"
        else:
            continue
        recipient = line.split(" rejected RCPT <")[1].split(">")[0]
        window = windows.setdefault(identity, [])
        window.append((instant, recipient))
        window[:] = [event for event in window if (instant - event[0]).total_seconds() < period]
        size = len({to for _, to in window}) if distinct else len(window)
        if size >= limit and identity not in decided:
            decided[identity] = instant
    return decided


def pack(content, how):
    if how == "gz":
        return gzip.compress(content, mtime=0)
    if how == "xz":
        return lzma.compress(content)
    if how == "bz2":
        return bz2.compress(content)
    if how == "zst":
        return subprocess.run(["zstd", "-qc"], input=content, stdout=subprocess.PIPE, check=True).stdout
    return content


class LogCase(unittest.TestCase):
    CONFIG = ""
    ZONE = "UTC"

    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="exiwarden-logs-")
        self.addCleanup(shutil.rmtree, self.home)
        self.config = self.home + "/exiwarden.toml"
        with open(self.config, "w", encoding="utf-8") as out:
            out.write(f'[log]\ntimezone = "{self.ZONE}"\n[relay]\nhosts = {json.dumps(RELAYS)}\n'
                      f'[state]\ndirectory = "{self.home}/state"\n{self.CONFIG}')

    def write(self, name, content):
        path = os.path.join(self.home, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(content)
        return path

    def run_program(self, command, *arguments, stdin=b"", env=None, config=None):
        return subprocess.run([PROGRAM, command, "-c", config or self.config, *arguments], capture_output=True,
                              input=stdin, cwd=self.home, env=env, timeout=300, check=False)

    def expect(self, code, command, *arguments, **more):
        done = self.run_program(command, *arguments, **more)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def records(self, command, *arguments, code=0, **more):
        done = self.expect(code, command, "-o", "jsonl", *arguments, **more)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def decided(self, *arguments, **more):
        """{identity: time} of the decisions of a replay."""
        return {one["identity"]: datetime.datetime.fromisoformat(one["time"])
                for one in self.records("replay", *arguments, **more)}
