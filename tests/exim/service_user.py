"""The main job with the rights that conf/exiwarden.service and conf/exiwarden.tmpfiles give: an
ordinary user of group adm, without capabilities, who can gain none."""

import grp
import os
import pwd
import unittest

from agent import Agent
from lab import Lab
from world import until

LIMIT = 10
USER = pwd.getpwnam("nobody")  # stands for exiwarden, which isn't installed here
SETPRIV = ("setpriv", f"--reuid={USER.pw_uid}", f"--regid={USER.pw_gid}", "--groups=adm",
           "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all")


class ServiceUser(unittest.TestCase):
    def test_main_job(self):
        exim = grp.getgrnam("Debian-exim").gr_gid
        with Lab() as lab:
            state = lab.directory / "state"
            for path, group, mode in ((state, USER.pw_gid, 0o711), (state / "exim", exim, 0o2750)):
                path.mkdir()
                os.chown(path, USER.pw_uid, group)
                path.chmod(mode)
            with lab.client() as client:  # so that there is a log, of Exim's own making
                client.command(b"NOOP")
            self.assertEqual(lab.mainlog.stat().st_gid, grp.getgrnam("adm").gr_gid)
            with Agent(lab.directory, LIMIT, ("smtp",), run_as=SETPRIV) as agent:
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
                                     (USER.pw_uid, exim, 0o640))
                    until(lambda: lab.mailbox("abuse").count("user alice blocked") == turn + 1,
                          what="the notice")
                    path.unlink()
                self.assertEqual([line for line in agent.errors.read_text().splitlines()
                                  if "is free again" not in line], [])
            self.assertTrue(any(path.is_file() for path in state.iterdir()), "no checkpoint")


if __name__ == "__main__":
    unittest.main()
