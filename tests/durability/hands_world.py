"""Scripts of hands, performed on a machine and on the model beside it, and held to it in the end."""

import contextlib
import errno
import fcntl
import gzip
import hashlib
import os
import random
import select
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections import Counter
from pathlib import Path

from hands_machine import (APPEND_ONLY, ASAN, IMMUTABLE, LATE, LIMITS, ROOT, Failure, Machine, set_flag)
from hands_model import YES, Rule

IDLE = 0.06 if not ASAN else 0.15  # of a processor, at most, when there is nothing to do
MEMORY = 64 << 10  # KiB beside what a burst takes
IN_FILES = 16 << 10  # KiB that a program's output may take in memory


class Skip(Exception):
    """The machine can't do this, or it makes no sense now."""


class World:
    def __init__(self, script):
        self.script = script
        self.chance = random.Random(script["seed"] + 1)
        self.m = Machine(script["user"], script["start"])
        self.rules = {name: Rule(name, limit, period) for name, (limit, period) in LIMITS.items()}
        self.troubles = {}  # what is in trouble -> (kind, how to mend it, whether the service can do its work)
        self.foreign = {name: [] for name in LIMITS}  # lines of the admin
        self.saved_keys = {name: set() for name in LIMITS}
        self.unlistable = set()
        self.bursts = self.rotations = self.largest = 0
        self.numbers = 0
        self.state_removed = self.hung = self.dropped = False
        self.states_lost = 0
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

    # What is known of lists and logs.

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
            if not self.works(name):
                continue
            wanted = rule.must_be_listed() - self.unlistable
            self.m.wait(lambda name=name, wanted=wanted: wanted <= set(self.m.keys(name)),
                        f"{sorted(wanted - set(self.m.keys(name)))[:9]} in the list {name}", seconds)

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
            self.m.wait(lambda name=name, freed=freed: self.m.saved() or not freed & self.m.blocked(name) - set(self.m.keys(name)),
                        f"{sorted(freed)[:5]} known to be free in {name}", 5)
            for user in freed:
                rule.sender(user).unnoticed = False

    def others_in_trouble(self, name):
        return any(what in (*LIMITS, "lists") for what in self.troubles if what != name)

    def free(self, name, user):
        seen = self.m.running() and self.works(name) and self.log_works() and not self.rules[name].unseen
        if not self.m.running() and user not in self.saved_keys[name]:
            self.rules[name].sender(user).anything = True
        self.rules[name].free(user, int(time.time()), seen)

    # Senders.

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
        self.largest = max(self.largest, size)
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
        end = time.monotonic() + self.m.patience
        while self.works("fast") and self.log_works() and not set(names) <= set(self.m.keys("fast")):
            self.m.canary()
            if time.monotonic() > end:
                missing = len(set(names) - set(self.m.keys("fast")))
                raise Failure(f"{missing} of {size} blocks are not in the list after {self.m.patience} s")

    def troubled_burst(self, names):
        for rule in self.rules.values():
            for name in names:
                rule.sender(name).anything = True

    # Lists.

    def do_edit(self, name, method, what, user, when):
        path = self.m.lists[name]
        if name in self.troubles or "lists" in self.troubles or not self.log_works() or self.rules[name].unseen:
            raise Skip("the list is in trouble")
        self.save()
        if when == "unhurried":
            self.unhurried()
        before = self.m.lines(path)
        if not path.exists():
            raise Skip("there is no list")
        mine = [line.split(b":")[0].decode("latin-1") for line in before]
        go = {"free": [user], "free_two": [user, "user0"], "truncate": mine}.get(what, [])
        after = [line for line in before if line.split(b":")[0].decode("latin-1") not in go]
        end = b"\n"
        if what == "truncate":
            after = []
        elif what == "comment":
            after.insert(0, b"# %d: %s" % (len(after), bytes(range(128, 140))))
        elif what in ("add", "no_newline", "crlf") and user not in mine:
            after.append(user.encode() + (b": by hand\r" if what == "crlf" else b": by hand"))
            end = b"" if what == "no_newline" else b"\n"
        text = b"\n".join(after) + (end if after else b"")
        self.write_list(path, method, text)
        for key in go:
            if key in mine:
                self.free(name, key)
        if len(after) > len(before) and what != "comment":
            self.rules[name].block_by_hand(user)
        self.remember_foreign(name)
        self.perhaps_noticed()

    def perhaps_noticed(self):
        """Some hands wait until the service has seen what they did."""
        if self.chance.random() < 0.8:
            self.notice_freed()

    def unhurried(self):
        """As long as a person's hand takes at least: what was written before has settled."""
        select.select([], [], [], 0.15)

    def write_list(self, path, method, text):
        info = path.stat()
        if method == "in_place":
            path.write_bytes(text)
            return
        new = path.with_name("." + path.name + ".swp")
        new.write_bytes(text)
        new.chmod(stat.S_IMODE(info.st_mode))
        if ROOT:
            os.chown(new, info.st_uid, info.st_gid)
        if method == "slowly":  # what comes meanwhile is not in the new one, and may not be lost
            self.hit("user5", 7)
            self.sync()
        new.rename(path)

    def do_remove_list(self, name):
        if self.trouble_of(name) or not self.log_works() or self.rules[name].unseen:
            raise Skip("the list is in trouble")
        self.save()
        keys = self.m.keys(name)
        self.m.lists[name].unlink(missing_ok=True)
        for key in keys:
            self.free(name, key)
        self.foreign[name] = []
        self.perhaps_noticed()

    def do_remove_directory(self, name):
        if self.trouble_of(name) or not self.log_works() or self.rules[name].unseen:
            raise Skip("the list is in trouble")
        self.save()
        keys = self.m.keys(name)
        shutil.rmtree(self.m.lists[name].parent, ignore_errors=True)
        for key in keys:
            self.free(name, key)
        self.foreign[name] = []
        self.perhaps_noticed()

    def do_list_trouble(self, name, kind):
        if self.trouble_of(name) or not ROOT:
            raise Skip("in trouble already, or no root at hand")
        path, directory = self.m.lists[name], self.m.lists[name].parent
        self.save()
        if not path.exists() and kind not in ("directory", "fifo", "link", "dangling", "socket", "device"):
            raise Skip("there is no list")
        if not directory.exists():
            raise Skip("there is no directory")
        bites = not self.m.as_root
        if kind in ("directory", "fifo", "link", "dangling", "socket", "device"):
            works, mend = False, self.obstacle(name, kind)
        elif kind in ("immutable", "append_only"):
            flag = IMMUTABLE if kind == "immutable" else APPEND_ONLY
            set_flag(path, flag, True)
            works, mend = kind == "append_only", lambda: set_flag(path, flag, False)
        else:
            what = directory if kind.startswith("directory") else path
            info = what.stat()
            works = not bites
            if kind in ("owner", "read_only", "directory_owner"):
                os.chown(what, 0, 0)
            what.chmod(0o444 if kind == "read_only" else 0o700 if "directory" in kind and "owner" in kind
                       else 0o600 if kind == "owner" else 0)

            def mend():
                os.chown(what, info.st_uid, info.st_gid)
                what.chmod(stat.S_IMODE(info.st_mode))
        self.troubles[name] = (kind, mend, works)
        if not works and kind not in ("immutable", "read_only"):
            self.rules[name].unseen = True
            if self.m.running() and name in self.m.rules and not kind.startswith("directory_"):
                self.m.wait(lambda: "list" in self.m.faults(), f"the fault of {name} ({kind}) in the metrics", 10)

    def obstacle(self, name, kind):
        """Something else where the list was, which is put aside."""
        path, away = self.m.lists[name], self.away(name)
        if path.exists():
            path.rename(away)
        if kind == "directory":
            path.mkdir()
        elif kind == "fifo":
            os.mkfifo(path)
        elif kind == "socket":
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(str(path))
        elif kind == "device":
            os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        else:
            path.symlink_to(away if kind == "link" else "/nonexistent")

        def mend():
            if kind == "directory":
                path.rmdir()
            if away.exists():
                away.rename(path)
            elif kind != "directory":
                path.unlink()
        return mend

    def do_lists_trouble(self, kind):
        if not ROOT or any(name in self.troubles for name in (*LIMITS, "lists")):
            raise Skip("in trouble already, or no root at hand")
        self.save()
        if kind == "full":
            ballast = self.m.root / "lists" / "ballast"
            self.fill(ballast)
            self.troubles["lists"] = (kind, ballast.unlink, False)
        else:
            self.m.remount("lists", "ro")
            self.troubles["lists"] = (kind, lambda: self.m.remount("lists", "rw"), False)

    def fill(self, ballast):
        with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
            for size in (1 << 20, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"x" * size)

    def do_lock(self, name, what):
        path = self.m.lists[name].parent if what == "directory" else self.m.lists[name]
        if self.trouble_of(name) or not path.exists():
            raise Skip("nothing to lock")
        fd = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            raise Skip("is locked") from None
        self.troubles[name] = ("lock of the " + what, lambda: os.close(fd), True)

    def do_mend(self, name, how):
        trouble = self.troubles.pop(name, None)
        if trouble is None:
            name, trouble = next(((what, self.troubles.pop(what)) for what in ("lists", "log", "state")
                                  if what in self.troubles), (None, None))
        if trouble is None:
            raise Skip("nothing is in trouble")
        if name in LIMITS and how == "edited" and not trouble[2] and self.away(name).exists():
            self.free_in_trouble(name)
        trouble[1]()
        for what in LIMITS if name == "lists" else [name]:
            if what in LIMITS:
                self.settled(what)
                if self.m.running():
                    self.expect_listed(self.m.patience)

    def free_in_trouble(self, name):
        """An admin takes a line out of the file that was put aside."""
        away = self.away(name)
        lines = away.read_bytes().splitlines(keepends=True)
        for line in lines:
            key = line.split(b":")[0].decode("latin-1")
            if key in self.rules[name].senders and b" exiwarden " in line:
                lines.remove(line)
                away.write_bytes(b"".join(lines))
                self.free(name, key)
                return

    # Logs.

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
            self.fill(ballast)
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

    # State, configuration, the service itself.

    def do_state_trouble(self, kind):
        if "state" in self.troubles or not ROOT or not self.m.state.exists():
            raise Skip("in trouble already, or no root at hand")
        self.save()
        state = self.m.state
        if kind == "immutable":
            set_flag(state, IMMUTABLE, True)
            mend = lambda: set_flag(state, IMMUTABLE, False)  # noqa: E731
        elif kind == "full":
            ballast = self.m.root / "state" / "ballast"
            self.fill(ballast)
            mend = ballast.unlink
        elif self.m.as_root:
            raise Skip("does not bite root")
        else:
            info = state.stat()
            if kind == "owner":
                os.chown(state, 0, 0)
            state.chmod(0o500 if kind == "mode" else 0o755)

            def mend():
                os.chown(state, info.st_uid, info.st_gid)
                state.chmod(stat.S_IMODE(info.st_mode))
        self.troubles["state"] = (kind, mend, False)
        if self.m.running():
            self.m.wait(lambda: "state" in self.m.faults(), f"the fault of the state ({kind}) in the metrics", 15)
            self.do_status()

    def do_remove_state(self):
        if "state" in self.troubles or not self.m.state.exists():
            raise Skip("in trouble already")
        self.save()
        shutil.rmtree(self.m.state, ignore_errors=True)
        self.state_removed = True
        if not self.m.running():
            self.lose_state()

    def lose_state(self):
        self.states_lost += 1
        self.saved_keys = {name: set() for name in LIMITS}
        for name, rule in self.rules.items():
            rule.state_lost(set(self.keys(name)))

    def do_checkpoint(self, kind):
        if "state" in self.troubles or self.state_removed or not self.log_works():
            raise Skip("the state is in trouble")
        if self.m.running():
            self.save()
            self.save()
            self.m.kill()
        files = [self.m.checkpoint, self.m.checkpoint.with_suffix(".previous")]
        if not all(path.is_file() for path in files):
            raise Skip("there are no two generations")
        info = files[0].stat()
        for path in files if kind.startswith("all") else files[:1]:
            self.damage(path, kind.removeprefix("all_"))
            if path.is_file() and ROOT and kind != "unreadable":
                os.chown(path, info.st_uid, info.st_gid)
        if kind.startswith("all"):
            self.lose_state()
        else:
            for rule in self.rules.values():
                for sender in rule.senders.values():
                    sender.most += sender.listed == YES
        self.m.start()

    def damage(self, path, kind):
        whole = path.read_bytes()
        if kind == "garbage":
            middle = len(whole) // 2
            path.write_bytes(whole[:middle] + self.chance.randbytes(40) + whole[middle:])
        elif kind == "cut":
            path.write_bytes(whole[:len(whole) * 2 // 3])
        elif kind == "empty":
            path.write_bytes(b"")
        elif kind in ("version", "future"):
            body = whole[:whole.rindex(b"sum ")]
            if kind == "version":
                body = body.replace(b"exiwarden-state 1", b"exiwarden-state 99", 1)
            else:
                body = b"".join(later(line) for line in body.splitlines(keepends=True))
            path.write_bytes(body + b"sum " + hashlib.sha256(body).hexdigest().encode() + b"\n")
            if kind == "future":
                os.utime(path, (time.time() + 4e8, time.time() + 4e8))
        elif kind == "unreadable":
            if not ROOT:
                raise Skip("no root at hand")
            os.chown(path, 0, 0)
            path.chmod(0o600)
        else:
            path.unlink()
            path.mkdir() if kind == "directory" else os.mkfifo(path)

    def do_reload(self, kind):
        if not self.m.running():
            raise Skip("does not run")
        self.sync()
        limits = dict(self.m.limits)
        if kind == "bad":
            self.m.write_config("[log]\npaths = 7\n")
            before = self.m.errors.stat().st_size
            self.m.process.send_signal(signal.SIGHUP)
            self.m.wait(lambda: b"stays as it was" in self.m.errors.read_bytes()[before:], "a bad configuration refused")
            self.m.write_config()
            return
        if kind == "limits":
            limits = {name: limit + self.chance.choice((-1, 0, 1, 2)) for name, (limit, _) in LIMITS.items()}
        if kind == "fewer_rules":
            if any(name in self.troubles for name in (*LIMITS, "lists")):
                raise Skip("a list is in trouble")
            self.m.rules = ["fast"] if "slow" in self.m.rules else ["fast", "slow"]
            self.rules["slow"].forgotten()
        self.m.limits = limits
        for name, limit in limits.items():
            self.rules[name].limit = limit
        self.reload()

    def reload(self):
        self.m.write_config()
        before = self.m.listen()
        self.m.process.send_signal(signal.SIGHUP)
        self.m.wait(lambda: self.m.listen() > before, "READY=1 after a reload")

    def do_kill(self):
        if not self.m.running():
            raise Skip("does not run")
        if "log" in self.troubles:
            self.do_mend("log", "same")
        self.m.kill()
        if self.state_removed and not self.m.checkpoint.exists():
            self.lose_state()
        for name, rule in self.rules.items():
            rule.killed(set(self.keys(name)), int(time.time()), "state" not in self.troubles)

    def do_stop(self):
        if not self.m.running():
            raise Skip("does not run")
        self.m.stop()
        if self.state_removed and not self.m.checkpoint.exists():
            self.lose_state()
        for name, rule in self.rules.items():
            rule.killed(set(self.keys(name)), int(time.time()), "state" not in self.troubles)

    def do_start(self):
        if self.m.running():
            raise Skip("runs")
        if "state" in self.troubles:  # it is right to refuse that
            self.do_mend("state", "same")
        self.m.start()
        self.sync()

    def do_second(self):
        if not self.m.running() or "state" in self.troubles:
            raise Skip("does not run, or would fail for another reason")
        second = self.m.spawn("run", out=subprocess.DEVNULL, err=subprocess.PIPE)
        try:
            said = second.communicate(timeout=5)[1]
        except subprocess.TimeoutExpired:
            raise Failure("a second instance runs beside the first") from None
        finally:
            second.kill()
            second.communicate()
        if second.returncode != 69:
            raise Failure(f"a second instance ended with {second.returncode}: {said.decode(errors='replace')}")

    def do_pause(self):
        if not self.m.running():
            raise Skip("does not run")
        self.m.process.send_signal(signal.SIGSTOP)
        self.hit("user3", 3)
        self.m.process.send_signal(signal.SIGCONT)

    def do_clock(self, step):
        if not self.script["start"]["clock"]:
            raise Skip("started without a clock that can be stepped")
        if self.m.offset + step < -3000:
            raise Skip("lines from before the first start and a period decide nothing")
        self.sync()
        self.m.offset += step
        with open(self.m.clock, "r+b") as file:
            file.write(self.m.offset.to_bytes(8, "little", signed=True))

    def do_notices(self, how):
        self.m.take_notices(how)
        self.hung = self.hung or how in ("hangs", "stops", "floods")

    # Looking.

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

    # The end.

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
        if not ASAN and own > MEMORY + 8 * self.largest:
            raise Failure(f"holds {own} KiB")
        code, text = self.m.status()
        faults = [line for line in text.splitlines() if line.startswith("fault: ")]
        if code != 0 and not (self.unlistable and all("can be in no line" in fault for fault in faults)):
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
        for message_id, event in taken:
            if event.get("event") == "blocked" or "rule" in event:
                ids.setdefault((event["rule"], event["identity"], event["time"], event["offset"]), Counter())[message_id] += 1
        for _, event in waiting:
            ids.setdefault((event["rule"], event["identity"], event["time"], event["offset"]), Counter())
        for rule, identity, *_ in ids:
            of[rule, identity] += 1
        most = 1 + (self.m.kills + self.m.stops > 0) + self.states_lost
        again = [(key, times) for key, times in ids.items() if sum(times.values()) > most]
        if again:
            raise Failure(f"notices came more than {most} times after {self.m.kills} kills and {self.m.stops} stops: {again[:3]}")
        if self.dropped:
            return  # counted, and said
        for name, rule in self.rules.items():
            for user, sender in rule.senders.items():
                count = of[name, user]
                if user.startswith("burst") or sender.anything:
                    continue
                if not sender.least <= count <= sender.most:
                    raise Failure(f"{count} notices of {user[:20]} in {name}, not {sender.least} to {sender.most}: {sender}")

    def journal(self):
        """What is wrong is said, once; never a flood."""
        lines = self.m.errors.read_bytes().splitlines()
        bad = [line for line in lines if b"Sanitizer" in line or b"runtime error" in line]
        if bad:
            raise Failure(f"{bad[0].decode(errors='replace')}")
        most = 100 + 40 * len(self.script["actions"])
        if len(lines) > most:
            common = Counter(line[:60] for line in lines).most_common(1)[0]
            raise Failure(f"{len(lines)} lines in the journal, {common[1]} of them like {common[0].decode(errors='replace')!r}")


def later(line):
    """A line of a checkpoint as of ten years later."""
    words = line.split(b" ")
    if words[0] == b"newest":
        return b"newest %d\n" % (int(words[1]) + 315360000)
    return line
