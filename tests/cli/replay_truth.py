"""`replay` on a day of log whose truth is known by construction: decision for decision."""

import datetime
import json
import subprocess
import tempfile
import unittest
from pathlib import Path

import make_log
from program import call, remarks

RULES = [  # name, kind, limit, period in seconds, distinct recipients
    ("hour", "user", 30, 3600, False),
    ("minute", "user", 8, 60, False),
    ("day", "user", 60, 86400, True),
    ("relay", "relay", 25, 3600, False),
    ("relay recipients", "relay", 10, 600, True),
]


def config(relays=make_log.RELAYS):
    text = f'[log]\ntimezone = "UTC"\n[relay]\nhosts = {json.dumps(relays)}\nown = []\n'
    for number, (name, kind, limit, period, distinct) in enumerate(RULES):
        text += (f'[[rule]]\nname = "{name}"\nidentity = "{kind}"\nlimit = {limit}\nperiod = "{period}s"\n'
                 f'count = "{"recipients" if distinct else "attempts"}"\nlist = "/nowhere/{number}"\n')
    return text


class ReplayTruth(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="exiwarden-truth-")
        cls.root = Path(cls.directory.name)
        (cls.root / "c.toml").write_text(config())

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def replayed(self, *logs, stdin=b""):
        done = call("replay", "-c", self.root / "c.toml", "-o", "jsonl", *logs, stdin=stdin)
        self.assertEqual((done.returncode, remarks(done.stderr)), (0, b""))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def expected(self, events):
        found = []
        for name, kind, limit, period, distinct in RULES:
            for line, offset, identity, first in make_log.decisions(events, kind, limit, period, distinct):
                when = make_log.START + datetime.timedelta(seconds=first)
                found.append((line, offset, name, kind, identity, limit, f"{when:%Y-%m-%dT%H:%M:%S}+00:00"))
        return sorted(found)

    def seen(self, decisions):
        return sorted((d["line"], d["offset"], d["rule"], d["identity_kind"], d["identity"], d["count"], d["first"])
                      for d in decisions)

    def test_a_day(self):
        log = make_log.make(20_000_000, seed=1)
        path = self.root / "day"
        path.write_bytes(b"".join(log.lines))
        expected = self.expected(log.events)
        self.assertGreater(len(expected), 20)
        self.assertEqual({rule for _, _, rule, *_ in expected}, {name for name, *_ in RULES})
        self.assertEqual(self.seen(self.replayed(path)), expected)

    def test_smaller_days(self):
        for seed in range(2, 6):
            with self.subTest(seed=seed):
                log = make_log.make(1_000_000, seed, late=seed)
                content = b"".join(log.lines)
                self.assertEqual(self.seen(self.replayed("-", stdin=content)), self.expected(log.events))

    def test_rotations_packed_or_not_in_any_order(self):
        log = make_log.make(1_000_000, seed=7, late=0)
        whole = self.root / "whole"
        whole.write_bytes(b"".join(log.lines))
        expected = [(d["rule"], d["identity"], d["time"], d["first"]) for d in self.replayed(whole)]
        self.assertTrue(expected)
        third = len(log.lines) // 3
        parts = [b"".join(log.lines[:third]), b"".join(log.lines[third:2 * third]), b"".join(log.lines[2 * third:])]
        paths = [self.root / name for name in ("mainlog.2", "mainlog.1", "mainlog")]
        for path, part in zip(paths, parts):
            path.write_bytes(part)
        subprocess.run(["gzip", "-f", paths[0]], check=True)
        paths[0] = self.root / "mainlog.2.gz"
        for order in ([0, 1, 2], [2, 1, 0]):
            found = self.replayed(*[paths[i] for i in order])
            self.assertEqual([(d["rule"], d["identity"], d["time"], d["first"]) for d in found], expected)


if __name__ == "__main__":
    unittest.main()
