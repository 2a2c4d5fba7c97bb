"""What people read fits a terminal of 80 columns, is coloured only there, and never with NO_COLOR."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import unicodedata
import unittest

from admin_case import AdminCase, PROGRAM, refusals, wait_until

WHO = "first.second-name@mail.example.org"
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class AtTerminal(AdminCase):
    CONFIG = '[[rule]]\nname = "users"\nidentity = "user"\nlimit = 20\nwatch = "50%"\nblock_for = ["1h", "1d"]\n'

    def on_terminal(self, *words, env=None, columns=80):
        """Exit code and what stood on the screen."""
        terminal, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        env = {**os.environ, "TERM": "xterm", **(env or {})}
        env.pop("COLUMNS", None)
        process = subprocess.Popen([PROGRAM, words[0], "-c", self.config, *words[1:]], stdout=other, stderr=other,
                                   stdin=subprocess.DEVNULL, env=env)
        os.close(other)
        text = b""
        while True:
            select.select([terminal], [], [], 60)
            try:
                got = os.read(terminal, 65536)
            except OSError:
                break
            if not got:
                break
            text += got
        os.close(terminal)
        return process.wait(60), text.decode().replace("\r\n", "\n")

    def test_every_command(self):
        self.append_log(refusals(WHO, 25, name="long-name-" * 2) + refusals("bob", 15) + refusals("eve", 20, ago=4000))
        service = self.start_service()
        wait_until(lambda: len(self.listed().splitlines()) >= 1, "somebody to be listed")
        self.stop_service(service)
        line = refusals(WHO, 1, name="n" * 20).decode().rstrip("\n")
        # Not events, which is one line each.
        for words in (("list",), ("status",), ("check",), ("explain", line), ("replay", self.log),
                      ("tune", self.log), ("evidence", WHO, self.log), ("evidence", "--logs-only", WHO, self.log), ("explain", "--who", WHO, self.log),
                      ("block", "carol"),
                      ("unblock", "carrol"), ("unblock", WHO)):
            with self.subTest(words[0]):
                _, text = self.on_terminal(*words)
                # A progress line is rewritten in place; of it, what stands there last counts.
                for shown in ESCAPE.sub("", text).split("\n"):
                    shown = shown.rsplit("\r", 1)[-1]
                    if shown.startswith("    exiwarden "):
                        continue  # a command to paste stays whole
                    # What can't be broken, such as a path, stands alone.
                    if len(shown.split()) > 1 and words[0] not in ("block", "unblock", "status", "tune"):
                        self.assertLessEqual(width(shown), 80, shown)
                    elif max(map(len, shown.split()), default=0) <= 60:
                        self.assertLessEqual(width(shown), 80, shown)

    def test_colours(self):
        self.write_list(self.users, b"bob: x\n")
        for command in ("list", "status", "check"):
            with self.subTest(command):
                self.assertRegex(self.on_terminal(command)[1], ESCAPE)
                for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
                    self.assertNotRegex(self.on_terminal(command, env=env)[1], ESCAPE)
                self.assertNotIn(b"\x1b", self.run_program(command).stdout)
        # What a colour says is said in a word too.
        self.assertRegex(self.on_terminal("check", env={"NO_COLOR": "1"})[1], r"(?m)^(ok|warn|BAD) ")


if __name__ == "__main__":
    unittest.main()
