"""Signals of stolen accounts from end to end: who is decided on, by what, and what is said of it."""
import unittest

from admin_case import AdminCase

AT = "2026-11-23 11:%02d:%02d "

RULES = '''
[relay]
hosts = ["192.0.2.0/24"]
[[rule]]
name = "networks"
identity = "user"
signals = ["accepted"]
count = "networks"
limit = 4
[[rule]]
name = "passwords"
identity = "host"
signals = ["auth_failed"]
count = "ids"
limit = 3
'''


def arrivals(user, hosts):
    return "".join(AT % (number // 60, number % 60) + f"1xVRqH-0001{number:02d}-2t <= {user}@x.test H=(h) [{host}] "
                   f"P=esmtpa A=plain:{user} S=1 for v@y.test\n" for number, host in enumerate(hosts))


class StolenAccounts(AdminCase):
    CONFIG = RULES

    def write_log(self, text):
        self.append_log(text.encode())

    def test_networks_and_their_lines(self):
        self.write_log(arrivals("bob", ["198.51.100.1", "198.51.100.2", "203.0.113.1", "198.18.0.1", "198.51.100.3",
                                        "2001:db8::1"]))
        (row,) = self.records("replay", self.log)
        self.assertEqual((row["rule"], row["identity"], row["count"]), ("networks", "bob", 4))
        rows = self.records("explain", "--who", "bob", self.log)
        self.assertEqual([(one["line"], one["value"]) for one in rows],
                         [(3, "203.0.113.0/24"), (4, "198.18.0.0/24"), (5, "198.51.100.0/24"), (6, "2001:db8::/48")])
        said = self.expect(0, "explain", "--who", "bob", self.log).stdout
        self.assertIn(b"203.0.113.0/24", said)
        rows = self.records("events", self.log)
        self.assertEqual([(one["kind"], one["recipients"]) for one in rows], [("accepted", 1)] * 6)
        self.assertIn(b"1 reached 4 networks in 1h", self.expect(0, "replay", self.log).stdout)
        self.assertIn(b"(user, counts networks)", self.expect(0, "tune", self.log).stdout)

    def test_failed_logins_block_an_address(self):
        for number, claim in enumerate(("root", "ROOT", "admin", "x\x1b[31m) [192.0.2.1]: 535 y (set_id=eve")):
            self.write_log(AT % (0, number) + "plain authenticator failed for (h) [203.0.113.8]: 535 Incorrect "
                           f"authentication data (set_id={claim})\n")
        (row,) = self.records("replay", self.log)
        self.assertEqual((row["rule"], row["identity_kind"], row["identity"], row["count"]),
                         ("passwords", "host", "203.0.113.8", 3))
        rows = self.records("explain", "--who", "203.0.113.8", self.log)
        self.assertEqual([(one["line"], one["value"]) for one in rows],
                         [(2, "ROOT"), (3, "admin"), (4, "x\x1b[31m) [192.0.2.1]: 535 y (set_id=eve")])
        self.assertNotIn(b"\x1b[31m", self.expect(0, "explain", "--who", "203.0.113.8", self.log).stdout)

    def test_the_list_of_hosts_is_one_that_exim_reads_by_address(self):
        self.expect(0, "block", "--rule", "passwords", "2001:db8:1:2ff::9")
        (row,) = self.records("list", "--rule", "passwords")
        self.assertEqual((row["identity_kind"], row["identity"]), ("host", "2001:db8:1:200::/56"))
        self.expect(0, "unblock", "2001:db8:1:201::1")


if __name__ == "__main__":
    unittest.main()
