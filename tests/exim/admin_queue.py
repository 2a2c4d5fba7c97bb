"""A blocked sender's mail in a real queue: frozen, found, thawed, deleted, and nobody else's."""

import json
import re
import subprocess
import unittest

from agent import Agent, EXIWARDEN
from lab import Lab
from world import until

LIMIT = 10


def dead(count, start=0):
    return [b"dead%d@remote.test" % number for number in range(start, start + count)]


class Queue(unittest.TestCase):
    def setUp(self):
        self.lab = self.enterContext(Lab(main="queue_only = true\nhold_domains = *"))

    def start(self, more=""):
        agent = Agent(self.lab.directory, LIMIT, ("none",), more=more)
        self.addCleanup(agent.close)
        return agent

    def kill(self, agent):
        agent.process.kill()
        agent.process.wait(60)
        agent.process = None

    def command(self, *arguments, code=0, stdin=b""):
        done = subprocess.run([EXIWARDEN, arguments[0], "-c", self.lab.directory / "exiwarden.toml", *arguments[1:]],
                              input=stdin, capture_output=True, timeout=120, check=False)
        self.assertEqual(done.returncode, code, done)
        return done

    def send(self, user, count, **more):
        with self.lab.client(user, **more) as client:
            return [client.message([b"valid@remote.test"]) for _ in range(count)]

    def cross(self, user, **more):
        with self.lab.client(user, **more) as client:
            self.assertEqual(client.mail(b"me@lab.example"), 250)
            client.rcpts(dead(LIMIT))

    def frozen(self, ids):
        text = self.lab.exim("-bpr").decode("latin-1")
        return [queue_id for queue_id in ids
                if any(queue_id in line and "*** frozen ***" in line for line in text.splitlines())]

    def test_what_was_accepted_before_the_limit_is_frozen(self):
        agent = self.start()
        alices, bobs = self.send(b"alice", 3), self.send(b"bob", 2)
        relayed = self.send(None, 1, source="192.0.2.77")
        own = self.lab.exim("-odq", "valid@remote.test", stdin=b"Subject: x\n\nx\n")
        self.assertEqual(own, b"")
        self.cross(b"alice")
        until(lambda: agent.has(b"alice"), what="alice to be listed")
        until(lambda: len(self.frozen(alices)) == 3, what="her messages to be frozen")
        self.assertEqual(self.frozen(bobs + relayed), [])
        until(lambda: b"3 messages in the queue frozen" in agent.errors.read_bytes(), what="it to be said")

        self.cross(None, source="192.0.2.77")
        until(lambda: self.frozen(relayed) == relayed, what="the relay's message to be frozen")
        self.assertEqual(self.frozen(bobs), [])

    def test_what_an_admin_thawed_stays_so_after_a_crash(self):
        agent = self.start()
        first, second = self.send(b"alice", 2)
        self.cross(b"alice")
        until(lambda: len(self.frozen([first, second])) == 2, what="both to be frozen")
        self.lab.exim("-Mt", first, second)
        third = self.send(b"bob", 1)
        self.kill(agent)
        again = self.start()
        self.cross(b"bob")
        until(lambda: self.frozen(third) == third, what="bob's to be frozen")
        self.assertEqual(self.frozen([first, second]), [])
        self.assertTrue(again.has(b"alice"))

    def test_a_crash_before_the_freezing(self):
        """The list has the key, the queue was not touched: a new start does it."""
        mine = self.send(b"alice", 2)
        agent = self.start("[exim]\nfreeze_queued = false\n")
        self.cross(b"alice")
        until(lambda: agent.has(b"alice"), what="alice to be listed")
        self.kill(agent)
        self.assertEqual(self.frozen(mine), [])
        self.start()
        until(lambda: len(self.frozen(mine)) == 2, what="her messages to be frozen")

    def test_release(self):
        agent = self.start()
        mine = self.send(b"alice", 2)
        self.cross(b"alice")
        until(lambda: len(self.frozen(mine)) == 2, what="both to be frozen")
        said = self.command("release", "alice").stdout
        self.assertIn(b"freed alice from ", said)
        self.assertIn(b"thawed 2 messages", said)
        self.assertEqual(self.frozen(mine), [])
        self.assertFalse(agent.has(b"alice"))
        self.lab.exim("-qf")
        until(lambda: len(self.lab.remote.messages) == 2, what="the mail to be delivered")
        self.command("release", "alice", code=1)

    def test_delete(self):
        agent = self.start()
        mine, other = self.send(b"alice", 2), self.send(b"bob", 1)
        self.cross(b"alice")
        until(lambda: len(self.frozen(mine)) == 2, what="both to be frozen")
        self.lab.exim("-Mf", *other)
        refused = self.command("unblock", "--delete", "alice", code=1)
        self.assertIn(b"2 frozen messages", refused.stderr)
        self.assertTrue(agent.has(b"alice"))
        self.assertEqual(len(self.frozen(mine)), 2)
        done = self.command("unblock", "-o", "jsonl", "--delete", "--yes", "--list", agent.lists /
                            "blocked_authenticated_users", "--", "alice")
        records = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(sorted(r["message_id"] for r in records if r["change"] == "deleted"), sorted(mine))
        self.assertEqual([r["identity"] for r in records if r["change"] == "freed"], ["alice"])
        self.assertFalse(agent.has(b"alice"))
        self.assertEqual(self.frozen(other), other)
        self.assertNotIn(mine[0].encode(), self.lab.exim("-bpr"))

    def test_the_spool_says_what_exipick_says(self):
        """The program reads Exim's files; one that it does not understand makes it ask exipick."""
        self.start("[exim]\nfreeze_queued = false\n")
        users = [b"alice", b"o'neill", b"a b", b"me@lab.example"]
        ids = {user: self.send(user, 3) for user in users}
        ids[b"192.0.2.77"] = self.send(None, 2, source="192.0.2.77")
        for user in users:
            self.lab.exim("-Mf", *ids[user][:2])
            self.lab.exim("-Mt", ids[user][0])

        def seen():
            return {user: self.command("evidence", "--", user).stdout.decode() for user in ids}

        own = seen()
        for user, mine in ids.items():
            frozen = mine[1:2] if user in users else []
            self.assertIn(f"In Exim's queue on this machine: {len(frozen)} of its messages frozen, "
                          f"{len(mine) - len(frozen)} waiting.", own[user])
            for queue_id in frozen:
                self.assertIn(queue_id, own[user])
        spool = self.lab.directory / "spool" / "input"
        (spool / "1aaaaa-000000-aa-H").write_bytes(b"from a version to come\n")
        asked = seen()
        # exipick of 4.98 takes the first line of the body's file, which names it, for as long as it was before ids
        # grew by 7 bytes: its sizes are so much too large.
        grown = 7 if len(ids[b"alice"][0]) == 23 else 0
        size = re.compile(r"(?m)^(  [0-9A-Za-z-]{16,23}  20.* )(\d+)$")
        for user, text in own.items():
            self.assertEqual(size.sub(r"\1", asked[user]), size.sub(r"\1", text))
            for said, known in zip(size.findall(asked[user]), size.findall(text), strict=True):
                self.assertIn(int(said[1]) - int(known[1]), (0, grown))

    def test_ids_that_mean_something_to_others(self):
        """Nothing of an id is run, split or taken for a pattern on the way to the queue."""
        proof = self.lab.directory / "proof"
        ids = [b"o'neill", b"a b' = c", b'"; @{[system("touch %s")]}' % str(proof).encode(),
               b"${\\ system('touch %s')}" % str(proof).encode(), b"-Mrm", b"*"]
        self.start()
        mine = {user: self.send(user, 1) for user in ids}
        for user in ids:
            self.command("block", "--", user)
            self.lab.exim("-Mf", *mine[user])
        for user in ids:
            with self.subTest(user):
                said = self.command("unblock", "--release", "--exact", "--", user).stdout
                self.assertIn(b"thawed 1 message", said)
                self.assertEqual(self.frozen(mine[user]), [])
        self.assertFalse(proof.exists())


if __name__ == "__main__":
    unittest.main()
