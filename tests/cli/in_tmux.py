"""Every command as a person sees it: in tmux, 80 columns by 24 lines. No line is wrapped, none is coloured with
NO_COLOR, and what colours and bars say stands there in words and figures too."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

from admin_case import PROGRAM, AdminCase, refusals, wait_until

TMUX = shutil.which("tmux")
WHO = "first.second-name@mail.example.org"
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


@unittest.skipUnless(TMUX, "no tmux here")
class InTmux(AdminCase):
    CONFIG = ('[exim]\nbinary = "/no/such/exim"\n'
              '[[rule]]\nname = "users"\nidentity = "user"\nlimit = 20\nwatch = "50%"\nblock_for = ["1h", "1d"]\n')

    def setUp(self):
        super().setUp()
        self.screens = 0
        # Paths as short as a site's are.
        short = tempfile.mkdtemp(prefix="x", dir="/tmp")
        self.addCleanup(shutil.rmtree, short)
        os.chmod(short, 0o755)
        self.home, self.log, self.config = short, short + "/mainlog", short + "/x.toml"
        self.users = short + "/state/exim/blocked_authenticated_users"
        self.configure()
        self.append_log(refusals(WHO, 25, name="long-name-" * 2) + refusals("bob", 15) + refusals("eve", 20, ago=4000))
        service = self.start_service()
        wait_until(lambda: self.listed(), "somebody to be listed")
        self.stop_service(service)
        line = refusals(WHO, 1).decode().rstrip("\n")
        self.commands = [
            ("--help",), ("status", "--help"), ("list",), ("status",), ("check",), ("check", "--config-only"),
            ("explain", line), ("explain", "--who", WHO, self.log), ("replay", self.log), ("tune", self.log),
            ("evidence", "--logs-only", WHO, self.log), ("init", "--exim", self.pretend_exim()), ("block", "carol"),
            ("unblock", "carrol"), ("list", "nobody"), ("stauts",), ("unblock", "carol")]

    def pretend_exim(self):
        path = self.home + "/exim"
        with open(path, "w", encoding="ascii") as out:
            out.write("#!/bin/sh\ncase $* in *configure_file) echo /etc/exim/exim.conf;; *+relay*) exit 1;;\n"
                      "*) echo log_file_path = /var/log/exim4/%slog; echo exim_user = Debian-exim;; esac\n")
        os.chmod(path, 0o755)
        return path

    def screen(self, words, env=()):
        """What stands in the terminal after the command: (lines as they are, lines with wrapped ones joined), both
        with their escapes, and the number of the lines that were printed."""
        config = () if words[0] in ("--help", "init", "stauts") or "--help" in words else ("-c", self.config)
        script = (f"stty -echo; clear; {shlex.join([PROGRAM, words[0], *config, *words[1:]])}; "
                  f"touch {self.home}/done; cat >/dev/null")
        self.screens += 1
        with open(self.home + "/tmux.conf", "w", encoding="ascii") as out:
            out.write("set -g history-limit 5000\n")
        server = ["tmux", "-L", f"exiwarden-{os.getpid()}-{self.id()}-{self.screens}", "-f", self.home + "/tmux.conf"]
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", **dict(env)}
        for name in ("COLUMNS", "TMUX", "NO_COLOR"):
            if name not in dict(env):
                environment.pop(name, None)
        subprocess.run([*server, "new-session", "-d", "-x", "80", "-y", "24", "sh", "-c", script], check=True,
                       env=environment, timeout=60)
        try:
            wait_until(lambda: os.path.exists(self.home + "/done"), f"the end of {words}")
            os.unlink(self.home + "/done")

            def capture(*options):
                return subprocess.run([*server, "capture-pane", "-p", "-e", "-S", "-", *options], check=True,
                                      capture_output=True, text=True, timeout=60).stdout.rstrip("\n").split("\n")
            return capture(), capture("-J")
        finally:
            subprocess.run([*server, "kill-server"], check=False, timeout=60)

    def test_80_columns(self):
        for words in self.commands:
            with self.subTest(words[0]):
                as_is, joined = self.screen(words)
                wrapped = [line for line in joined if len(ESCAPE.sub("", line)) > 80]
                # What is to be copied stays whole: a command, a line of TOML.
                self.assertEqual([line for line in wrapped if not line.startswith("    exiwarden ") and
                                  not re.match(r"(list|paths|sendmail) = ", line) and " = [" not in line], [])
                if words[-1] == "--help":
                    self.assertLessEqual(len(as_is), 24)

    def test_no_colour(self):
        for words in self.commands:
            if words[0] in ("block", "unblock"):
                continue
            with self.subTest(words[0]):
                plain, _ = self.screen(words, (("NO_COLOR", "1"),))
                self.assertNotRegex("\n".join(plain), ESCAPE)
                for line in plain:
                    # Bars and marks have their figure or word beside them.
                    if not line.isascii():
                        self.assertRegex(line, r"[0-9A-Za-z]")

    def test_colour_says_nothing_of_its_own(self):
        for words in (("list",), ("status",), ("check",)):
            with self.subTest(words[0]):
                coloured, _ = self.screen(words)
                plain, _ = self.screen(words, (("NO_COLOR", "1"),))
                self.assertRegex("\n".join(coloured), ESCAPE)
                moment = re.compile(r"\d\d:\d\d:\d\d|\b\d+ (s|min|h) ago")
                self.assertEqual([moment.sub("", ESCAPE.sub("", line)).rstrip() for line in coloured],
                                 [moment.sub("", line).rstrip() for line in plain])


if __name__ == "__main__":
    unittest.main()
