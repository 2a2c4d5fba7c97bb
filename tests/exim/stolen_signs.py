"""What a real Exim logs of messages that come in, are put off or called spam, and of failed logins; with what a
hostile client writes into it."""

import collections
import json
import os
import subprocess
import unittest

from lab import Lab
from world import until

RULES = """
[relay]
hosts = ["127.0.0.0/8"]
own = []
[[rule]]
name = "all"
identity = "user"
signals = ["accepted", "deferred", "accused"]
[[rule]]
name = "logins"
identity = "host"
signals = ["auth_failed"]
count = "ids"
"""
ANSWERS = {b"later": b"451 4.2.1 greylisted, try again", b"spam": b"554 5.7.1 This message was identified as spam",
           b"spamlater": b"451 4.7.1 spam message rejected, try again", b"listed": b"554 5.7.1 Your IP is blocked"}


class StolenAccounts(unittest.TestCase):
    def setUp(self):
        self.lab = self.enterContext(Lab(log_selector="+received_recipients +subject", macros="EXIWARDEN_CALLOUT =",
                                         refusal=lambda local: ANSWERS.get(local.lower())))
        config = self.lab.directory / "exiwarden.toml"
        config.write_text(RULES)
        self.config = config

    def events(self):
        done = subprocess.run([os.environ["EXIWARDEN"], "events", "-c", self.config, "--all", "-o", "jsonl",
                               self.lab.mainlog], capture_output=True, check=True, timeout=60)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_mail(self):
        with self.lab.client(b"alice") as client:
            client.message([b"fine@remote.test", b"later@remote.test", b"spam@remote.test", b"listed@remote.test",
                            b"spamlater@remote.test", b'"a b"@remote.test'],
                           text=b"Subject: x for victim@remote.test\r\n\r\nx\r\n")
        until(lambda: self.lab.log().count(b" == ") == 2 and self.lab.log().count(b" ** ") == 2, what="all answers")
        rows = self.events()
        counts = collections.Counter((row["kind"], row["user"], row["recipient"]) for row in rows)
        self.assertEqual({key: count for key, count in counts.items() if key[1] == "alice"}, {
            ("accepted", "alice", None): 1, ("deferred", "alice", "later@remote.test"): 1,
            ("deferred", "alice", "spamlater@remote.test"): 1, ("accused", "alice", "spam@remote.test"): 1,
            ("accused", "alice", "spamlater@remote.test"): 1}, self.lab.log())
        self.assertEqual([row["recipients"] for row in rows if row["kind"] == "accepted" and row["user"]], [6])
        # The bounce of it is nobody's.
        self.assertEqual({row["identity"] for row in rows if row["kind"] == "accepted" and not row["user"]} - {None},
                         set())

    def test_failed_logins(self):
        claims = [b"victim", b"x) [192.0.2.1]: 535 Incorrect authentication data (set_id=victim",
                  b"victim) H=(y) [192.0.2.1] A=plain:victim", b" blank ", b"\xc3\xbc"]
        with self.lab.client(helo=b"[192.0.2.1]") as client:
            for claim in claims:
                self.assertEqual(client.auth(claim, b"wrong"), 535)
        until(lambda: self.lab.log().count(b"authenticator failed") == len(claims), what="their lines")
        rows = [row for row in self.events() if row["kind"] == "auth_failed"]
        self.assertEqual([(row["host"], row["user"], row["identity_kind"], row["identity"]) for row in rows],
                         [("127.0.0.1", None, "relay", "127.0.0.1")] * len(claims), self.lab.log())
        self.assertEqual([row["set_id"] for row in rows[:4]], [claim.decode() for claim in claims[:4]])


if __name__ == "__main__":
    unittest.main()
