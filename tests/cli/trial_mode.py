"""Rules on trial: they decide and tell, and no list, no release and no exit code knows of them."""
import json
import os
import unittest

from admin_case import AdminCase, refusals, wait_until

RULES = '''
[exim]
freeze_queued = false
[notify]
to = ["abuse@example.org"]
transports = ["none"]
[[rule]]
name = "authenticated"
identity = "user"
limit = 20
[[rule]]
name = "low limit"
identity = "user"
mode = "trial"
limit = 5
'''


class Trial(AdminCase):
    CONFIG = RULES

    def test_the_service_tells_and_lists_nobody(self):
        self.append_log(refusals("bob", 8) + refusals("eve\x1b", 3))
        self.start_service()
        wait_until(lambda: self.records("list", code=None), "a trial")
        wait_until(lambda: b"trial of rule low limit" in self.read(self.home + "/said"), "the word of it")
        self.assertNotIn(b"bob", self.listed())
        (row,) = self.records("list")
        self.assertEqual({key: row[key] for key in ("list", "rule", "identity", "mode", "count", "identity_kind")},
                         {"list": "", "rule": "low limit", "identity": "bob", "mode": "trial", "count": 5,
                          "identity_kind": "user"})
        self.assertTrue(row["until"])
        said = self.expect(0, "list").stdout
        self.assertIn(b"1 on trial by rule low limit: blocked in no list", said)
        self.assertIn(b"nobody blocked", said)
        self.assertEqual(self.expect(0, "list", "--ids").stdout, b"")
        self.assertEqual([r["identity"] for r in self.records("list", "--rule", "low limit", "BOB")], ["bob"])
        self.expect(1, "list", "--rule", "authenticated", "bob")
        self.expect(1, "unblock", "bob")
        about = [r for r in self.records("status", code=None) if r["about"] == "trial"]
        self.assertEqual(about, [{"about": "trial", "rule": "low limit", "standing": 1}])
        self.assertIn(b"1 by rule low limit, which blocks nobody", self.expect(None, "status").stdout)
        # Both rules on the same events: the other one is as far as it would be alone.
        self.append_log(refusals("bob", 12, ago=1))
        wait_until(lambda: b"bob" in self.listed(), "the block by the other rule")
        self.assertEqual(sorted(r["mode"] for r in self.records("list")), ["block", "trial"])

    def test_replay_says_which_decisions_are_trials(self):
        self.append_log(refusals("bob", 8))
        (row,) = self.records("replay", self.log)
        self.assertEqual((row["rule"], row["mode"], row["count"]), ("low limit", "trial", 5))
        self.expect(0, "replay", "--fail-on-block", self.log)
        self.assertIn(b"Rule low limit (user, on trial): 1 reached 5 in 1h", self.expect(0, "replay", self.log).stdout)
        self.append_log(refusals("bob", 12, ago=1))
        self.expect(1, "replay", "--fail-on-block", self.log)

    def test_explain_names_the_trial(self):
        line = refusals("bob", 1).decode().strip()
        row = self.records("explain", "--", line)[0]
        self.assertIn("low limit (on trial, 5 in 1h)", json.dumps(row))

    def test_a_trial_has_no_watch_level(self):
        self.configure(RULES.replace("limit = 5", 'limit = 5\nwatch = "50%"'))
        self.assertIn(b"rule[2].watch", self.expect(78, "check", "--config-only").stderr)

    def test_no_list_is_made_for_it(self):
        self.append_log(refusals("bob", 1))
        self.configure(RULES.replace("limit = 20", 'limit = 20\nmode = "trial"'))
        service = self.start_service()
        wait_until(lambda: os.path.exists(self.home + "/state/checkpoint"), "a checkpoint")
        self.stop_service(service)
        self.assertFalse(os.path.exists(self.users))


if __name__ == "__main__":
    unittest.main()
