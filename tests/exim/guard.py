"""The spool guard: who is listed is put off once half of the space that was free then is used up."""

import os
import unittest

from agent import Agent
from lab import Lab
from world import until


class Guard(unittest.TestCase):
    def free(self, lab):
        info = os.statvfs(lab.directory / "spool")
        return info.f_bavail * info.f_frsize // 1024

    def write(self, path, *lines):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(line + "\n" for line in lines))
        path.chmod(0o644)

    def first_rcpt(self, lab, user=None, **more):
        with lab.client(user, **more) as client:
            self.assertEqual(client.mail(), 250)
            return client.rcpt(b"valid@remote.test")

    def test_half_is_the_mark(self):
        for variant in ("reject", "accept-and-log"):
            with self.subTest(variant), Lab(variant) as lab:
                free = self.free(lab)
                self.write(lab.lists / "blocked_authenticated_users",
                           f"full: {free * 4} 2026-11-23T11:09:44+01:00 exiwarden rule=x count=3 period=1h",
                           f"roomy: {free * 3 // 2} 2026-11-23T11:09:44+01:00 exiwarden rule=x",
                           f"recipe: {free * 4}", "old: 2026-11-23T11:09:44+01:00 exiwarden rule=x",
                           "year: 99999999x", "bare:")
                self.write(lab.lists / "blocked_relay_users", f"192.0.2.77: {free * 4}", f'192.0.2.78: {free}')
                for user, code in ((b"full", 451), (b"roomy", 250), (b"recipe", 451), (b"old", 250),
                                   (b"year", 250), (b"bare", 250), (b"bob", 250)):
                    self.assertEqual(self.first_rcpt(lab, user), code, user)
                for host, code in (("192.0.2.77", 451), ("192.0.2.78", 250), ("192.0.2.79", 250)):
                    self.assertEqual(self.first_rcpt(lab, source=host), code, host)
                # What is not put off is still frozen.
                with lab.client(b"roomy") as roomy:
                    self.assertTrue(lab.is_frozen(roomy.message([b"valid@remote.test"])))

    def test_the_agent_writes_what_exim_measures(self):
        with Lab() as lab, Agent(lab.directory, 3, ("none",), more="[exim]\nspool_guard = true\n") as agent:
            with lab.client(b"alice") as alice:
                self.assertEqual(alice.mail(), 250)
                alice.rcpts([b"dead%d@remote.test" % n for n in range(3)])
            until(lambda: agent.has(b"alice"), what="alice to be listed")
            measured = int(lab.exim("-be", "$spool_space").split()[-1])
            line, = agent.listed()
            self.assertAlmostEqual(int(line.split()[1]), measured, delta=measured // 10)
            self.assertEqual(self.first_rcpt(lab, b"alice"), 250)
            path = agent.lists / "blocked_authenticated_users"
            path.write_bytes(line.replace(line.split()[1], b"%d" % (measured * 4)) + b"\n")
            self.assertEqual(self.first_rcpt(lab, b"alice"), 451)
            # It is no evidence against anybody.
            self.assertIn(b"temporarily rejected RCPT <valid@remote.test>: exiwarden: spool guard", lab.log())
            self.assertNotIn(b"Frozen", lab.log())


class Mapped(unittest.TestCase):
    def test_an_identity_map_on_both_sides(self):
        """Several ids of one mailbox are one to the agent and to the ACL."""
        macros = "EXIWARDEN_AUTH_KEY = ${sg{$authenticated_id}{\\N\\W.*\\N}{}}"
        with Lab(macros=macros, main="queue_only = true\nhold_domains = *") as lab, \
                Agent(lab.directory, 4, ("none",),
                      more="[[identity_map]]\nidentity = \"user\"\nregex = '\\W.*'\nrewrite = ''\n") as agent:
            with lab.client(b"alice@lab.example") as phone:
                before = phone.message([b"valid@remote.test"])
            for number, user in enumerate((b"alice", b"alice@lab.example", b"alice+phone", b"alice%x")):
                with lab.client(user) as client:
                    self.assertEqual(client.mail(), 250)
                    self.assertEqual(client.rcpt(b"dead%d@remote.test" % number), 550)
            until(lambda: agent.has(b"alice"), what="alice to be listed")
            until(lambda: lab.is_frozen(before), what="her queued mail to be frozen")
            for user, frozen in ((b"alice-new", True), (b"alice", True), (b"bob-alice", False)):
                with lab.client(user) as client:
                    self.assertEqual(lab.is_frozen(client.message([b"valid@remote.test"])), frozen, user)


if __name__ == "__main__":
    unittest.main()
