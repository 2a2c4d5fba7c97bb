"""Overrides, exempt files and identity maps: run, replay, tune, explain, status and the lists say the same."""

import json
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

    def test_a_file_that_is_not_there_is_said(self):
        self.configure(CONFIG.format(home=self.home + "/nowhere"))
        done = self.expect(78, "replay", self.log)
        self.assertIn(b"exempt.user_files: ", done.stderr)
        self.assertIn(b"/nowhere/exempt", done.stderr)
        self.assertEqual(self.run_program("check").returncode, 78)


if __name__ == "__main__":
    unittest.main()
