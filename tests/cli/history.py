"""What `history` remembers of a service that runs, and what `exempt` tells it to leave alone."""
import datetime
import json
import os
import pwd
import sqlite3
import unittest

from program import Place, Service, call, refusal, wait_for

SELF = pwd.getpwuid(os.getuid()).pw_name


class Case(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.remove)
        self.place.append(b"")

    def call(self, command, *arguments, code=0):
        env = {name: value for name, value in os.environ.items() if name != "SUDO_USER"}
        done = call(command, "-c", self.place.config, *arguments, env={**env, "SUDO_USER": ""})
        self.assertEqual(done.returncode, code, done)
        return done

    def history(self, *arguments, code=None):
        done = call("history", "-c", self.place.config, "-o", "jsonl", *arguments)
        self.assertIn(done.returncode, (0, 1, 66) if code is None else (code,), done)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def wait_history(self, *wanted):
        """`wanted`: (event, identity, by, reason), oldest first."""
        def found():
            return [(row["event"], row["identity"], row["by"], row["reason"]) for row in self.history()]
        try:
            wait_for(lambda: sorted(found(), key=str) == sorted(wanted, key=str), "history")
        except AssertionError as error:
            raise AssertionError(f"{found()}") from error

    def block(self, user):
        self.place.append(*(refusal(user, number) for number in range(3)))
        wait_for(lambda: user.encode() in self.place.keys(), f"{user} listed")


class History(Case):
    def test_every_hand_is_named(self):
        with Service(self.place):
            self.block("bob")
            self.call("unblock", "bob", "--reason", "a newsletter")
            first = [("blocked", "bob", "service", None), ("freed", "bob", SELF, "a newsletter")]
            self.wait_history(*first)
            self.call("block", "carol", "--reason", "phished")
            second = [*first, ("blocked", "carol", SELF, "phished")]
            self.wait_history(*second)
            self.place.users.write_bytes(b"")
            third = [*second, ("freed", "carol", "edit by hand", None)]
            self.wait_history(*third)
            self.place.append(*(refusal("bob", number, ago=-2) for number in range(3)))
            self.wait_history(*third, ("blocked", "bob", "service", None))
            # What happens to a sender twice in a second is one entry.
            freed = max(row["time"] for row in self.history("bob") if row["event"] == "freed")
            wait_for(lambda: datetime.datetime.now(datetime.timezone.utc).timestamp()
                     >= datetime.datetime.fromisoformat(freed).timestamp() + 1, "another second")
            self.call("release", "bob")
            self.wait_history(*third, ("blocked", "bob", "service", None), ("freed", "bob", SELF, None))

    def test_the_fields_and_their_selection(self):
        with Service(self.place) as service:
            self.block("bob")
            self.wait_history(("blocked", "bob", "service", None))
            row, = self.history()
            self.assertEqual(list(row), ["time", "event", "rule", "identity_kind", "identity", "count", "limit",
                                         "period", "until", "by", "reason", "samples"])
            self.assertEqual((row["rule"], row["identity_kind"], row["count"], row["limit"], row["period"]),
                             ("users", "user", 3, 3, 3600))
            self.assertEqual({sample["recipient"] for sample in row["samples"]} - {f"dead{i}@example.net" for i in
                                                                                  range(3)}, set())
            self.assertEqual(row["samples"][-1]["host"], "198.51.100.7")
            for arguments, count in ((["BOB"], 1), (["alice"], 0), (["--event", "freed"], 0), (["--rule", "users"], 1),
                                     (["--rule", "relays"], 0), (["--since", "1d"], 1), (["--until", "1d"], 0),
                                     (["bob", "--event", "blocked", "--since", "yesterday"], 1)):
                with self.subTest(arguments=arguments):
                    self.assertEqual(len(self.history(*arguments, code=0 if count else 1)), count)
            for arguments in (["--event", "block"], ["--since", "soon"]):
                self.assertEqual(call("history", "-c", self.place.config, *arguments).returncode, 64)
            text = self.call("history", "bob").stdout.decode()
            self.assertIn("3 in 1h", text)
            self.assertIn("dead2@example.net", text)
            self.assertLessEqual(max(map(len, text.splitlines())), 80)
            csv = self.call("history", "-o", "csv").stdout.decode().splitlines()
            self.assertEqual(csv[0], ",".join(row))
            self.assertEqual(service.stop(), 0)

    def test_what_is_in_the_lists_at_the_first_start_is_in_it(self):
        self.place.users.parent.mkdir(parents=True)
        self.place.users.write_bytes(b"old: 2026-01-02T03:04:05+00:00 exiwarden rule=users count=3 period=1h\n")
        with Service(self.place):
            self.wait_history(("blocked", "old", "service", None))
        self.assertEqual(self.history()[0]["time"], "2026-01-02T03:04:05+00:00")

    def test_what_was_done_while_the_service_was_down(self):
        with Service(self.place) as service:
            self.block("bob")
            self.wait_history(("blocked", "bob", "service", None))
            self.assertEqual(service.stop(), 0)
        self.call("unblock", "bob", "--reason", "down")
        self.call("block", "dora")
        with Service(self.place):
            self.wait_history(("blocked", "bob", "service", None), ("freed", "bob", SELF, "down"),
                              ("blocked", "dora", SELF, None))

    def test_a_file_that_is_damaged_locked_or_out_of_reach_holds_up_no_block(self):
        path = self.place.state / "history.sqlite"
        for trouble in ("damaged", "locked", "directory"):
            with self.subTest(trouble=trouble):
                self.place = Place()
                self.addCleanup(self.place.remove)
                self.place.append(b"")
                path = self.place.state / "history.sqlite"
                self.place.state.mkdir()
                other = None
                if trouble == "damaged":
                    path.write_bytes(b"x" * 5000)
                elif trouble == "directory":
                    path.mkdir()
                else:
                    other = sqlite3.connect(path, isolation_level=None)
                    self.addCleanup(other.close)
                    other.execute("BEGIN EXCLUSIVE")
                with Service(self.place) as service:
                    self.block("bob")
                    wait_for(self.place.notices, "notice")
                    if trouble == "damaged":
                        self.wait_history(("blocked", "bob", "service", None))
                        self.assertTrue(path.with_name("history.sqlite.damaged").exists())
                        self.assertIn("set aside", service.errors.read_text())
                        continue
                    status = wait_for(lambda: (done := call("status", "-c", self.place.config)).returncode == 1
                                      and done.stdout, "a fault in status")
                    self.assertIn(b"fault: history: ", status)
                    metrics = (self.place.root / "metrics.prom").read_text()
                    self.assertIn('exiwarden_fault{part="history"} 1', metrics)
                    if other:
                        other.execute("ROLLBACK")
                    else:
                        path.rmdir()
                    self.wait_history(("blocked", "bob", "service", None))

    def test_no_history_yet(self):
        done = call("history", "-c", self.place.config)
        self.assertEqual((done.returncode, done.stdout), (66, b""))


