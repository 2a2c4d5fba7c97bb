"""The systemd side of conf/, as far as it can be judged without a running systemd."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

CONF = pathlib.Path(os.environ["EXIWARDEN_SOURCE"]) / "conf"
ANALYZE = shutil.which("systemd-analyze")


@unittest.skipUnless(ANALYZE, "no systemd-analyze here")
class UnitFile(unittest.TestCase):
    def setUp(self):
        directory = self.enterContext(tempfile.TemporaryDirectory())
        self.unit = pathlib.Path(directory, "exiwarden.service")
        text = (CONF / "exiwarden.service").read_text()
        self.assertIn("\nExecStart=/usr/bin/exiwarden run\n", text)
        # verify wants the program to be there
        self.unit.write_text(text.replace("/usr/bin/exiwarden", os.environ["EXIWARDEN"]))

    def add_drop_in(self):
        target = self.unit.with_name("exiwarden.service.d") / "queue.conf"
        target.parent.mkdir()
        shutil.copy(CONF / "exiwarden-queue.conf", target)

    def test_no_complaint(self):
        self.complaints()
        self.add_drop_in()
        self.complaints()

    def complaints(self):
        done = subprocess.run([ANALYZE, "verify", "--man=no", self.unit], capture_output=True,
                              text=True)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_exposure(self):
        done = subprocess.run([ANALYZE, "security", "--offline=true", "--no-pager", self.unit],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        score = re.search(r"Overall exposure level for exiwarden\.service: ([0-9.]+)", done.stdout)
        print(score.group(0))
        self.assertLessEqual(float(score.group(1)), 1.5)

    @unittest.skipUnless(os.geteuid() == 0, "only root gives files away")
    def test_user_and_directories(self):
        root = self.enterContext(tempfile.TemporaryDirectory())
        pathlib.Path(root, "etc").mkdir()
        for tool, option, name in (("systemd-sysusers", [], "exiwarden.sysusers"),
                                   ("systemd-tmpfiles", ["--create"], "exiwarden.tmpfiles")):
            if name == "exiwarden.tmpfiles":
                with open(pathlib.Path(root, "etc", "group"), "a", encoding="ascii") as group:
                    group.write("Debian-exim:x:107:\n")
            done = subprocess.run([tool, *option, f"--root={root}", CONF / name],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
        members = pathlib.Path(root, "etc", "group").read_text()
        self.assertRegex(members, r"(?m)^adm:.*:exiwarden$")
        user = re.search(r"(?m)^exiwarden:x:(\d+):(\d+):",
                         pathlib.Path(root, "etc", "passwd").read_text())
        uid, gid = int(user.group(1)), int(user.group(2))
        state = os.stat(pathlib.Path(root, "var/lib/exiwarden"))
        lists = os.stat(pathlib.Path(root, "var/lib/exiwarden/exim"))
        self.assertEqual((state.st_uid, state.st_gid, state.st_mode & 0o7777), (uid, gid, 0o711))
        self.assertEqual((lists.st_uid, lists.st_gid, lists.st_mode & 0o7777), (uid, 107, 0o2750))


if __name__ == "__main__":
    unittest.main()
