"""A full disk, for real: log, state and lists on a tmpfs of their own each, which fills up, and has room
again. Counting goes on, it is said, shown and in the metrics, and in the end all is made good."""

import contextlib
import ctypes
import errno
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "cli"))
from program import Place, Service, call, refusal, wait_for  # noqa: E402

CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000


def own_mounts():
    """Mounts of this process alone; for an ordinary user as root of a user namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    ids = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWNS) != 0:
        if libc.unshare(CLONE_NEWNS | CLONE_NEWUSER) != 0:
            raise unittest.SkipTest("needs root, or user namespaces, for disks of its own")
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {ids[0]} 1")  # mount(8) works for root alone
        Path("/proc/self/gid_map").write_text(f"0 {ids[1]} 1")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


class DiskFull(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        own_mounts()

    def setUp(self):
        self.place = place = Place()
        self.addCleanup(place.remove)
        self.disks = {}
        for name in ("logs", "state", "lists"):
            disk = place.root / name
            disk.mkdir(exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0755", "none", disk], check=True)
            self.addCleanup(subprocess.run, ["umount", "-l", disk], check=True)
            self.disks[name] = disk
        place.log = self.disks["logs"] / "mainlog"
        place.users = self.disks["lists"] / "users"
        place.write_config()
        text = place.config.read_text()
        for rule in ("users", "relays"):
            text = text.replace(f'name = "{rule}"\n', f'name = "{rule}"\nlist = "{self.disks["lists"] / rule}"\n')
        place.config.write_text(text)

    def fill(self, name):
        with open(self.disks[name] / "ballast", "ab", buffering=0) as ballast, contextlib.suppress(OSError):
            for size in (65536, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        ballast.write(b"x" * size)

    def make_room(self, name):
        (self.disks[name] / "ballast").unlink()

    def metric(self, name):
        text = (self.place.root / "metrics.prom").read_text()
        return next(line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(name + " "))

    def fault(self, part):
        with contextlib.suppress(FileNotFoundError, StopIteration):
            return self.metric(f'exiwarden_fault{{part="{part}"}}') == "1"
        return False

    def status(self):
        shown = call("status", "-c", self.place.config)
        return shown.returncode, shown.stdout + shown.stderr

    def reports(self, user):
        return sum(f"has blocked the user\n\n    {user}\n".encode() in message for _, message in self.place.notices())

    def test_lists(self):
        with Service(self.place) as service:
            self.place.append(*[refusal("alice", n) for n in range(3)])
            wait_for(lambda: self.place.keys() == [b"alice"], "listed")
            before = self.place.users.read_bytes()
            self.fill("lists")
            # A page of the list has room still: until that is used up nothing fails.
            for number in range(60):
                self.place.append(*[refusal(f"user{number}", n) for n in range(3)])
            wait_for(lambda: b"No space left" in service.errors.read_bytes(), "said")
            wait_for(lambda: self.fault("list"), "in the metrics")
            pending = int(self.metric("exiwarden_pending_blocks"))
            self.assertGreater(pending, 0)
            code, shown = self.status()
            self.assertEqual(code, 1, shown)
            self.assertIn(b" is not in " + str(self.place.users).encode() + b" yet", shown)
            held = self.place.users.read_bytes()
            self.assertTrue(held.startswith(before))
            self.assertTrue(held.endswith(b"\n"), "half a line stays")
            self.make_room("lists")
            everybody = sorted([b"alice", *(f"user{n}".encode() for n in range(60))])
            wait_for(lambda: sorted(self.place.keys()) == everybody, "all listed")
            wait_for(lambda: not self.fault("list") and self.metric("exiwarden_pending_blocks") == "0", "good again")
            self.assertEqual(self.status()[0], 0)
            self.assertEqual(service.stop(), 0)

    def test_state(self):
        self.place.append(refusal("alice", 1), refusal("bob", 1))
        with Service(self.place) as service:
            self.fill("state")
            self.place.append(*[refusal("alice", n) for n in range(2, 4)])
            wait_for(lambda: self.place.keys() == [b"alice"], "listed all the same")
            wait_for(lambda: b"No space left" in service.errors.read_bytes(), "said")
            wait_for(lambda: self.fault("state"), "in the metrics")
            # And killed like that: what was decided once is not decided again.
            service.process.kill()
            service.process.wait()
        with Service(self.place) as service:
            self.place.append(refusal("bob", 2))
            self.assertFalse(self.reports("alice"))
            self.make_room("state")
            wait_for(lambda: self.reports("alice"), "the notice")
            wait_for(lambda: not self.fault("state"), "good again")
            self.assertEqual(self.status()[0], 0)
            self.place.append(refusal("bob", 3))
            wait_for(lambda: self.place.keys() == [b"alice", b"bob"], "counted on")
            wait_for(lambda: self.reports("bob"), "its notice")
            self.assertEqual(service.stop(), 0)
        self.assertLessEqual(self.reports("alice"), 2)

    def test_log(self):
        with Service(self.place) as service:
            self.place.append(refusal("alice", 1), refusal("bob", 1))
            self.fill("logs")
            lost = 0
            for number in range(200):
                try:
                    with open(self.place.log, "ab", buffering=0) as log:
                        line = refusal("bob" if number == 0 else f"user{number % 50}", number)
                        done = log.write(line)  # as Exim does: what did not fit is lost, and with it the next line
                        lost += done < len(line)
                except OSError as error:
                    self.assertEqual(error.errno, errno.ENOSPC)
                    lost += 1
            self.assertGreater(lost, 0)
            self.make_room("logs")
            self.place.append(b"\n", *[refusal("alice", n) for n in range(2, 4)])
            replayed = call("replay", "-c", self.place.config, "-o", "jsonl", self.place.log)
            wanted = sorted(json.loads(line)["identity"] for line in replayed.stdout.splitlines())
            self.assertIn("alice", wanted)
            wait_for(lambda: sorted(key.decode() for key in self.place.keys()) == wanted, "as a replay")
            self.assertEqual(service.stop(), 0)

    def test_all_of_it_at_once(self):
        with Service(self.place) as service:
            self.place.append(*[refusal("alice", n) for n in range(3)], refusal("bob", 1))
            wait_for(lambda: self.reports("alice"), "reported")
            for disk in self.disks:
                self.fill(disk)
            for number in range(50):
                with contextlib.suppress(OSError):
                    self.place.append(*[refusal(f"user{number}", n) for n in range(3)])
            wait_for(lambda: b"No space left" in service.errors.read_bytes(), "said")
            service.process.kill()
            service.process.wait()
        with Service(self.place) as service:  # it starts all the same
            for disk in self.disks:
                self.make_room(disk)
            self.place.append(b"\n", *[refusal("bob", n) for n in range(2, 4)])
            wait_for(lambda: b"bob" in self.place.keys(), "counted on")
            replayed = call("replay", "-c", self.place.config, "-o", "jsonl", self.place.log)
            wanted = sorted(json.loads(line)["identity"] for line in replayed.stdout.splitlines())
            wait_for(lambda: sorted(key.decode() for key in self.place.keys()) == wanted, "as a replay")
            wait_for(lambda: all(self.reports(user) for user in wanted), "all reported")
            self.assertLessEqual(max(self.reports(user) for user in wanted), 2)
            self.assertEqual(service.stop(), 0)


if __name__ == "__main__":
    unittest.main()
