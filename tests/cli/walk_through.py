"""The README's way to "who spammed last month?": its commands, run as they stand there, lead to the answer."""
import datetime
import os
import re
import shlex
import subprocess
import unittest

from log_case import PROGRAM, LogCase, Traffic, pack

README = os.path.join(os.path.dirname(__file__), "../../README.md")


class WalkThrough(LogCase):
    def setUp(self):
        super().setUp()
        # October has an incident, September and November have others.
        for number, (month, who) in enumerate([(9, "early@x.example"), (10, "mallory@example.org"), (11, "late@x.example")]):
            traffic = Traffic(datetime.datetime(2026, month, 12), 20, seed=number, spammers=0)
            traffic.lines = [line for line in traffic.lines if "[192.0.2." not in line[1][0]]
            for i in range(150):
                traffic.refuse(4000 + i * 5, who, f"guess{i}@remote.test")
                if i % 30 == 0:
                    traffic.deliver(4000 + i * 5, who)
            traffic.lines.sort(key=lambda line: line[0])
            packing = ("xz", "gz", "")[number]
            self.write(f"exim4/mainlog.{3 - number}{'.' if packing else ''}{packing}", pack(traffic.whole(), packing))
        self.write("exim4/rejectlog", b"not to be read\n")

    def commands(self):
        with open(README, encoding="utf-8") as file:
            section = file.read().split("### Who spammed last month?")[1].split("\n## ")[0]
        return section, [shlex.split(line) for line in re.findall(r"^    exiwarden (.*)$", section, re.M)]

    def test_its_commands(self):
        section, commands = self.commands()
        self.assertEqual([words[0] for words in commands], ["replay", "evidence", "evidence", "events", "replay", "tune"])
        outputs = []
        for words in commands:
            words = [self.home + "/exim4" if word == "/var/log/exim4" else word for word in words]
            outputs.append(self.expect(0, *words).stdout.decode())
        listed = outputs[0]
        self.assertIn("mallory@example.org", listed)
        for other in ("early@x.example", "late@x.example"):
            self.assertNotIn(other, listed)
        self.assertIn("user mallory@example.org", outputs[1])
        self.assertEqual(outputs[3].count("user=mallory@example.org"), 150)
        for name in ("mallory", "october", "limits"):
            for kind in ("html", "csv"):
                self.assertTrue(os.path.exists(f"{self.home}/{name}.{kind}"), name)
                self.assertIn(f"{name}.html", section)

    def test_help_leads_there(self):
        """What the README says is found from --help alone is found there."""
        def wanted(*words):
            return subprocess.run([PROGRAM, *words], capture_output=True, check=True, timeout=60).stdout.decode()
        overview = wanted("--help")
        example = re.search(r"^Last month's spammers: (replay --since .*) LOG\.\.\.$", overview, re.M)
        self.assertTrue(example, overview)
        for command in ("replay", "evidence", "tune"):
            self.assertRegex(overview, rf"(?m)^  {command} ")
        text = wanted("replay", "--help")
        for part in ("--since", "--until", "--report", "directory"):
            self.assertIn(part, text)
        self.assertIn("mallory@example.org", self.expect(0, *shlex.split(example[1]), self.home + "/exim4").stdout.decode())


if __name__ == "__main__":
    unittest.main()
