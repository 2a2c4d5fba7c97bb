"""Evidence that comes after acceptance: deliveries that a remote host refuses, of users and of
logins on the machine itself."""

import unittest

from agent import Agent
from lab import Lab
from world import until

LIMIT = 10
RULES = """
[[rule]]
name = "bounced user"
identity = "user"
signals = ["bounced"]
limit = {limit}
period = "1h"
list = "{lists}/blocked_authenticated_users"
[[rule]]
name = "web"
identity = "local"
limit = {limit}
period = "1h"
list = "{lists}/blocked_local_users"
"""


class Bounced(unittest.TestCase):
    def setUp(self):
        # No callout: what the router takes is accepted, and the remote host says no on delivery.
        self.lab = self.enterContext(Lab(macros="EXIWARDEN_CALLOUT =\n"
                                                "EXIWARDEN_SUBMISSION = submission/sender_retain"))
        lists = self.lab.directory / "state" / "exim"
        self.agent = self.enterContext(Agent(
            self.lab.directory, LIMIT, ("none",), rules=RULES.format(limit=LIMIT, lists=lists)))

    def submit(self, *recipients):
        self.lab.exim("-i", "-f", "me@lab.example", *recipients, stdin=b"Subject: x\n\nx\n",
                      user="nobody", group="nogroup", extra_groups=[])

    def refused(self, count):
        until(lambda: self.lab.log().count(b" ** dead") == count, what=f"{count} refusals")

    def queue_id(self, after, login):
        lines = self.lab.log()[after:].decode().splitlines()
        return next(line.split()[2] for line in lines if f" U={login} P=local" in line)

    def test_user(self):
        with self.lab.client(b"alice") as client:
            for start in range(0, LIMIT - 1, 3):
                client.message([b"dead%d@remote.test" % number for number in
                                range(start, min(start + 3, LIMIT - 1))] + [b"fine@remote.test"])
            self.refused(LIMIT - 1)
            with self.lab.client(b"last") as last:
                last.message([b"dead-last%d@remote.test" % number for number in range(LIMIT)])
            until(lambda: self.agent.has(b"last"), what="the last ones")
            self.assertFalse(self.agent.has(b"alice"))
            self.assertFalse(self.lab.is_frozen(client.message([b"dead-again@remote.test"])))
            until(lambda: self.agent.has(b"alice"), what="alice to be listed")
            self.assertTrue(self.lab.is_frozen(client.message([b"fine@remote.test"])))
        self.assertEqual(sorted(set(self.lab.remote.refused)),
                         sorted(self.lab.remote.refused))

    def test_login_on_the_machine(self):
        for number in range(LIMIT - 1):
            self.submit(f"dead{number}@remote.test", "fine@remote.test")
        self.refused(LIMIT - 1)
        self.assertEqual(self.agent.listed("local"), [])
        size = len(self.lab.log())
        self.submit("dead-last@remote.test")
        until(lambda: self.agent.has(b"nobody", "local"), what="the login to be listed")
        size = len(self.lab.log())
        self.submit("fine@remote.test")
        queue_id = self.queue_id(size, "nobody")
        self.assertTrue(self.lab.is_frozen(queue_id), self.lab.log())
        self.assertIn("X-Submitted-By: nobody", self.lab.headers(queue_id))
        # By SMTP on its standard input too; root's mail isn't held back.
        size = len(self.lab.log())
        self.lab.exim("-bs", stdin=b"EHLO x\r\nMAIL FROM:<me@lab.example>\r\n"
                      b"RCPT TO:<fine@remote.test>\r\nDATA\r\nSubject: x\r\n\r\n.\r\nQUIT\r\n",
                      user="nobody", group="nogroup", extra_groups=[])
        queue_id = self.queue_id(size, "nobody")
        self.assertTrue(self.lab.is_frozen(queue_id), self.lab.log())
        self.assertIn("X-Submitted-By: nobody", self.lab.headers(queue_id))
        size = len(self.lab.log())
        self.lab.exim("-i", "fine@remote.test", stdin=b"Subject: x\n\nx\n")
        self.assertFalse(self.lab.is_frozen(self.queue_id(size, "root")))
        # Freed by hand.
        (self.agent.lists / "blocked_local_users").write_bytes(b"")
        size = len(self.lab.log())
        self.submit("fine@remote.test")
        self.assertFalse(self.lab.is_frozen(self.queue_id(size, "nobody")))


if __name__ == "__main__":
    unittest.main()
