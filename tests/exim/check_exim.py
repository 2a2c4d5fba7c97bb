"""check and init beside a real Exim: what they say of it is what it does."""

import grp
import json
import os
import subprocess
import unittest

from agent import EXIWARDEN
from lab import CONFIG, Lab
from world import EXIM

_CONFIG = """\
[log]
paths = ["{directory}/log/mainlog"]
[relay]
hosts = ["192.0.2.64/26", "2001:db8:1::/48"]
[state]
directory = "{directory}/state"
[notify]
to = ["abuse@lab.example"]
smtp = "127.0.0.1:25"
"""


class Check(unittest.TestCase):
    def setUp(self):
        self.lab = self.enterContext(Lab())
        self.lab.lists.mkdir(parents=True)
        self.config = self.lab.directory / "exiwarden.toml"
        self.config.write_text(_CONFIG.format(directory=self.lab.directory))

    def check(self, *arguments):
        """Exit code and what was found."""
        done = subprocess.run([EXIWARDEN, "check", "-c", self.config, "-o", "jsonl", *arguments], cwd="/",
                              capture_output=True, check=False, timeout=120)
        self.assertIn(done.returncode, (0, 1), done)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    def said(self, findings, verdict):
        return "\n".join(f["what"] for f in findings if f["verdict"] == verdict)

    def users(self, content):
        path = self.lab.lists / "blocked_authenticated_users"
        path.write_bytes(content)
        path.chmod(0o644)

    def test_a_sound_pair(self):
        for variant in ("nobody listed", "somebody listed"):
            with self.subTest(variant):
                self.users(b"" if variant == "nobody listed" else b"john doe: no\n\"john doe\": yes\n")
                code, findings = self.check()
                self.assertEqual(code, 0, self.said(findings, "BAD"))
                good = self.said(findings, "ok")
                for name in ("users", "relay"):
                    self.assertRegex(good, f"the ACL looks up .*blocked_.*{name}")
                self.assertIn("Exim writes what log.paths names", good)
        # Nothing of it has reached the log or the queue.
        self.assertNotIn(b"exiwarden-check", self.lab.log())
        self.assertEqual(self.lab.exim("-bpc").strip(), b"0")

    def test_an_acl_without_the_lookup(self):
        text = CONFIG.read_text().splitlines()
        CONFIG.write_text("\n".join(line for line in text if "rcpt-reject" not in line and
                                    "data.conf" not in line) + "\n")
        code, findings = self.check()
        self.assertEqual(code, 1)
        self.assertRegex(self.said(findings, "BAD"), "the ACL does not look up .*authenticated_users")
        self.assertRegex(self.said(findings, "BAD"), "the ACL does not look up .*relay_users")

    def test_an_acl_that_changes_the_key(self):
        self.users(b"Alice.Smith: x\n")
        own = ("  accept authenticated = *\n"
               "         condition = ${lookup{${sg{$authenticated_id}{\\N\\W.*$\\N}{}}}lsearch"
               f"{{{self.lab.lists}/blocked_authenticated_users}}{{yes}}{{no}}}}\n")
        lines = [own if "rcpt-reject" in line else "" if "data.conf" in line else line
                 for line in CONFIG.read_text().splitlines()]
        CONFIG.write_text("\n".join(lines) + "\n")
        code, findings = self.check()
        self.assertEqual(code, 1)
        self.assertRegex(self.said(findings, "BAD"), "finds user Alice.Smith not in it")

    def test_who_is_tried(self):
        """Never a host that no list is asked about; nobody for a list that SMTP does not ask; any name for one that
        is made of others."""
        self.users(b"alice: x\n")
        self.config.write_text(_CONFIG.format(directory=self.lab.directory).replace(
            'hosts = ["192', 'hosts = ["127.0.0.0/8", "::1", "192') +
            '[[identity_map]]\nidentity = "user"\nregex = "^mallory$"\nrewrite = "alice"\n'
            '[[rule]]\nname = "authenticated"\nidentity = "user"\n[[rule]]\nname = "relay"\nidentity = "relay"\n'
            '[[rule]]\nname = "local"\nidentity = "local"\n')
        CONFIG.write_text("EXIWARDEN_AUTH_KEY = x$authenticated_id\n" + CONFIG.read_text())
        code, findings = self.check()
        self.assertEqual(code, 0, self.said(findings, "BAD"))
        good = self.said(findings, "ok")
        self.assertRegex(good, r"blocked_relay_users \(tried host 192\.0\.2\.64\)")
        self.assertRegex(good, r"blocked_authenticated_users \(tried user alice\)")
        self.assertNotIn("blocked_local_users (tried", good)

    def test_the_secret_of_the_tag(self):
        """Exim and the configuration name one file, or it is said that they do not."""
        secret, other = self.lab.directory / "tag.secret", self.lab.directory / "other.secret"
        for path in (secret, other):
            path.write_text("x" * 40 + "\n")
            path.chmod(0o440)
            os.chown(path, 0, grp.getgrnam("Debian-exim").gr_gid)
        base = _CONFIG.format(directory=self.lab.directory)
        for named, verdict, what in (
                (secret, "ok", f"{secret}: Exim .*can read it, others can't"),
                (other, "BAD", f"Exim's EXIWARDEN_TAG_SECRET is {secret}, not {other}"),
                (None, "warn", f"lines are tagged by {secret}, but log.tag_secret_file is not set")):
            with self.subTest(named=named):
                self.config.write_text(base.replace("[relay]", f'tag_secret_file = "{named}"\n[relay]') if named
                                       else base)
                _, findings = self.check()
                self.assertRegex(self.said(findings, verdict), what)
                self.assertEqual([f["verdict"] for f in findings if f["about"] == "tag"], [verdict])
        secret.unlink()
        _, findings = self.check()
        self.assertEqual([f for f in findings if f["about"] == "tag"], [])

    def test_a_notice_is_sent(self):
        code, findings = self.check("--send-test")
        self.assertEqual(code, 0, self.said(findings, "BAD"))
        self.assertIn("was accepted", self.said(findings, "ok"))

    def test_init_writes_what_exim_said(self):
        path = self.lab.directory / "new.toml"
        done = subprocess.run([EXIWARDEN, "init", "--exim", EXIM, "--write", path], cwd="/", capture_output=True,
                              text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        text = path.read_text()
        self.assertIn(f'paths = ["{self.lab.directory}/log/mainlog"]', text)
        self.assertIn('"192.0.2.64/26", "2001:db8:1::/48", "127.0.0.0/8", "::1"', text)
        self.assertIn('user = "Debian-exim"', text)
        self.assertIn('to = ["postmaster@mx.lab.example"]', text)
        self.assertIn("acl_rcpt", done.stdout)  # the ACL to paste into, by its name here
        done = subprocess.run([EXIWARDEN, "check", "-c", path, "--config-only"], cwd="/", capture_output=True,
                              check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
