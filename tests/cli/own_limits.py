"""Overrides, exempt files and identity maps: run, replay, tune, explain, status and the lists say the same."""

import json
import os
import signal
import unittest

from admin_case import AdminCase, refusals, wait_until

CONFIG = """
[exempt]
user_files = ["{home}/exempt"]
[[identity_map]]
identity = "user"
regex = '[@+].*'
rewrite = ''
file = "{home}/names"
[[rule]]
name = "users"
identity = "user"
limit = 5
[[rule.override]]
users = ["big"]
limit = 8
"""


class OwnLimits(AdminCase):
    def setUp(self):
        super().setUp()
        with open(self.home + "/exempt", "w", encoding="utf-8") as out:
            out.write("news@example.org\n")
        with open(self.home + "/names", "w", encoding="utf-8") as out:
            out.write("b.o.b: bob\n")
        self.configure(CONFIG.format(home=self.home))
        # bob under three ids, big under two, and news, who may.
        self.append_log(refusals("bob@example.org", 2, ago=90) + refusals("b.o.b", 2, ago=80) +
                        refusals("big@example.org", 6, ago=70) + refusals("news@example.org", 20, ago=30) +
                        refusals("Bob+phone@example.org", 1, ago=20))

    def test_alike(self):
        replayed = self.records("replay", self.log)
        self.assertEqual([(r["identity"], r["count"], r["limit"]) for r in replayed], [("Bob", 5, 5)])
        blocked = {(r["limit"]): r["identities"] for r in
                   self.records("tune", "--limits", "2,5,6", "--periods", "1h", self.log)}
        self.assertEqual(blocked, {2: ["bob"], 5: ["Bob"], 6: []})
        line = refusals("b.o.b", 1).rstrip(b"\n").decode()
        why, = self.records("explain", line)
        self.assertEqual((why["user"], why["identity"]), ("b.o.b", "bob"))
        self.assertIn('stands for "bob"', why["why"])
        self.assertIn("users (5 in 1h)", why["why"])
        why, = self.records("explain", refusals("big", 1).rstrip(b"\n").decode())
        self.assertIn("users (8 in 1h)", why["why"])
        why, = self.records("explain", refusals("NEWS@example.org", 1).rstrip(b"\n").decode())
        self.assertIn("exempt", why["why"])
        dossier = self.expect(0, "evidence", "bob", self.log).stdout
        self.assertIn(b"5 recipients refused", dossier)

        self.start_service()
        wait_until(lambda: self.listed(), "bob to be listed")
        self.assertEqual(self.listed().split(b":")[0], b"Bob")
        self.append_log(refusals("big", 1, ago=1))
        window = {}

        def seven():
            window.update({r["identity"]: r for r in map(json.loads, self.expect(0, "status", "-o", "jsonl").stdout.splitlines())
                           if r["about"] == "window"})
            return window.get("big", {}).get("count") == 7
        wait_until(seven, "status to show it")
        self.assertEqual(window["big"]["limit"], 8)
        # Who was exempt is so no longer, without a restart.
        with open(self.home + "/exempt", "w", encoding="utf-8") as out:
            out.write("# nobody\n")
        wait_until(lambda: b"read again" in self.read(self.home + "/said"), "the file to be read again")
        self.append_log(refusals("news@example.org", 5, ago=1))
        wait_until(lambda: b"\nnews:" in self.listed(), "news to be listed")

        # An id that stands for another is found by either.
        self.expect(0, "unblock", "b.o.b")
        self.assertNotIn(b"Bob", self.listed())
        self.expect(0, "block", "b.o.b@elsewhere.example")
        self.assertIn(b"\nbob:", self.listed())

    def test_a_pattern_in_a_file_is_said(self):
        with open(self.home + "/exempt", "w", encoding="utf-8") as out:
            out.write("*@example.org: all of them\n")
        self.assertIn(b'"*@example.org" is a pattern, and would exempt nobody; exempt.domains',
                      self.expect(78, "replay", self.log).stderr)

    def test_a_file_that_is_not_there_is_said(self):
        self.configure(CONFIG.format(home=self.home + "/nowhere"))
        done = self.expect(78, "replay", self.log)
        self.assertIn(b"exempt.user_files: ", done.stderr)
        self.assertIn(b"/nowhere/exempt", done.stderr)
        self.assertEqual(self.run_program("check").returncode, 78)


class ExemptDomains(AdminCase):
    """As exempt.users: nobody is counted, decided on or kept waiting for a list."""
    RULE = '[[rule]]\nname = "users"\nidentity = "user"\nlimit = 5\n'
    EXEMPT = '[exempt]\ndomains = ["Example.org"]\n' + RULE

    def setUp(self):
        super().setUp()
        self.configure(self.RULE)
        self.append_log(refusals("news@example.org", 5, ago=60) + refusals("bob@sub.example.org", 5, ago=30))

    def test_everywhere(self):
        self.assertEqual(len(self.records("replay", self.log)), 2)
        os.makedirs(self.users)  # a directory in the place of the list: both wait
        service = self.start_service()

        def waiting():
            return sorted(one["identity"] for one in self.records("status", code=None) if one["about"] == "pending")
        wait_until(lambda: os.path.exists(self.home + "/state/checkpoint") and len(waiting()) == 2, "both to wait")
        self.configure(self.EXEMPT)
        service.send_signal(signal.SIGHUP)
        wait_until(lambda: waiting() == ["bob@sub.example.org"], "news to wait no more")
        os.rmdir(self.users)
        wait_until(lambda: self.listed().startswith(b"bob@sub.example.org:"), "bob to be listed")
        self.assertEqual([one["identity"] for one in self.records("replay", self.log)], ["bob@sub.example.org"])
        why, = self.records("explain", refusals("NEWS@EXAMPLE.ORG", 1).rstrip(b"\n").decode())
        self.assertIn("exempt", why["why"])
        self.append_log(refusals("other@example.org", 7, ago=2) + refusals("eve", 5, ago=1))
        wait_until(lambda: b"\neve:" in self.listed(), "eve to be listed")
        self.assertNotIn(b"other@", self.listed())


if __name__ == "__main__":
    unittest.main()
