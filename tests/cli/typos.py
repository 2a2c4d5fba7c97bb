"""Whatever word is mistyped, the answer names the nearest right one."""

import os
import re
import subprocess
import unittest
from pathlib import Path

from admin_case import PROGRAM, AdminCase, refusals

CONFIG = '[[rule]]\nname = "logins"\nidentity = "user"\nlimit = 3\nlist = "{home}/state/exim/logins"\n'

# words after "exiwarden" (CONFIG and LOG stand for their paths, HOME for their folder), code, what is meant
COMMANDS = [
    (("replya", "LOG"), 64, "replay"),
    (("stauts",), 64, "status"),
    (("--hlep",), 64, "--help"),
    (("--verison",), 64, "--version"),
    (("replay", "--fial-on-block", "LOG"), 64, "--fail-on-block"),
    (("replay", "--outptu=csv", "LOG"), 64, "--output"),
    (("replay", "-o", "josnl", "LOG"), 64, "jsonl"),
    (("replay", "--timezone", "Europe/Belrin", "LOG"), 64, "Europe/Berlin"),
    (("events", "--timezone", "Amerika/New_York", "LOG"), 64, "America/New_York"),
    (("events", "--timezone", "Berlin", "LOG"), 64, "Europe/Berlin"),
    (("replay", "--timezone", "locla", "LOG"), 64, "local"),
    (("events", "--host", "mx-on", "mx-one:LOG"), 64, "mx-one"),
    (("list", "--rule", "logisn"), 64, "logins"),
    (("block", "--rule", "logisn", "x"), 64, "logins"),
    (("list", "--list", "HOME/state/exim/lognis"), 64, "HOME/state/exim/logins"),
    (("list", "carole@example.org"), 1, "carol@example.org"),
    (("unblock", "carole@example.org"), 1, "carol@example.org"),
    (("release", "carole@example.org"), 1, "carol@example.org"),
    (("evidence", "mallori@example.org", "LOG"), 1, "mallory@example.org"),
    (("evidence", "carole@example.org", "LOG"), 1, "carol@example.org"),
    (("replay", "--user", "mallori@example.org", "LOG"), 0, "mallory@example.org"),
    (("tune", "--user", "mallori@example.org", "LOG"), 0, "mallory@example.org"),
    (("events", "--user", "mallori@example.org", "LOG"), 0, "mallory@example.org"),
    (("explain", "--who", "mallori@example.org", "LOG"), 1, "mallory@example.org"),
    (("events", "HOME/mainlgo"), 66, "HOME/mainlog"),
    (("replay", "mx1:HOME/mainlgo"), 66, "mx1:HOME/mainlog"),
    (("events", "-c", "HOME/exiwarden.tmol", "LOG"), 78, "HOME/exiwarden.toml"),
    (("check", "--user", "deamon"), 64, "daemon"),
    (("init", "--exim", "HOME/exmi"), 69, "HOME/exim"),
    (("explain", "--file", "HOME/mainlgo"), 66, "HOME/mainlog"),
]

