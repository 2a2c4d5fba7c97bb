"""The README's incident, as it stands there, on a real Exim: each command is run, and says what the README shows.
With INCIDENT=print it prints the transcript anew, to be pasted."""

import os
import re
import shlex
import subprocess
import unittest

from agent import Agent, EXIWARDEN
from lab import SOURCE, Lab
from world import MESSAGE_ID, until

COMMANDS = ("exiwarden list", "exiwarden evidence alice", "exiwarden release alice", "exiwarden status")


def transcript():
    """(command, lines) of the README."""
    section = (SOURCE / "README.md").read_text().split("### An incident")[1].split("```")[1]
    found = []
    for line in section.splitlines()[1:]:
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


class Incident(unittest.TestCase):
    def setUp(self):
        self.lab = self.enterContext(Lab(main="queue_only = true\nhold_domains = *"))
        self.agent = Agent(self.lab.directory, 100, ("smtp",))
        self.addCleanup(self.agent.close)
        with self.lab.client(b"alice", source="203.0.113.7", server="192.0.2.65") as alice:
            ids = [alice.message([b"valid@remote.test"]) for _ in range(2)]
            self.assertEqual(alice.mail(b"alice@lab.example"), 250)
            alice.rcpts([b"dead%d@remote.test" % n for n in range(100)])
            until(lambda: self.agent.has(b"alice"), what="alice to be listed")
            ids.append(alice.message([b"valid@remote.test"]))
        until(lambda: all(self.lab.is_frozen(one) for one in ids), what="her mail to be frozen")
        until(lambda: "100 refused recipients" in self.notice(), what="the notice")

    def notice(self):
        self.lab.exim("-qf")
        return self.lab.mailbox("abuse")

    def run_command(self, command):
        """What it prints, with the places and times of this run put away."""
        words = shlex.split(command)
        done = subprocess.run([EXIWARDEN, words[1], "-c", self.lab.directory / "exiwarden.toml", *words[2:]],
                              capture_output=True, check=False, timeout=120, cwd="/")
        text = done.stdout.decode() + done.stderr.decode()
        for ours, theirs in ((f"{self.lab.lists}", "/var/lib/exiwarden/exim"),
                             (f"{self.lab.directory}/state", "/var/lib/exiwarden"),
                             (f"{self.lab.directory}/log", "/var/log/exim4"),
                             (f" -c '{self.lab.directory}/exiwarden.toml'", "")):
            text = text.replace(ours, theirs)
        return text

    def plain(self, text):
        text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([+-]\d\d:\d\d)?", "TIME", text)
        text = re.sub(MESSAGE_ID, "ID", text)
        text = re.sub(r"\b(\d+ (s|min|h) ago|now)\b", "AGO", text)
        text = re.sub(r"(\S)  +", r"\1  ", text)  # columns are as wide as what stands in them
        return [re.sub(r"\d+", "N", line) for line in text.splitlines()]

    def test_it(self):
        if os.environ.get("INCIDENT") == "print":
            for command in COMMANDS:
                print(f"$ {command}\n{self.run_command(command)}", end="", flush=True)
            return
        shown = transcript()
        self.assertEqual([command for command, _ in shown], list(COMMANDS))
        for command, expected in shown:
            with self.subTest(command):
                said = self.plain(self.run_command(command))
                at = 0
                for line in self.plain("\n".join(expected)):
                    if line.strip() == "...":
                        continue
                    self.assertIn(line, said[at:])
                    at = said.index(line, at) + 1
        self.lab.exim("-qf")
        until(lambda: len(self.lab.remote.messages) == 3, what="the released mail to be delivered")


if __name__ == "__main__":
    unittest.main()
