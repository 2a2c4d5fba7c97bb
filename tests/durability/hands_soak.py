"""Hands at one service for a long time: nothing of it may grow but what it must keep."""

import os
import random
import time

import hands_script
from hands_machine import LIMITS, Failure, Skip
from hands_world import World

# What ends the service, or makes it a new one, would hide what grows.
LEFT_OUT = {"kill", "stop", "checkpoint", "remove_state", "clock", "parent", "pause"}
FEW = 1000  # lines of a list, rotations and notices are cleared away before there are more
GROWTH = 1.1, 2048  # of the first third's most, and KiB: noise of the allocator


class Soak(World):
    def __init__(self, seed):
        start = hands_script.make(seed, ["edit"])["start"]
        super().__init__({"seed": seed, "user": "nobody", "start": start, "actions": []})
        self.samples = []  # (KiB, descriptors, threads)

    def endure(self, seconds, kinds=None):
        kinds = sorted(kinds or set(hands_script.HANDS) - LEFT_OUT)
        self.m.start()
        end = time.monotonic() + seconds
        seed = self.script["seed"]
        while time.monotonic() < end or len(self.samples) < 6:
            seed += 1
            script = hands_script.make(seed, random.Random(seed).sample(kinds, min(4, len(kinds))))
            self.script["actions"] = script["actions"]
            try:
                self.round(script)
            except Failure as failure:
                raise Failure(f"in the round of\n{hands_script.text_of(script)}\n{failure}") from failure
        return self.verdict()

    def round(self, script):
        for action in script["actions"]:
            self.act(action)
        self.off()
        self.all_good()
        self.expect_listed(5)
        self.clear_away()
        self.samples.append((self.m.memory()[0], self.m.descriptors(), self.m.threads()))

    def clear_away(self):
        """Old logs, notices and, now and then, all that is blocked: what a site does in the course of time."""
        self.bursts = 0  # the same names again: who was counted is kept for a day
        logs = sorted(self.m.log.parent.glob("mainlog.*"), key=lambda path: path.stat().st_mtime)
        for old in logs[:-3]:
            old.unlink()
        for mail in (self.m.root / "mails").glob("*.mail"):
            mail.unlink()
        if sum(path.stat().st_size for path in (self.m.log, self.m.calm_log) if path.exists()) > 1 << 20:
            self.m.saved()
            for log in (self.m.log, self.m.calm_log):
                if log.exists():
                    os.truncate(log, 0)
        if len(self.m.lines(self.m.calm_list)) > FEW:
            os.truncate(self.m.calm_list, 0)
            self.m.calm_seen = 0
        for name in LIMITS:
            if len(self.m.keys(name)) > FEW:
                try:
                    self.do_edit(name, "rename", "truncate", "user0", "unhurried")
                except Skip:
                    pass

    def verdict(self):
        third = len(self.samples) // 3
        first, last = self.samples[:third], self.samples[-third:]
        text = (f"{len(self.samples)} rounds; memory {max(s[0] for s in first)} then {max(s[0] for s in last)} KiB, "
                f"descriptors {max(s[1] for s in first)} then {max(s[1] for s in last)}, "
                f"threads {max(s[2] for s in first)} then {max(s[2] for s in last)}")
        most = max(s[0] for s in first) * GROWTH[0] + GROWTH[1]
        if max(s[0] for s in last) > most or any(max(s[i] for s in last) > max(s[i] for s in first) for i in (1, 2)):
            raise Failure("it grows: " + text)
        return text
