"""status --watch in tmux, at 80x24 and 200x50, with and without colours: what it shows, and what it leaves behind."""

import os
import re
import shlex
import shutil
import subprocess
import unittest

from admin_case import PROGRAM, AdminCase, refusals, wait_until

TMUX = shutil.which("tmux")
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


class WithoutTerminal(AdminCase):
    def test_it_needs_a_terminal(self):
        self.configure()
        for words, env in (((), {}), (("-o", "jsonl"), {}), (("--farm",), {})):
            with self.subTest(words):
                done = subprocess.run([PROGRAM, "status", "-c", self.config, "--watch", *words], capture_output=True,
                                      check=False, timeout=60, env={**os.environ, **env})
                self.assertEqual(done.returncode, 64, done)
                self.assertEqual(done.stdout, b"")
                self.assertIn(b"--watch", done.stderr)


@unittest.skipUnless(TMUX, "no tmux here")
class Watch(AdminCase):
    CONFIG = ('[exim]\nbinary = "/no/such/exim"\n'
              '[[rule]]\nname = "users"\nidentity = "user"\nlimit = 20\nblock_for = ["1h", "1d"]\n')

    def setUp(self):
        super().setUp()
        self.configure()
        self.append_log(refusals("bob", 15) + refusals("eve\\033[2Jx", 12))
        self.service = self.start_service()

    def tmux(self, *words):
        return subprocess.run([*self.server, *words], check=True, capture_output=True, text=True, timeout=60).stdout

    def screen(self):
        return self.tmux("capture-pane", "-p", "-e").rstrip("\n").split("\n")

    def start(self, columns, rows, env):
        self.server = ["tmux", "-L", f"exiwarden-watch-{os.getpid()}-{columns}-{len(env)}", "-f", "/dev/null"]
        command = shlex.join([PROGRAM, "status", "-c", self.config, "--watch"])
        script = f"trap : INT; echo before; {command}; echo code=$?; stty -a | grep -ow -e -echo -e echo; cat"
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
        for name in ("COLUMNS", "TMUX", "NO_COLOR"):
            environment.pop(name, None)
        subprocess.run([*self.server, "new-session", "-d", "-x", str(columns), "-y", str(rows), "sh", "-c", script],
                       check=True, env={**environment, **env}, timeout=60)
        self.addCleanup(lambda: subprocess.run([*self.server, "kill-server"], check=False, capture_output=True,
                                               timeout=60))

    def shows(self, text):
        return any(text in ESCAPE.sub("", line) for line in self.screen())

    def test_it(self):
        number = 0
        for columns, rows in ((80, 24), (200, 50)):
            for env in ({}, {"NO_COLOR": "1"}):
                with self.subTest(columns=columns, env=env):
                    self.start(columns, rows, env)
                    wait_until(lambda: self.shows("15 of 20 in 1h  user bob"), "the windows")
                    self.assertTrue(self.shows("Ctrl-C ends"))
                    self.assertFalse(self.shows("before"))
                    self.assertTrue(any(re.search(r"#+\.+ +15 of 20", ESCAPE.sub("", line)) for line in self.screen()))
                    number += 1
                    self.append_log(refusals(f"new{number}", 25))
                    wait_until(lambda: self.shows(f"new{number}  20 in 1h (users)"), "the new block")
                    for line in self.screen():
                        self.assertLessEqual(len(ESCAPE.sub("", line)), columns)
                    self.assertEqual(bool(ESCAPE.search("\n".join(self.screen()))), not env)
                    self.tmux("resize-window", "-x", "60", "-y", "15")
                    wait_until(lambda: self.shows("last blocked") and len(self.screen()) <= 15, "the smaller screen")
                    self.tmux("send-keys", "C-c")
                    wait_until(lambda: self.shows("code=0"), "the end")
                    wait_until(lambda: self.shows("echo"), "what stty says")
                    self.assertTrue(self.shows("before"))
                    self.assertFalse(self.shows("-echo"))
                    self.assertFalse(self.shows("Ctrl-C ends"))
                    self.assertEqual(self.tmux("display-message", "-p", "#{cursor_flag}#{wrap_flag}").strip(), "11")
                    self.tmux("kill-server")
        self.stop_service(self.service)


if __name__ == "__main__":
    unittest.main()
