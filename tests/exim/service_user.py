"""The main job with the rights that conf gives: an ordinary user without capabilities, who can gain
none; of group adm, with the directories of conf/exiwarden.tmpfiles, or Exim's own user, as in
conf/exiwarden-queue.conf."""

import grp
import os
import pwd
import unittest

from agent import Agent
from lab import Lab
from world import until

LIMIT = 10
USERS = ("nobody", "Debian-exim")  # the first stands for exiwarden, which isn't installed here


class ServiceUser(unittest.TestCase):
    def test_main_job(self):
        for name in USERS:
            with self.subTest(user=name):
                self.main_job(pwd.getpwnam(name))

    def main_job(self, user):
        groups = "--init-groups" if user.pw_name == "Debian-exim" else "--groups=adm"
        run_as = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", groups,
                  "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all")
        exim = grp.getgrnam("Debian-exim").gr_gid
        with Lab() as lab:
            state = lab.directory / "state"
            for path, group, mode in ((state, user.pw_gid, 0o711), (state / "exim", exim, 0o2750)):
                path.mkdir()
                os.chown(path, user.pw_uid, group)
                path.chmod(mode)
            with lab.client() as client:  # so that there is a log, of Exim's own making
                client.command(b"NOOP")
            self.assertEqual(lab.mainlog.stat().st_gid, grp.getgrnam("adm").gr_gid)
            with Agent(lab.directory, LIMIT, ("smtp",), run_as=run_as) as agent:
                for turn in range(2):
                    with lab.client(b"alice") as alice:
                        self.assertEqual(alice.mail(), 250)
                        self.assertEqual(set(alice.rcpts([b"dead%d@remote.test" % number for number
                                                          in range(LIMIT)])), {550})
                        until(lambda: agent.has(b"alice"), what="alice to be listed")
                        self.assertTrue(lab.is_frozen(alice.message([b"valid@remote.test"])))
                    path = agent.lists / "blocked_authenticated_users"
                    found = path.stat()
                    self.assertEqual((found.st_uid, found.st_gid, found.st_mode & 0o7777),
                                     (user.pw_uid, exim, 0o640))
                    until(lambda: lab.mailbox("abuse").count("user alice blocked") == turn + 1,
                          what="the notice")
                    path.unlink()
                    # What comes before it is seen would belong to the block, not to a fresh window.
                    until(lambda: agent.errors.read_text().count("is free again") == turn + 1,
                          what="alice to be free")
                # On a slow machine she may be freed while the queue is still looked through, which is said too.
                self.assertEqual([line for line in agent.errors.read_text().splitlines()
                                  if "is free again" not in line and "freed meanwhile" not in line], [])
            self.assertTrue(any(path.is_file() for path in state.iterdir()), "no checkpoint")


if __name__ == "__main__":
    unittest.main()