# a configuration, what is meant
CONFIGS = [
    ("[lgo]\n", "log"),
    ("[[rul]]\n", "rule"),
    ('[log]\npath = ["/x"]\n', "paths"),
    ('[log]\ntimezone = "Europe/Belrin"\n', "Europe/Berlin"),
    ('[log]\ntimezone = "ETC/utc"\n', "Etc/UTC"),
    ('[log]\njunk_helo = "atuo"\n', "auto"),
    ("[exim]\nfreze_queued = true\n", "freeze_queued"),
    ('[exim]\nfreeze_queued = "ture"\n', "true"),
    ('[notify]\ntransports = ["smpt"]\n', "smtp"),
    ('[notify]\nsubject = "{identty}"\n', "{identity}"),
    ('[[rule]]\nname = "a"\nidentity = "usre"\n', "user"),
    ('[[rule]]\nname = "a"\nidentity = "user"\nsignals = ["boucned"]\n', "bounced"),
    ('[[rule]]\nname = "a"\nidentity = "user"\ncount = "recipeints"\n', "recipients"),
    ('[[rule]]\nname = "a"\nidentity = "user"\nblock_for = "forver"\n', "forever"),
    ('[[rule]]\nname = "a"\nidentity = "user"\nblokc_for = "1d"\n', "block_for"),
    ('[[rule]]\nname = "a"\nidentity = "user"\n[[rule.overide]]\nlimit = 1\n', "override"),
    ('[[rule]]\nname = "a"\nidentity = "user"\n[[rule.override]]\nusres = ["x"]\nlimit = 1\n', "users"),
    ('[[identity_map]]\nidentity = "relya"\nfile = "/x"\n', "relay"),
    ('[[pattern]]\nkind = "wanred"\nregex = "(?P<user>x)"\n', "warned"),
    ('[relay]\nhosts = ["192.0.2.1/24"]\n', "192.0.2.0/24"),
]


# where there are few words, all of them are said
ACCEPTED = [
    ("[log]\nsilence_alarm = ture\n", "expected 'true'"),
    ('[[pattern]]\nregex = "(?P<usr>x)"\n', "accepted: user, host, recipient, reason"),
    ('[relay]\nown = ["@[}"]\n', 'accepted: "@[]"'),
    ('[[rule]]\nname = "a"\nidentity = "user"\nperiod = "1hour"\n', "(w d h m s)"),
]


class Typos(AdminCase):
    def setUp(self):
        super().setUp()
        self.configure(CONFIG.format(home=self.home))
        self.append_log(refusals("mallory@example.org", 2))
        self.write_list(self.home + "/state/exim/logins", b"carol@example.org: x\n")
        Path(self.home, "exim").write_text("#!/bin/sh\n")

    def said(self, *words):
        config = () if words[0].startswith("--") or "-c" in words or words[0] == "init" else ("-c", self.config)
        words = [word.replace("LOG", self.log).replace("HOME", self.home) for word in words]
        done = subprocess.run([PROGRAM, words[0], *config, *words[1:]], capture_output=True, text=True, timeout=60,
                              check=False)
        return done.returncode, done.stderr

    def check(self, text):
        Path(self.home, "typed.toml").write_text(text)
        return self.said("check", "--config-only", "-c", "HOME/typed.toml")

    def test_commands(self):
        for words, code, meant in COMMANDS:
            with self.subTest(" ".join(words)):
                if words[:1] == ("release",) or words[:2] == ("check", "--user"):
                    if os.geteuid() != 0:  # Exim's queue and other users' rights are root's
                        continue
                got, said = self.said(*words)
                self.assertIn(f'did you mean "{meant.replace("HOME", self.home)}"?', said)
                self.assertEqual(got, code, said)

    def test_configurations(self):
        for text, meant in CONFIGS:
            with self.subTest(text):
                code, said = self.check(text)
                self.assertEqual(code, 78, said)
                self.assertRegex(said, r'did you mean "?' + re.escape(meant) + r'"?\?')
                self.assertIn("/typed.toml:", said)

    def test_few_words(self):
        for text, meant in ACCEPTED:
            with self.subTest(text):
                code, said = self.check(text)
                self.assertEqual(code, 78)
                self.assertIn(meant, said)

    def test_what_is_like_nothing_gets_no_advice(self):
        for words in (("wurstbrot",), ("events", "--zzz", "LOG"), ("list", "--rule", "wurstbrot"),
                      ("events", "--timezone", "Mars/Olympus", "LOG"), ("evidence", "wurstbrot", "LOG"),
                      ("events", "HOME/wurstbrot")):
            with self.subTest(words):
                self.assertNotIn("did you mean", self.said(*words)[1])


if __name__ == "__main__":
    unittest.main()
