"""conf/first-day.md, as it stands there: Debian's Exim and the package in a clean root that systemd
runs, every command with all it says. With FIRST_DAY=write the transcript is written anew."""

import ctypes
import os
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

import world
from booted_site import BootedSite
from clean_root import SOURCE, make_package
from mail_client import Client
from remote import RemoteHost
from world import until

PAGE = SOURCE / "conf" / "first-day.md"
REMOTE = "198.51.100.25"  # the mail host of remote.test

# What differs from run to run.
_VOLATILE = (
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d)?", "TIME"),
    (r"\b(\d+ (s|min|h) ago|now)\b", "AGO"),
    (world.MESSAGE_ID, "ID"),
    (r"Created symlink '?(\S+?)'? → '?(?:/usr)?(\S+?)'?\.$", r"Created symlink \1 → \2."),  # systemd 252, 257
    (r"\b[0-9a-f]{64}\b", "DIGEST"),
    (r"^(Removed) ['\"](\S+)['\"]\.$", r"\1 \2."),
    (r"\bmainlog:\d+", "mainlog:LINE"),
    (r"\bread \d+ lines", "read N lines"),  # some more where Exim starts by its old script
    (r"(byte|of|bytes?) \d[\d,]*", r"\1 N"),
    (r"\d+ files and directories", "N files and directories"),
    (r"exiwarden_[0-9.]+-1_\w+\.deb|\(?\b\d+\.\d+\.\d+-1\)?", "VERSION"),
    (r"^ *\d+[smh] +\d[\d.]*K? ", "AGE SIZE "),
    (r"\b[GU]ID \d+", "NUMBER"),
    (r"\b\d+ to go", "N to go"),
    (r"  \d+$", "  SIZE"),
    (r"(\S)  +", r"\1  "),  # columns are as wide as what stands in them
)
# What a machine may have or not: man-db, apt-utils, and packages that nobody needs.
_ASIDE = re.compile(r"^(Processing triggers for|debconf: delaying).*\n", re.MULTILINE)
# A machine whose clock nobody keeps is told so; that is no part of the story.
_CLOCK = re.compile(r"warn  machine the clock is not synchronised\n +-> run chrony or systemd-timesyncd\n((?:.*\n)*)"
                    r"OK, 2 warnings\n")


def plain(text):
    text = _CLOCK.sub(r"ok    machine the clock is synchronised\n\1OK, 1 warning\n", _ASIDE.sub("", text))
    for pattern, word in _VOLATILE:
        text = re.sub(pattern, word, text, flags=re.MULTILINE)
    return text.splitlines()


def transcript(page):
    """The page in parts: (kind, text) with kind "prose", "act" (a comment that names one) or "command", whose text is
    (command, what it says)."""
    parts, inside = [], False
    for line in page.splitlines(keepends=True):
        if line.startswith("```"):
            inside = not inside
            parts.append(("prose", line))
        elif inside and line.startswith("# "):
            parts.append(("command", [line[2:], ""]))
        elif inside and line.startswith("> "):
            parts[-1][1][0] += line[2:]
        elif inside:
            parts[-1][1][1] += line
        elif found := re.fullmatch(r"<!-- (\w+) -->\n", line):
            parts += [("act", found.group(1)), ("prose", line)]
        else:
            parts.append(("prose", line))
    return parts


class FirstDay(unittest.TestCase):
    def setUp(self):
        world.enter()
        if ctypes.CDLL(None).unshare(0x4000000) != 0:  # CLONE_NEWUTS
            raise world.Unfit("no host name of our own here")
        socket.sethostname("mail.lab.example")
        packages = self.enterContext(tempfile.TemporaryDirectory())
        self.root = self.enterContext(BootedSite("split"))
        shutil.copy(make_package(packages, "1"), self.root.path / "root")
        self.remote = RemoteHost(lambda local: b"550 5.1.1 User unknown" if local.startswith(b"dead") else None,
                                 REMOTE, 25)
        self.addCleanup(self.remote.close)
        self.root.write("/etc/exim4/hubbed_hosts", f"remote.test: {REMOTE}\n")
        self.root.write("/etc/apt/apt.conf.d/99plain", 'Dpkg::Use-Pty "0";\n')
        self.root.write("/etc/hostname", "mail.lab.example\n")
        self.root.boot()
        self.root.run("systemctl", "start", "exim4")
        until(self.root.answers, what="Exim to listen")

    def mainlog(self):
        return self.root.read("/var/log/exim4/mainlog") if self.root.has("/var/log/exim4/mainlog") else ""

    def run_command(self, command):
        begun = self.mainlog().count("SMTP on ")
        done = subprocess.run(
            self.root.inside("sh", "-c", "cd /root; exec 2>&1\n" + command), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True, check=False, timeout=300,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"})
        if "reload exim4" in command:  # which only sends it a signal
            until(lambda: self.mainlog().count("SMTP on ") > begun, what="Exim to have started again")
            until(self.root.answers, what="Exim to listen")
        return done.stdout

    # --- what happens between the commands
    def spam(self):
        with Client("192.0.2.25", source="203.0.113.7") as thief:
            self.assertEqual(thief.auth(b"alice"), 235)
            for number in range(2):
                thief.message([b"friend%d@remote.test" % number], b"alice@lab.example")
            until(lambda: len(self.remote.messages) == 2, what="two messages to be delivered")
            self.assertEqual(thief.mail(b"alice@lab.example"), 250)
            self.assertEqual(set(thief.rcpts([b"dead%d@remote.test" % number for number in range(100)])), {550})
            listed = "/var/lib/exiwarden/exim/blocked_authenticated_users"
            until(lambda: self.root.has(listed) and self.root.read(listed).startswith("alice:"), what="alice's block")
            thief.message([b"friend2@remote.test"], b"alice@lab.example")
        until(lambda: "=> desk" in self.mainlog(), what="the notice")
        until(lambda: "to be sent" not in self.root.run("exiwarden", "status"), what="the notice's end to be saved")
        until(lambda: "Message is frozen" in self.mainlog(), what="Exim to have looked at that message")
        until(lambda: self.root.run("exim4", "-bpc").strip() == "1", what="the queue to hold that message alone")

    def delivered(self):
        until(lambda: len(self.remote.messages) == 3, what="the third message to be delivered")

    def test_it(self):
        write = os.environ.get("FIRST_DAY") == "write"
        out = ""
        for kind, text in transcript(PAGE.read_text()):
            if kind == "act":
                getattr(self, text)()
            elif kind == "prose":
                out += text
            else:
                command, expected = text
                said = self.run_command(command)
                out += "# " + "> ".join(command.splitlines(keepends=True)) + said
                if not write:
                    with self.subTest(command):
                        self.assertEqual(plain(said), plain(expected))
        if write:
            PAGE.write_text(out)


if __name__ == "__main__":
    unittest.main()
