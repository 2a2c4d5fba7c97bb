"""Hands that are laid on the log: rotations of all kinds, and what is none."""

import gzip
import os
import shutil
from pathlib import Path

from hands_machine import ROOT, Skip, fill


class LogHands:
    def old_log(self):
        """The name for a rotation; older ones are moved on, as logrotate does."""
        for number in range(20, 0, -1):
            for suffix in ("", ".gz"):
                old = Path(f"{self.m.log}.{number}{suffix}")
                if old.exists():
                    old.rename(f"{self.m.log}.{number + 1}{suffix}")
        return Path(f"{self.m.log}.1")

    def do_rotate(self, how):
        if not self.log_works() or not self.m.log.exists():
            raise Skip("no log to rotate")
        log = self.m.log
        if how == "copytruncate":
            self.sync()
            if not self.m.running():
                raise Skip("what was not read would be gone")
            old = self.old_log()
            shutil.copy2(log, old)
            os.truncate(log, 0)
            return
        old = self.old_log()
        log.rename(old)
        if how == "create":
            log.touch()
        elif how == "exicyclog":
            self.hit("user1", 1)  # Exim may have written in between
            fresh = log.with_name("mainlog.4711")
            fresh.touch()
            if log.exists():
                middle = self.old_log()
                os.link(log, middle)  # else nobody could read it any more
            fresh.rename(log)
        elif how == "late":
            self.numbers += 1
            stamp = self.m.stamp()
            if self.m.write(self.m.refusal("user2", self.numbers), old) == "all":
                for name in self.m.rules:
                    self.rules[name].hit("user2", stamp)

    def do_compress(self):
        old = Path(f"{self.m.log}.1")
        if not old.exists() or not self.log_works():
            raise Skip("nothing to compress")
        self.sync()
        times = old.stat()
        with open(old, "rb") as plain, gzip.open(f"{old}.gz", "wb") as packed:
            packed.write(plain.read())
        os.utime(f"{old}.gz", ns=(times.st_atime_ns, times.st_mtime_ns))
        old.unlink()

    def do_log_gone(self, how):
        if not self.log_works() or not self.m.running():
            raise Skip("what was not read would be gone")
        self.save()
        log = self.m.log
        for rule in self.rules.values():
            for sender in rule.senders.values():
                sender.freed_at = sender.freed_at or 1  # what a lost state is made of again is not all of it
        if how == "remove":
            log.unlink(missing_ok=True)
        elif how == "truncate":
            os.truncate(log, 0)
        else:
            new = log.with_name("mainlog.new")
            new.write_bytes(b"2026-01-01 00:00:00 Start queue run: pid=1\n")
            new.rename(log)

    def do_log_trouble(self, how):
        if "log" in self.troubles or not ROOT:
            raise Skip("in trouble already, or no root at hand")
        self.sync()
        log = self.m.log
        if how == "full":
            ballast = log.with_name("ballast")
            fill(ballast)
            self.troubles["log"] = (how, ballast.unlink, True)
            return
        if log.exists():
            log.rename(self.old_log())
        if how == "directory":
            log.mkdir()
            self.troubles["log"] = (how, log.rmdir, False)
        else:
            log.touch(0)
            log.chmod(0)
            self.troubles["log"] = (how, lambda: log.chmod(0o644), self.m.as_root)