class Exempt(Case):
    def exempt(self):
        done = call("exempt", "-c", self.place.config, "-o", "jsonl")
        return {row["identity"]: row for row in map(json.loads, done.stdout.splitlines())}

    def test_the_service_takes_it_without_a_reload(self):
        with Service(self.place) as service:
            self.call("exempt", "Bob", "--for", "30d", "--reason", "newsletter, ticket 12")
            self.wait_history(("exempted", "Bob", SELF, "newsletter, ticket 12"))
            self.place.append(*(refusal("bob", number) for number in range(5)))
            self.block("carol")
            self.assertEqual(self.place.keys(), [b"carol"])
            # Removed, it counts.
            self.call("exempt", "--remove", "bob")
            wait_for(lambda: service.errors.read_text().count("files were read again") >= 2, "read again")
            self.block("bob")

    def test_what_is_listed(self):
        self.call("exempt", "bob", "a b", "192.0.2.0/24", "2001:db8::1", "--reason", "why")
        self.call("exempt", "BOB", "--for", "2h")
        rows = self.exempt()
        self.assertEqual({name: row["identity_kind"] for name, row in rows.items()},
                         {"bob": "user", "a b": "user", "192.0.2.0/24": "relay", "2001:db8::1": "relay"})
        self.assertIsNotNone(rows["bob"]["until"])
        self.assertEqual((rows["bob"]["reason"], rows["a b"]["reason"]), (None, "why"))
        self.assertEqual(rows["a b"]["by"], SELF)
        self.assertIn("4 exempt by this command", self.call("exempt").stdout.decode())
        self.call("exempt", "--remove", "192.0.2.0/24", "Bob")
        self.assertEqual(set(self.exempt()), {"a b", "2001:db8::1"})
        self.call("exempt", "--remove", "nobody", code=1)

    def test_what_is_refused(self):
        for arguments in (["*@example.org"], ["--host", "bob"], ["bob", "--for", "soon"], ["--for", "1d"],
                          ["--remove"], ["--remove", "bob", "--for", "1d"]):
            with self.subTest(arguments=arguments):
                self.call("exempt", *arguments, code=64)
        self.assertEqual(self.exempt(), {})

    def test_who_is_blocked_is_said_to_stay_so(self):
        with Service(self.place):
            self.block("bob")
            self.assertIn(b"stays blocked", self.call("exempt", "bob").stderr)

    def test_an_end_is_told_of_once_while_it_is_of_use(self):
        self.place.state.mkdir()
        for user in ("bob", "idle"):
            self.call("exempt", user, "--for", "1h", "--reason", "ticket 12")
        # Given an hour, its end is told of in the last half of it: as if it had been given long ago.
        path = self.place.state / "exempt_users"
        text = path.read_text()
        path.write_text("".join("%s: 2026-01-01T00:00:00+00:00%s\n" % (line.split(": ", 1)[0], line.split(": ", 1)[1][25:])
                                for line in text.splitlines()))

        def told():
            return [message for _, message in self.place.notices() if b"the exemption of" in message]
        for _ in range(2):
            with Service(self.place) as service:
                self.place.append(refusal("bob", 1))
                wait_for(lambda: len(told()) == 1, "one notice")
                self.block(f"last{_}")
                self.assertEqual(service.stop(), 0)
        message, = told()
        self.assertIn(b"bob", message)
        self.assertIn(b"ticket 12", message)
        self.assertRegex(message, rb"exempt -c '.*' --for 30d -- 'bob'")


if __name__ == "__main__":
    unittest.main()
