"""The whole job with a real Exim, in both variants of the ACL: a hundred recipients that don't
exist, the list, the frozen mail, the notice, and the way back."""

import time
import unittest

from agent import Agent
from lab import Lab
from world import until

LIMIT = 100
RELAYS = ("192.0.2.77", "2001:db8:1::7")


def dead(start, count):
    return [b"dead%d@remote.test" % number for number in range(start, start + count)]


def missing(count):
    return [b"missing%d@lab.example" % number for number in range(count)]


class Job:
    """variant and transport: given by the classes below."""

    def setUp(self):
        self.refused = 550 if self.variant == "reject" else 250
        self.lab = self.enterContext(Lab(self.variant))
        # Own addresses are among relay.hosts, as on many hosts: they must not be charged for it.
        self.agent = self.enterContext(Agent(self.lab.directory, LIMIT, (self.transport,),
                                             almost=True))

    def try_dead(self, client, recipients, sender=b"me@lab.example"):
        self.assertEqual(client.command(b"RSET")[0], 250)
        self.assertEqual(client.mail(sender), 250)
        self.assertEqual(set(client.rcpts(recipients)), {self.refused})

    def notices(self, about):
        return [text for text in self.lab.mailbox("abuse").split("\nFrom MAILER-DAEMON")
                if f" {about} blocked: {LIMIT} refused recipients" in text]

    def test_user(self):
        lab, agent = self.lab, self.agent
        alice = self.enterContext(lab.client(b"alice"))
        bob = self.enterContext(lab.client(b"bob"))
        self.try_dead(bob, dead(0, 1))
        self.try_dead(alice, dead(0, LIMIT - 1))
        until(lambda: agent.has(b"alice", "almost"), what="the 99th to be counted")
        self.assertFalse(agent.has(b"alice"))
        before = time.monotonic()
        self.assertEqual(alice.rcpt(b"dead%d@remote.test" % LIMIT), self.refused)
        answered = time.monotonic()
        until(lambda: agent.has(b"alice"), what="alice to be listed", pause=0)
        listed = time.monotonic()
        print(f"{self.variant}: listed {1000 * (listed - answered):.2f} ms after Exim's answer, "
              f"{1000 * (listed - before):.2f} ms after the command", flush=True)

        # The message under way, in a transaction that has asked the list before.
        self.assertEqual(alice.rcpt(b"valid@remote.test"), 250)
        first = alice.data()[1]
        # The next of the session, with a header of the client's own making.
        second = alice.message([b"valid@remote.test"],
                               text=b"X-Authenticated-As: bob\r\nSubject: x\r\n\r\nx\r\n")
        # A recipient that doesn't exist is taken now: evidence, and no more verification.
        third = alice.message([b"dead777@remote.test"])
        for queue_id in (first, second, third):
            self.assertTrue(lab.is_frozen(queue_id), lab.log())
            mine = [h for h in lab.headers(queue_id) if h.startswith("X-Authenticated-As:")]
            self.assertEqual(mine, ["X-Authenticated-As: alice"])
        self.assertNotIn(b"dead777@remote.test", lab.remote.refused)

        free = bob.message([b"valid@remote.test"], text=b"Subject: bob's\r\n\r\nx\r\n")
        until(lambda: any(b"bob's" in text for _, text in lab.remote.messages), what="bob's mail")
        self.assertIn(f"{free} Completed", until(
            lambda: lab.log().decode() if b"%b Completed" % free.encode() in lab.log() else "",
            what="the end of bob's mail"))
        self.assertFalse(any(b"alice" in text for _, text in lab.remote.messages))

        until(lambda: self.notices("user alice"), what="the notice")
        notice, = self.notices("user alice")
        self.assertIn("\nAuto-Submitted: auto-generated\n", notice)
        self.assertEqual([line.split(b":")[0] for line in agent.listed()], [b"alice"])

        # Freed by an editor, blocked by a hundred new ones; then by deleting the file.
        for way in (self.delete_line, self.delete_file):
            way(b"alice")
            fresh = self.enterContext(lab.client(b"alice"))
            self.assertFalse(lab.is_frozen(fresh.message([b"valid@remote.test"])))
            self.try_dead(fresh, dead(1000, LIMIT - 1))
            until(lambda: agent.has(b"alice", "almost"), what="99 new ones")
            self.assertFalse(agent.has(b"alice"), way.__name__)
            self.assertEqual(fresh.rcpt(b"dead0@remote.test"), self.refused)
            until(lambda: agent.has(b"alice"), what="alice to be listed again")
            self.assertTrue(lab.is_frozen(fresh.message([b"valid@remote.test"])))
        until(lambda: len(self.notices("user alice")) == 3, what="a notice for each block")

    def delete_line(self, key):
        for path in self.agent.lists.iterdir():  # as editors do: a new file under the old name
            lines = path.read_bytes().splitlines(keepends=True)
            new = path.with_name(path.name + "~")
            new.write_bytes(b"".join(line for line in lines if not line.startswith(key + b":")))
            new.chmod(0o644)
            new.rename(path)

    def delete_file(self, key):
        for path in self.agent.lists.iterdir():
            path.unlink()

    def test_relay_hosts(self):
        lab, agent = self.lab, self.agent
        with lab.client(source="192.0.2.78") as other:
            self.try_dead(other, missing(1))
        for number, host in enumerate(RELAYS):
            server = "2001:db8:1::25" if ":" in host else "192.0.2.65"
            with lab.client(source=host, server=server) as client:
                self.try_dead(client, missing(LIMIT // 2) + dead(0, LIMIT - LIMIT // 2))
                until(lambda: len(agent.listed("relay")) == number + 1, what=f"{host} listed")
                self.assertTrue(agent.has(host.encode(), "relay"))
                frozen = client.message([b"valid@remote.test"],
                                        text=b"X-Relayed-From: 192.0.2.1\r\n\r\nx\r\n")
                self.assertTrue(lab.is_frozen(frozen))
                mine = [h for h in lab.headers(frozen) if h.startswith("X-Relayed-From:")]
                self.assertEqual(mine, [f"X-Relayed-From: {host}"])
            until(lambda: self.notices(f"relay {host}"), what="the notice")
        with lab.client(source="192.0.2.78") as other:
            self.assertFalse(lab.is_frozen(other.message([b"valid@remote.test"])))
        # The same from here: refused by the rules that follow, charged to nobody.
        with lab.client() as own:
            self.assertEqual(own.mail(), 250)
            self.assertEqual(set(own.rcpts(missing(LIMIT + 1))), {550})
        # What anybody outside tries isn't charged to a host.
        with lab.client(source="203.0.113.5", server="192.0.2.65") as outside:
            self.assertEqual(outside.mail(), 250)
            self.assertEqual(set(outside.rcpts(missing(LIMIT + 1))), {550})
        with lab.client(b"bob") as bob:
            self.try_dead(bob, dead(0, LIMIT))
        until(lambda: agent.has(b"bob"), what="bob, whose lines come last")
        self.assertEqual(len(agent.listed("relay")), len(RELAYS))

        # A freed host too takes a hundred new ones.
        agent_list = agent.lists / "blocked_relay_users"
        agent_list.unlink()
        with lab.client(source=RELAYS[0], server="192.0.2.65") as client:
            self.try_dead(client, missing(LIMIT - 1))
            queue_id = client.message([b"valid@remote.test"])
            self.assertFalse(lab.is_frozen(queue_id))
            self.try_dead(client, missing(1))
            until(lambda: agent.has(RELAYS[0].encode(), "relay"), what="the host, again")


class Reject(Job, unittest.TestCase):
    variant, transport = "reject", "smtp"


class Count(Job, unittest.TestCase):
    variant, transport = "accept-and-log", "sendmail"


class Notices(unittest.TestCase):
    def test_notices_are_not_counted(self):
        """The abuse desk's own address doesn't exist: the notice is refused, and charges nobody."""
        with Lab() as lab, Agent(lab.directory, 1, ("smtp",), to="missing@lab.example") as agent:
            with lab.client(b"alice") as alice:
                self.assertEqual((alice.mail(), alice.rcpt(b"dead1@remote.test")), (250, 550))
            until(lambda: b"rejected RCPT <missing@lab.example>" in lab.log(), what="refusal")
            with lab.client(b"bob") as bob:
                self.assertEqual((bob.mail(), bob.rcpt(b"dead2@remote.test")), (250, 550))
            until(lambda: agent.has(b"bob"), what="bob, whose line comes later")
            self.assertEqual(agent.listed("relay"), [])
            # Whoever looks why no mail came is told what the server said.
            until(lambda: "Unrouteable address" in agent.errors.read_text(), what="the reason")


if __name__ == "__main__":
    unittest.main()
