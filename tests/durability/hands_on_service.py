"""Hands that are laid on the service itself, its state, its configuration, its clock and what takes its
notices."""

import hashlib
import os
import shutil
import signal
import stat
import subprocess
import time

from hands_machine import IMMUTABLE, LIMITS, ROOT, Failure, Skip, fill, set_flag
from hands_model import YES


class ServiceHands:
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
            fill(ballast)
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
        if self.script["start"]["farm"]:  # whose word is believed then
            for rule in self.rules.values():
                for sender in rule.senders.values():
                    sender.anything = True
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
            self.generations_lost += 1
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
            self.m.wait(lambda: b"stays as it was" in self.m.errors.read_bytes()[before:],
                        "a bad configuration refused")
            self.m.write_config()
            return
        if not self.log_works():
            raise Skip("lines that wait will be counted by the new limits")
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

    def do_farm(self, kind):
        if not self.script["start"]["farm"] or "farm" in self.troubles:
            raise Skip("no farm, or in trouble already")
        if kind == "emptied":
            self.m.farm_says("FLUSHALL")
            return
        if kind == "hangs":
            self.m.farm.send_signal(signal.SIGSTOP)
            mend = lambda: self.m.farm.send_signal(signal.SIGCONT)  # noqa: E731
        elif kind == "gone":
            self.m.stop_farm()
            mend = self.m.start_farm
        else:
            self.m.farm_says("CONFIG SET maxmemory 1")
            mend = lambda: self.m.farm_says("CONFIG SET maxmemory 0")  # noqa: E731
        self.troubles["farm"] = (kind, mend, True)

    def do_notices(self, how):
        self.m.take_notices(how)
        self.hung = self.hung or how in ("hangs", "stops", "floods")


def later(line):
    """A line of a checkpoint as of ten years later."""
    words = line.split(b" ")
    if words[0] == b"newest":
        return b"newest %d\n" % (int(words[1]) + 315360000)
    return line
