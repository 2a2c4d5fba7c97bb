"""The running service under clumsy and hostile neighbours: what they do to lists, state, locks and children is
said, and holds up nothing else."""

import fcntl
import os
import pwd
import resource
import shutil
import signal
import subprocess
import time
import unittest
from pathlib import Path

from program import EXIWARDEN, Place, Service, call, environment, refusal, wait_for

ROOT = os.getuid() == 0


def immutable(path, on):
    return subprocess.run(["chattr", "+i" if on else "-i", path], capture_output=True).returncode == 0


class Unruly(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.remove)
        self.others = self.place.root / "others"
        self.with_two_lists()

    def with_two_lists(self, **config):
        self.place.write_config(**config)
        with open(self.place.config, "a", encoding="utf-8") as out:
            out.write(f'[[rule]]\nname = "others"\nidentity = "user"\nlimit = 3\nperiod = "1h"\n'
                      f'list = "{self.others}/list"\n')

    def keys_of_others(self):
        return sorted(self.place.keys(self.others / "list"))

    def hit(self, *users):
        self.place.append(b"".join(refusal(user, n) for user in users for n in range(3)))

    def faults(self):
        shown = call("status", "-c", self.place.config)
        return [line for line in shown.stdout.decode().splitlines() if line.startswith("fault: ")]

    def wait_some_seconds(self):
        """Longer than the service looks at anything once more of its own accord."""
        end = time.monotonic() + 3
        wait_for(lambda: time.monotonic() > end, "some seconds")

    def claimed_again_after(self, service):
        """Seconds, where the state directory is removed just after the service has looked at it."""
        self.wait_some_seconds()
        service.told("")
        pings = service.said.count("WATCHDOG=1")
        self.hit("carol")
        wait_for(lambda: service.told("") or service.said.count("WATCHDOG=1") > pings, "a look")
        self.place.state.rename(self.place.root / "gone")
        began = time.monotonic()
        shutil.rmtree(self.place.root / "gone")
        wait_for((self.place.state / "lock").exists, "claimed anew")
        return time.monotonic() - began

    def processor_time(self, service):
        fields = Path(f"/proc/{service.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_a_list_that_is_a_link_or_a_fifo_holds_up_no_other(self):
        self.place.append(b"")
        makers = {"link": lambda path: (path.rename(path.with_suffix(".real")),
                                        path.symlink_to(path.with_suffix(".real"))),
                  "fifo": lambda path: (path.unlink(), os.mkfifo(path))}
        for number, (name, make) in enumerate(makers.items()):
            with self.subTest(name), Service(self.place) as service:
                self.hit(f"alice{number}")
                wait_for(lambda: f"alice{number}".encode() in self.place.keys(), "listed")
                make(self.place.users)
                self.hit(f"bob{number}")
                wait_for(lambda: f"bob{number}".encode() in self.keys_of_others(), "the other list")
                wait_for(lambda: any(str(self.place.users) in fault for fault in self.faults()), "in status")
                said = service.errors.read_bytes().count(b"\n")
                spent = self.processor_time(service)
                self.wait_some_seconds()
                self.assertLess(self.processor_time(service) - spent, 0.5)
                self.assertEqual(service.errors.read_bytes().count(b"\n"), said)
                self.place.users.unlink()
                wait_for(lambda: f"bob{number}".encode() in self.place.keys(), "written in the end")
                wait_for(lambda: not self.faults(), "taken back")
                self.assertEqual(service.stop(), 0)

    @unittest.skipUnless(ROOT, "takes root to be somebody else")
    def test_a_list_that_another_user_has_made_unreadable_holds_up_no_other(self):
        nobody = pwd.getpwnam("nobody")
        self.place.append(b"")
        for path in (self.place.root, self.place.mails, self.place.log):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        with Service(self.place, user=nobody) as service:
            for number in range(6):
                self.hit(f"alice{number}")
                wait_for(lambda: f"alice{number}".encode() in self.place.keys(), "listed")
                self.place.users.write_bytes(b"")
                time.sleep(0.01)  # that is seen, and waits for being calm, when it can't be read any more
                os.chown(self.place.users, 0, 0)
                os.chmod(self.place.users, 0o600)
                spent = self.processor_time(service)
                self.hit(f"bob{number}")
                wait_for(lambda: f"bob{number}".encode() in self.keys_of_others(), "the other list", deadline=20)
                self.assertLess(self.processor_time(service) - spent, 1)
                os.chown(self.place.users, nobody.pw_uid, nobody.pw_gid)
                wait_for(lambda: f"bob{number}".encode() in self.place.keys(), "written in the end")
                wait_for(lambda: f"alice{number} is free again".encode() in service.errors.read_bytes(), "freed")
            self.assertEqual(service.stop(), 0)

    def test_a_directory_of_lists_that_goes_again_and_again_is_seen_each_time(self):
        def moved(directory, number):
            directory.rename(directory.with_name(f"old{number}"))
            directory.mkdir()

        self.place.append(b"")
        ways = {"removed": lambda directory, number: shutil.rmtree(directory), "another in its place": moved}
        with Service(self.place) as service:
            for number, (name, go) in enumerate(list(ways.items()) * 2):
                with self.subTest(name):
                    self.hit(f"alice{number}")
                    wait_for(lambda: f"alice{number}".encode() in self.place.keys(), "listed")
                    self.wait_some_seconds()
                    go(self.place.users.parent, number)
                    wait_for(lambda: f"alice{number} is free again".encode() in service.errors.read_bytes(),
                             "known to be free", deadline=5)
            self.assertEqual(service.stop(), 0)

    def test_an_id_that_no_line_can_hold_keeps_nobody_out(self):
        self.place.append(b"")
        huge = "a" * 3000
        with Service(self.place) as service:
            self.hit(huge)
            wait_for(lambda: b"no line can hold" in service.errors.read_bytes(), "said")
            self.place.users.mkdir(parents=True)
            self.hit("victim")
            wait_for(lambda: self.keys_of_others() == [b"victim"], "the other list")
            self.place.users.rmdir()
            wait_for(lambda: self.place.keys() == [b"victim"], "listed")
            self.assertEqual(service.stop(), 0)
        with Service(self.place) as service:
            self.hit(huge, "eve")
            wait_for(lambda: sorted(self.place.keys()) == [b"eve", b"victim"], "listed after a restart")
            self.assertEqual(len([line for line in service.output.read_bytes().splitlines() if b"aaaa" in line]), 2)
            self.assertTrue(any("fits in no line" in fault for fault in self.faults()))
            self.assertEqual(service.stop(), 0)

    def test_in_a_burst_the_watchdog_is_fed_and_a_signal_is_heard(self):
        self.place.append(b"")
        self.place.users.parent.mkdir(parents=True)
        self.place.users.write_bytes(b"".join(b"hand%d: by hand\n" % n for n in range(20000)))
        with Service(self.place) as service:
            began, pings, gaps, users = time.monotonic(), 0, [], 0
            before = self.time_of(service)
            # A ping each second of the time in which the service, and who looks, had a processor.
            while time.monotonic() < began + 8:
                with open(self.place.users, "ab", buffering=0) as hand:
                    hand.write(b"more%d: by hand\n" % users)
                self.hit(*[f"user{n}" for n in range(users, users + 500)])
                users += 500
                for _ in range(20):
                    service.told("")
                    if (now := service.said.count("WATCHDOG=1")) > pings:
                        pings, last = now, before
                        before = self.time_of(service)
                        gaps.append(before - last)
                    time.sleep(0.01)
            gaps.append(self.time_of(service) - before)
            self.assertGreater(pings, 1)
            self.assertLess(max(gaps), 2, gaps)
            wait_for(lambda: len([key for key in self.place.keys() if key.startswith(b"user")]) == users, "all listed",
                     deadline=240)
            self.hit(*[f"late{n}" for n in range(5000)])
            service.process.terminate()
            heard = self.time_of(service)
            wait_for(lambda: service.told("STOPPING=1"), "the signal heard")
            self.assertLess(self.time_of(service) - heard, 2)
            self.assertEqual(service.process.wait(60), 0)

    @staticmethod
    def time_of(service):
        """The time without that in which the service, or this process, waited for a processor."""
        waited = sum(int(Path(f"/proc/{process}/schedstat").read_text().split()[1])
                     for process in (service.process.pid, os.getpid()))
        return time.monotonic() - waited / 1e9

    def test_whatever_the_parent_has_left(self):
        """Ignored and blocked signals, an odd umask, small limits, closed and open descriptors."""
        self.place.append(b"")
        opened, _ = os.pipe()

        def parent():
            for number in (signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGUSR1})
            os.umask(0o777)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
            resource.setrlimit(resource.RLIMIT_NOFILE, (16, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
            os.set_inheritable(opened, True)
            os.close(0)

        with Service(self.place, parent=parent) as service:
            self.hit("bob")
            wait_for(lambda: self.place.keys() == [b"bob"], "listed")
            wait_for(lambda: len(self.place.notices()) > 0, "a notice")
            service.process.send_signal(signal.SIGHUP)
            wait_for(lambda: b"new configuration is in force" in service.errors.read_bytes(), "reloaded")
            descriptors = {os.readlink(link) for link in Path(f"/proc/{service.process.pid}/fd").iterdir()}
            self.assertNotIn(os.readlink(f"/proc/self/fd/{opened}"), descriptors)
            self.assertEqual(service.stop(), 0)
            self.assertNotIn(b"notice not sent", service.errors.read_bytes())
        self.assertEqual(len(self.place.notices()), len({m.split(b"Message-ID: ")[1].split(b"\n")[0]
                                                         for _, m in self.place.notices()}))

    def test_status_says_what_the_service_says_also_without_a_checkpoint(self):
        self.place.append(b"")
        with Service(self.place) as service:
            self.hit("bob")
            wait_for(lambda: self.place.keys() == [b"bob"], "listed")
            wait_for(lambda: not self.faults(), "no faults")
            if not immutable(self.place.state, True):
                self.skipTest("no immutable directories here")
            try:
                self.others.joinpath("list").unlink()
                self.others.joinpath("list").symlink_to("elsewhere")
                self.hit("eve")
                wait_for(lambda: any("can't save" in fault for fault in self.faults()), "the state directory")
                wait_for(lambda: any("links are not followed" in fault for fault in self.faults()), "the list")
                wait_for(lambda: any("checkpoint" in fault for fault in self.faults()), "the checkpoint")
            finally:
                immutable(self.place.state, False)
            self.others.joinpath("list").unlink()
            wait_for(lambda: not self.faults(), "taken back")
            self.assertEqual(service.stop(), 0)

    def test_a_lock_on_the_directory_holds_up_nothing(self):
        self.place.append(b"")
        self.place.users.parent.mkdir(parents=True)
        held = os.open(self.place.users.parent, os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, held)
        fcntl.flock(held, fcntl.LOCK_EX)
        with Service(self.place) as service:
            self.hit("bob")
            wait_for(lambda: self.place.keys() == [b"bob"], "listed")
            self.assertEqual(call("unblock", "-c", self.place.config, "bob").returncode, 0)
            # One who does hold the lock itself keeps nobody out of the list.
            lock = os.open(self.place.users.parent / ".exiwarden.lock", os.O_RDWR)
            self.addCleanup(os.close, lock)
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.hit("eve")
            wait_for(lambda: b"eve" in self.place.keys(), "listed without the lock")
            self.assertEqual(os.fstat(lock).st_mode & 0o7777, 0o600)
            self.assertEqual(service.stop(), 0)

    def test_what_a_program_says_without_end_takes_no_memory(self):
        self.place.append(b"")
        self.place.sendmail.write_text("#!/bin/sh\ncat > /dev/null\nhead -c 1000000000 /dev/zero\n"
                                       f"touch {self.place.mails}/done\n")
        with Service(self.place) as service:
            self.hit("bob")
            wait_for(lambda: (self.place.mails / "done").exists(), "the program's end")
            status = Path(f"/proc/{service.process.pid}/status").read_text()
            peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
            self.assertLess(peak, 600_000)  # KiB, of a build with sanitizers
            self.assertEqual(service.stop(), 0)
        self.assertNotIn(b"notice not sent", service.errors.read_bytes())

    def test_a_state_directory_that_is_removed_is_made_and_claimed_again(self):
        self.with_two_lists()
        text = self.place.config.read_text()
        own_list = f'name = "users"\nlist = "{self.others}/users"\n'
        self.place.config.write_text(text.replace('name = "users"\n', own_list))
        self.place.append(b"")
        with Service(self.place) as service:
            self.hit("bob")
            wait_for(lambda: self.keys_of_others() == [b"bob"], "listed")
            took = [self.claimed_again_after(service) for _ in range(3)]
            self.assertLess(min(took), 0.6, took)  # and not with the look that comes once a second
            wait_for(lambda: (self.place.state / "checkpoint").exists(), "saved anew")
            wait_for(lambda: not self.faults(), "all well")
            self.assertIn(b"runs", call("status", "-c", self.place.config).stdout)
            second = subprocess.run([EXIWARDEN, "run", "-c", self.place.config], capture_output=True, env=environment(),
                                    stdin=subprocess.DEVNULL, timeout=60)
            self.assertEqual(second.returncode, 69, second.stderr)
            self.assertEqual(service.stop(), 0)

    def test_random_bytes_are_no_list_of_the_exempt(self):
        exempt = self.place.root / "exempt"
        exempt.write_bytes(b"news\n")
        self.with_two_lists(more=f'[exempt]\nuser_files = ["{exempt}"]\n')
        self.place.append(b"")
        with Service(self.place) as service:
            exempt.write_bytes(bytes(range(256)) * 16)
            wait_for(lambda: b"this is no list of keys" in service.errors.read_bytes(), "said")
            wait_for(lambda: any("no list of keys" in fault for fault in self.faults()), "in status")
            self.hit("news", "bob")
            wait_for(lambda: self.place.keys() == [b"bob"], "what was read before stays")
            self.assertEqual(service.stop(), 0)


if __name__ == "__main__":
    unittest.main()
