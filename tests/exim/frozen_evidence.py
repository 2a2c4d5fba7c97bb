"""What becomes of frozen mail on a real Exim: the warning before it goes, the setting by which it stays, copies."""

import csv
import hashlib
import json
import os
import re
import stat
import subprocess
import unittest

from agent import Agent, EXIWARDEN
from lab import Lab
from world import EXIM, until

LIMIT = 10


class FrozenEvidence(unittest.TestCase):
    def start(self, main):
        lab = self.enterContext(Lab(main=f"queue_only = true\nhold_domains = *\n{main}"))
        agent = Agent(lab.directory, LIMIT, ("smtp",))
        self.addCleanup(agent.close)
        return lab, agent

    def command(self, lab, *words):
        return subprocess.run([EXIWARDEN, words[0], "-c", lab.directory / "exiwarden.toml", *words[1:]], cwd="/",
                              capture_output=True, check=False, timeout=120)

    def freeze(self, lab, agent, count=2):
        with lab.client(b"alice", source="203.0.113.7", server="192.0.2.65") as alice:
            ids = [alice.message([b"valid@remote.test"]) for _ in range(count)]
            self.assertEqual(alice.mail(b"alice@lab.example"), 250)
            alice.rcpts([b"dead%d@remote.test" % n for n in range(LIMIT)])
        until(lambda: agent.has(b"alice"), what="alice to be listed")
        until(lambda: all(lab.is_frozen(one) for one in ids), what="her mail to be frozen")
        return [one.decode() if isinstance(one, bytes) else one for one in ids]

    def faults(self, lab):
        rows = [json.loads(line) for line in self.command(lab, "status", "-o", "jsonl").stdout.splitlines()]
        return [row["what"] for row in rows if row["about"] == "fault"]

    def test_the_warning_comes_before_it_goes(self):
        lab, agent = self.start("timeout_frozen_after = 20s")
        ids = self.freeze(lab, agent)
        until(lambda: any("frozen mail of alice" in fault for fault in self.faults(lab)), what="the warning")
        for one in ids:
            self.assertTrue(lab.is_frozen(one), "it went before the warning came")
        row = json.loads(self.command(lab, "evidence", "-o", "jsonl", "alice").stdout.splitlines()[0])
        self.assertEqual(row["frozen"], len(ids))
        self.assertRegex(row["frozen_until"], r"^\d{4}-")
        self.assertIn(b"and then bounces it", b" ".join(self.command(lab, "evidence", "alice").stdout.split()))
        self.assertIn(b"frozen mail: Exim bounces it 20s after its arrival", self.command(lab, "list").stdout)
        check = self.command(lab, "check", "-o", "jsonl").stdout.decode()
        self.assertIn("timeout_frozen_after = 20s", check)
        lab.exim("-qf")
        self.assertIn("until about", lab.mailbox("abuse"))

        def gone():
            lab.exim("-q")
            return not any(lab.is_frozen(one) for one in ids)
        until(gone, seconds=60, what="Exim to cancel them")
        self.assertIn(b"cancelled by timeout_frozen_after", lab.log())

    def test_it_stays_with_what_init_advises(self):
        with Lab(main="timeout_frozen_after = 7d"):
            said = subprocess.run([EXIWARDEN, "init", "--exim", EXIM], cwd="/", capture_output=True, check=True,
                                  timeout=120)
        guide = (said.stdout + said.stderr).decode()
        advised = re.search(r"(?m)^[# ]*(?:MAIN_TIMEOUT_FROZEN_AFTER|timeout_frozen_after) = (\S+)$", guide)
        self.assertIsNotNone(advised, guide)
        lab, agent = self.start(f"timeout_frozen_after = {advised[1]}")
        ids = self.freeze(lab, agent)
        check = self.command(lab, "check", "-o", "jsonl").stdout.decode()
        self.assertIn(f"frozen mail is kept for {advised[1]}", check)
        lab.exim("-q")
        for one in ids:
            self.assertTrue(lab.is_frozen(one))
        self.assertEqual([fault for fault in self.faults(lab) if "frozen" in fault], [])

    def test_copies(self):
        lab, agent = self.start("")
        ids = self.freeze(lab, agent, 3)
        target = lab.directory / "copies"
        done = self.command(lab, "evidence", "--mail", target, "--messages", "2", "alice")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(b"left out the 1 newest", done.stderr)
        self.assertEqual(stat.S_IMODE(target.stat().st_mode), 0o700)
        with open(target / "manifest.csv", encoding="ascii", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(sorted({row["message_id"] for row in rows}), sorted(ids[:2]))
        self.assertEqual(sorted(os.listdir(target)), sorted([row["file"] for row in rows] + ["manifest.csv"]))
        for row in rows:
            path = target / row["file"]
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
            self.assertEqual(row["sha256"], hashlib.sha256(path.read_bytes()).hexdigest())
            self.assertEqual((row["host"], row["user"]), ("203.0.113.7", "alice"))
        whole = (target / f"{ids[0]}.eml").read_bytes()
        self.assertRegex(whole, rb"(?m)^Received: from ")
        self.assertIn(b"auth_id alice", (target / f"{ids[0]}.envelope").read_bytes())

        again = self.command(lab, "evidence", "--mail", target, "alice")
        self.assertEqual(again.returncode, 73, again)
        os.symlink(lab.directory / "elsewhere", lab.directory / "link")
        linked = self.command(lab, "evidence", "--mail", lab.directory / "link", "alice")
        self.assertEqual(linked.returncode, 73, linked)
        self.assertFalse((lab.directory / "elsewhere").exists())
        nobody = self.command(lab, "evidence", "--mail", lab.directory / "none", "carol")
        self.assertEqual(nobody.returncode, 1, nobody)
        self.assertFalse((lab.directory / "none").exists())


if __name__ == "__main__":
    unittest.main()
