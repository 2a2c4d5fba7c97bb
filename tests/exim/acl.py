"""What conf/exim's ACLs do around the main job: when a block is seen, what state a list may be in,
and how long a HELO may be. The lists are written here by hand, so no agent is needed."""

import unittest

from lab import Lab
from world import until

LISTS = ("blocked_authenticated_users", "blocked_relay_users")


class Acl(unittest.TestCase):
    def lab(self, variant="reject", **more):
        lab = Lab(variant, **more)
        self.addCleanup(lab.close)
        lab.lists.mkdir(parents=True)
        self.users, self.hosts = (lab.lists / name for name in LISTS)
        return lab

    def test_listed_while_the_body_is_under_way(self):
        """The last RCPT has asked the list, which was there and empty: only DATA's ACL can know."""
        for variant in ("reject", "accept-and-log"):
            with self.subTest(variant=variant):
                lab = self.lab(variant)
                for path in (self.users, self.hosts):
                    path.write_bytes(b"")
                for user, more in ((b"alice", {}), (None, {"source": "192.0.2.77",
                                                          "server": "192.0.2.65"})):
                    client = self.enterContext(lab.client(user, **more))
                    self.assertEqual(client.mail(), 250)
                    self.assertEqual(client.rcpt(b"valid@remote.test"), 250)
                    self.assertEqual(client.command(b"DATA")[0], 354)
                    client.sock.sendall(b"Subject: x\r\n\r\nhalf")
                    with open(self.users if user else self.hosts, "ab") as out:
                        out.write(b"alice: now\n" if user else b"192.0.2.77: now\n")
                    code, lines = client.command(b"\r\n.")
                    self.assertEqual(code, 250)
                    self.assertTrue(lab.is_frozen(lines[-1].split(b"id=")[1].decode()))
                lab.close()

    def test_an_append_is_seen_at_the_next_recipient(self):
        lab = self.lab()
        self.users.write_bytes(b"somebody: else\n")
        with lab.client(b"alice") as client:
            self.assertEqual(client.mail(), 250)
            self.assertEqual(client.rcpt(b"dead1@remote.test"), 550)
            with open(self.users, "ab") as out:
                out.write(b"alice: now\n")
            self.assertEqual(client.rcpt(b"dead2@remote.test"), 250)
            self.assertNotIn(b"dead2@remote.test", lab.remote.refused)

    def test_bdat_is_frozen_too(self):
        lab = self.lab()
        self.users.write_bytes(b"alice: now\n")
        with lab.client(b"alice") as client:
            self.assertEqual(client.mail(), 250)
            self.assertEqual(client.rcpt(b"valid@remote.test"), 250)
            text = b"Subject: x\r\n\r\nx\r\n"
            client.sock.sendall(b"BDAT %d LAST\r\n" % len(text) + text)
            code, lines = client.reply()
            self.assertEqual(code, 250)
            self.assertTrue(lab.is_frozen(lines[-1].split(b"id=")[1].decode()))

    def test_states_of_a_list(self):
        lab = self.lab()
        states = {b"": False, b"# alice\n": False, b"\n\n": False, b" alice\n": False,
                  b"bob: x\n": False, b"alice": True, b"ALICE: x": True, b"bob\nalice\n": True,
                  b"alice # by hand\r\n": True, b"bob: x\n  more\nalice:\n": True,
                  b"alice.smith: x\n": False, b"alic: x\n": False, None: False}
        for content, frozen in states.items():
            with self.subTest(content=content), lab.client(b"alice") as client:
                if content is None:
                    self.users.unlink()
                else:
                    self.users.write_bytes(content)
                self.assertEqual(lab.is_frozen(client.message([b"valid@remote.test"])), frozen)
                self.assertNotIn(b"temporarily rejected", lab.log())

    def test_a_list_that_exim_cannot_read(self):
        """Known, and why the agent looks after the rights: it stops the mail of every user, and of
        nobody else."""
        lab = self.lab()
        self.users.write_bytes(b"")
        self.users.chmod(0o600)
        with lab.client(b"alice") as client:
            self.assertEqual(client.mail(), 250)
            self.assertEqual(client.rcpt(b"valid@remote.test"), 451)
        with lab.client(source="192.0.2.77", server="192.0.2.65") as client:
            self.assertFalse(lab.is_frozen(client.message([b"valid@remote.test"])))
        with lab.client(source="203.0.113.5", server="192.0.2.65") as client:
            client.message([b"me@lab.example"])

    def test_helo(self):
        for selector in ("", "+all"):
            with self.subTest(selector=selector):
                lab = self.lab(log_selector=selector)
                with lab.client(b"alice", helo=b"x" * 255) as client:
                    client.message([b"valid@remote.test"])
                for length in (256, 8200, 16000):
                    with lab.client(helo=None) as client:
                        self.assertEqual(client.command(b"EHLO " + b"x" * length)[0], 550)
                        self.assertEqual(client.auth(b"alice"), 503)
                    words = b"HELO of %d bytes refused from [127.0.0.1]" % length
                    until(lambda: words in lab.log(), what="the line")
                log = lab.log()
                self.assertNotIn(b"overflow", log)
                self.assertLess(max(map(len, log.splitlines())), 2000)
                lab.close()

    def test_local_submission_by_smtp_is_not_a_relay(self):
        """exim -bs has no host: the ACL for relays passes it by."""
        lab = self.lab()
        self.hosts.write_bytes(b"\"\": x\n*: x\n")
        answers = lab.exim("-bs", stdin=b"EHLO x\r\nMAIL FROM:<me@lab.example>\r\n"
                           b"RCPT TO:<valid@remote.test>\r\nDATA\r\nSubject: x\r\n\r\n.\r\n"
                           b"QUIT\r\n")
        queue_id = answers.split(b"id=")[1].split()[0].decode()
        self.assertFalse(lab.is_frozen(queue_id))


if __name__ == "__main__":
    unittest.main()
