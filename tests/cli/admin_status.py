"""status beside a running service, after it, and without any; the commands on lists while it runs."""
import datetime
import os
import signal
import socket
import subprocess
import unittest

from admin_case import AdminCase, PROGRAM, refusals, wait_until


class Status(AdminCase):
    CONFIG = '''
[exim]
user = "nobody"
[[rule]]
name = "many"
identity = "user"
limit = 20
[[rule]]
name = "fast"
identity = "user"
limit = 1000
period = "1m"
'''

    def status(self, code=0):
        found = {}
        for record in self.records("status", code=code):
            found.setdefault(record["about"], []).append(record)
        return found

    def test_nothing_there(self):
        found = self.status(code=1)
        self.assertEqual(found["service"][0]["running"], "no")
        whats = " ".join(fault["what"] for fault in found["fault"])
        self.assertIn("no checkpoint", whats)
        self.assertIn(self.log, whats)

    def test_a_day(self):
        self.append_log(refusals("Bob", 15) + refusals("carol", 3) + refusals("dave", 2) + refusals("alice", 20))
        service = self.start_service()
        wait_until(lambda: b"alice" in self.listed(), "alice is listed")
        wait_until(lambda: os.path.exists(self.home + "/state/checkpoint"), "a checkpoint")
        found = self.status()
        self.assertEqual(found["service"][0]["running"], "yes")

        self.stop_service(service)
        found = self.status()
        self.assertEqual(found["service"][0]["running"], "no")
        log = found["log"][0]
        self.assertEqual((log["path"], log["offset"], log["lag"]), (self.log, os.path.getsize(self.log), 0))
        self.assertEqual(log["line"], 40)
        many = [(w["identity"], w["count"], w["limit"]) for w in found["window"] if w["rule"] == "many"]
        self.assertEqual(many, [("bob", 15, 20), ("carol", 3, 20), ("dave", 2, 20)])
        self.assertEqual(found["list"][0]["blocked"], 1)
        self.assertNotIn("fault", found)

        self.append_log(b"unread\n")
        self.assertEqual(self.status()["log"][0]["lag"], 7)
        text = self.expect(0, "status", "--top", "1").stdout.decode()
        self.assertIn("15 of 20 in 1h  user bob (many)", text)
        self.assertNotIn("carol", text)
        os.rename(self.log, self.log + ".1")
        self.append_log(b"new\n")
        self.assertEqual(self.status()["log"][0]["rotated"], "yes")

    def test_how_many_were_listed_today_and_this_week(self):
        now = datetime.datetime.now(datetime.timezone.utc)

        def at(days):
            return f"{now - datetime.timedelta(days=days):%Y-%m-%dT%H:%M:%S}+00:00"
        self.write_list(self.users, f"ann: {at(0)} exiwarden rule=many count=20 period=1h\n"
                                    f"bob: 2048 {at(6)} exiwarden rule=many count=20 period=1h\n"
                                    f"carol: {at(3)} by-hand by=root rule=many\ndave: {at(8)} exiwarden rule=many\n"
                                    f"erin: since ever\n".encode())
        users = self.status(code=1)["list"][0]
        self.assertEqual((users["blocked"], users["today"], users["week"]), (5, 1, 3))
        self.assertIn(" (listed today 1, in 7 days 3)", self.expect(1, "status").stdout.decode())

    def test_old_lines_that_decide_nothing_are_told(self):
        """One line for a rule, however many senders; by a dry run too; and status says it beside the window."""
        told = b"rule many: 2 senders reached the limit of 20 in 1h in lines older than 1h; not blocked: the log is " \
               b"read for the first time"
        old = refusals("alice", 25, ago=8000) + refusals("bob", 20, ago=7900) + refusals("carol", 19, ago=7800)
        for arguments in ((), ("--dry-run",)):
            with self.subTest(arguments=arguments):
                open(self.log, "wb").close()
                service = self.start_service(*arguments)
                if not arguments:
                    wait_until(lambda: os.path.exists(self.home + "/state/checkpoint"), "the empty log is read")
                self.append_log(old)
                wait_until(lambda: told in self.read(self.home + "/said"), "it is told")
                self.stop_service(service)
                said = self.read(self.home + "/said")
                self.assertEqual(said.count(b"reached the limit"), 1, said)
                self.assertIn(b"exiwarden replay", said)
                self.assertEqual(self.listed(), b"")
                open(self.home + "/said", "wb").close()
        windows = {w["identity"]: w for w in self.status()["window"] if w["rule"] == "many"}
        self.assertEqual({name: window["undecided"] for name, window in windows.items()},
                         {"alice": "first reading", "bob": "first reading", "carol": None})
        text = self.expect(0, "status").stdout.decode()
        self.assertEqual(text.count("not blocked: lines older than 1h when the log was first read"), 2)

    def test_old_lines_of_who_is_blocked_then_are_not_told(self):
        self.append_log(refusals("alice", 25, ago=8000) + refusals("bob", 20, ago=7900) +
                        refusals("alice", 20, ago=60))
        service = self.start_service()
        wait_until(lambda: b"reached the limit" in self.read(self.home + "/said"), "it is told")
        self.stop_service(service)
        self.assertIn(b"rule many: 1 sender reached the limit", self.read(self.home + "/said"))
        self.assertTrue(self.listed().startswith(b"alice:"))

    def test_what_the_service_can_not_do(self):
        """Nobody else knows that no notice can be sent."""
        with socket.socket() as nobody:  # bound, but not listening
            nobody.bind(("127.0.0.1", 0))
            self.configure(self.CONFIG + f'[notify]\nto = ["abuse@example.org"]\ntransports = ["smtp"]\n'
                                         f'smtp = "127.0.0.1:{nobody.getsockname()[1]}"\n')
            self.append_log(refusals("alice", 20))
            service = self.start_service()
            wait_until(lambda: os.path.exists(self.home + "/state/checkpoint") and any(
                fault["what"].startswith("notices: ") for fault in self.records("status", code=None)
                if fault["about"] == "fault"), "it is told")
            self.stop_service(service)
        self.assertNotIn("fault", self.status())  # what it could not do is over

    def test_freeing_somebody_whose_list_can_not_be_written(self):
        """A sender that is in no list yet, and will be: that is said, with what to do about it."""
        self.append_log(refusals("alice", 20))
        os.makedirs(self.users)  # a directory in its place
        service = self.start_service()
        wait_until(lambda: os.path.exists(self.home + "/state/checkpoint") and any(
            record["about"] == "pending" for record in self.records("status", code=None)), "alice waits")
        done = self.run_program("unblock", "Alice")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"alice will be blocked as soon as", done.stderr)
        self.assertIn(b"exempt.users", done.stderr)
        self.configure(self.CONFIG + '[exempt]\nusers = ["alice"]\n')
        service.send_signal(signal.SIGHUP)
        wait_until(lambda: not any(record["about"] == "pending" for record in self.records("status", code=None)),
                   "nobody waits")
        os.rmdir(self.users)

    def test_not_saved_for_long(self):
        self.append_log(refusals("alice", 3))
        service = self.start_service()
        checkpoint = self.home + "/state/checkpoint"
        wait_until(lambda: os.path.exists(checkpoint) and self.status()["log"][0]["lag"] == 0, "a checkpoint")
        service.send_signal(signal.SIGSTOP)
        try:
            old = os.stat(checkpoint).st_mtime - 120
            os.utime(checkpoint, (old, old))
            whats = " ".join(fault["what"] for fault in self.status(code=1)["fault"])
            self.assertIn("last saved at", whats)
            os.utime(self.log, (old + 30, old + 30))  # nothing new to save
            self.assertNotIn("fault", self.status())
        finally:
            service.send_signal(signal.SIGCONT)

    def test_damage_is_told_and_left_alone(self):
        os.mkdir(self.home + "/state")
        self.append_log(b"")
        path = self.home + "/state/checkpoint"
        with open(path, "wb") as out:
            out.write(b"exiwarden-state 1\nrubbish\n")
        whats = " ".join(fault["what"] for fault in self.status(code=1)["fault"])
        self.assertIn("it is cut off", whats)
        self.assertEqual(self.read(path), b"exiwarden-state 1\nrubbish\n")

    def test_by_hand_while_it_runs(self):
        self.append_log(refusals("alice", 19))
        self.start_service()
        said = self.home + "/said"
        self.append_log(refusals("alice", 1))
        wait_until(lambda: b"alice" in self.listed(), "alice is listed")
        self.expect(0, "unblock", "--list", self.users, "--", "alice")
        wait_until(lambda: b"alice is free again" in self.read(said), "the service sees her go")
        self.append_log(refusals("alice", 19, ago=0))
        self.expect(0, "block", "eve")
        wait_until(lambda: b"eve was added by somebody else" in self.read(said), "the service sees eve come")
        self.assertNotIn(b"alice", self.listed())  # a fresh window
        self.append_log(refusals("alice", 1, ago=0))
        wait_until(lambda: b"alice" in self.listed(), "alice is listed again")
        self.assertEqual(self.read(said).count(b"user alice: "), 2)

    def test_one_service_a_directory(self):
        first = self.start_service()
        wait_until(lambda: os.path.exists(self.home + "/state/lock"), "the service holds its lock")
        wait_until(lambda: self.status(code=1)["service"][0]["running"] == "yes", "it runs")
        second = subprocess.run([PROGRAM, "run", "-c", self.config], capture_output=True, timeout=60, check=False)
        self.assertEqual(second.returncode, 69, second)
        self.assertIn(b"another service", second.stderr)
        first.send_signal(signal.SIGTERM)
        first.wait(timeout=60)
        self.assertEqual(self.status(code=1)["service"][0]["running"], "no")


if __name__ == "__main__":
    unittest.main()
