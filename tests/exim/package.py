"""The Debian package: built by one command, installed, upgraded, run, removed and purged in a clean root."""

import datetime
import shutil
import signal
import stat
import subprocess
import tempfile
import unittest

from clean_root import SOURCE, CleanRoot, make_package
from world import until

LIST = "/var/lib/exiwarden/exim/blocked_authenticated_users"
CONFIG = "/etc/exiwarden/exiwarden.toml"


class Package(unittest.TestCase):
    def setUp(self):
        self.packages = self.enterContext(tempfile.TemporaryDirectory())
        self.root = self.enterContext(CleanRoot())

    def owner_and_mode(self, path):
        found = (self.root.path / path.lstrip("/")).stat()
        names = [self.root.run("getent", kind, str(number)).split(":")[0]
                 for kind, number in (("passwd", found.st_uid), ("group", found.st_gid))]
        return ":".join(names), stat.S_IMODE(found.st_mode)

    def test_life_of_a_package(self):
        root = self.root
        first, second = (make_package(self.packages, revision) for revision in ("1", "2"))
        if shutil.which("lintian"):
            done = subprocess.run(["lintian", "--allow-root", first], capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout), (0, ""))

        with tempfile.TemporaryDirectory() as elsewhere:
            again = make_package(elsewhere, "1")
            for name in (first.name, first.name.replace("exiwarden_", "exiwarden-dbgsym_")):
                self.assertEqual((again.parent / name).read_bytes(), (first.parent / name).read_bytes(), name)

        root.run("dpkg", "-i", root.take(first))
        self.assertEqual(self.owner_and_mode("/var/lib/exiwarden"), ("exiwarden:exiwarden", 0o711))
        self.assertEqual(self.owner_and_mode("/var/lib/exiwarden/exim"), ("exiwarden:Debian-exim", 0o2750))
        self.assertIn("adm", root.run("id", "-nG", "exiwarden").split())
        self.assertIn(root.run("exiwarden", "--version").split()[1], first.name)
        for path in ("man/man8/exiwarden.8.gz", "man/man5/exiwarden.toml.5.gz", "exiwarden/exim/rcpt-reject.conf",
                     "bash-completion/completions/exiwarden", "zsh/vendor-completions/_exiwarden"):
            self.assertTrue(root.has("/usr/share/" + path), path)
        # Enabled, but idle until there is a configuration.
        self.assertTrue(root.has("/etc/systemd/system/multi-user.target.wants/exiwarden.service"))
        self.assertIn(f"\nConditionPathExists={CONFIG}\n", root.read("/usr/lib/systemd/system/exiwarden.service"))
        self.assertFalse(root.has(CONFIG))

        root.run("exiwarden", "init", "--write", CONFIG)
        root.run("exiwarden", "check", "--config-only")
        self.run_it()
        listed, config = root.read(LIST), root.read(CONFIG)

        root.run("dpkg", "-i", root.take(second))
        self.assertIn("-2", root.run("dpkg-query", "-Wf", "${Version}", "exiwarden"))
        self.assertEqual((root.read(LIST), root.read(CONFIG)), (listed, config))
        self.assertIn("alice", root.run("exiwarden", "list"))

        root.run("dpkg", "-r", "exiwarden")
        self.assertFalse(root.has("/usr/bin/exiwarden"))
        self.assertEqual((root.read(LIST), root.read(CONFIG)), (listed, config))
        self.assertTrue(root.has("/var/lib/exiwarden/checkpoint"))
        root.run("dpkg", "-P", "exiwarden")
        self.assertFalse(root.has("/etc/exiwarden"))
        self.assertFalse(root.has("/var/lib/exiwarden/checkpoint"))
        self.assertFalse(root.has("/etc/systemd/system/multi-user.target.wants/exiwarden.service"))
        # Nobody is freed by the way.
        self.assertEqual(root.read(LIST), listed)

    def run_it(self):
        """The service, as the unit runs it: with its user, its group and adm, reading Debian's log."""
        log = self.root.path / "var/log/exim4/mainlog"
        log.write_text("")
        self.root.run("chown", "Debian-exim:adm", "/var/log/exim4/mainlog")
        log.chmod(0o640)
        service = self.root.start("setpriv", "--reuid=exiwarden", "--regid=exiwarden", "--init-groups",
                                  "exiwarden", "run", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(service.stdout.close)
        self.addCleanup(service.kill)
        now = datetime.datetime.now()
        with open(log, "a", encoding="ascii") as out:
            for number in range(100):
                out.write(f"{now:%Y-%m-%d %H:%M:%S} H=(c) [198.51.100.7] F=<a@lab.example> A=plain:alice rejected RCPT "
                          f"<x{number}@example.com>: Unrouteable address\n")
        until(lambda: self.root.has(LIST) and self.root.read(LIST).startswith("alice: "), what="alice in the list")
        service.send_signal(signal.SIGTERM)
        self.assertEqual(service.wait(60), 0, service.stdout.read())
        # Exim's user reads it, and nobody else.
        self.assertEqual(self.owner_and_mode(LIST), ("exiwarden:Debian-exim", 0o640))

    def test_scripts_have_no_faults(self):
        if not shutil.which("shellcheck"):
            self.skipTest("no shellcheck here")
        scripts = [SOURCE / "conf" / "package.sh", SOURCE / "conf" / "try.sh", SOURCE / "conf" / "packages.sh",
                   SOURCE / "tests" / "run.sh", SOURCE / "tests" / "other_release.sh",
                   *(SOURCE / "conf" / "debian" / name for name in ("postinst", "prerm", "postrm"))]
        done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))


if __name__ == "__main__":
    unittest.main()
