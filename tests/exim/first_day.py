"""conf/first-day.md, as it stands there: Debian's Exim and the package in a clean root, every command with all it
says. With FIRST_DAY=write the transcript is written anew. systemctl is played by this file: no systemd runs here."""

import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import world
from clean_root import SOURCE, make_package
from debian_site import DebianSite
from mail_client import Client
from remote import RemoteHost
from world import until

PAGE = SOURCE / "conf" / "first-day.md"
SYSTEMCTL = "/usr/local/sbin/systemctl"
REMOTE = "198.51.100.25"  # the mail host of remote.test

# Says of the unit with its drop-ins what systemd would; of all else it takes a note.
_SYSTEMCTL = r"""#!/bin/sh
case "$1" in --root*) exec /usr/bin/systemctl "$@" ;; esac # the package's scripts
if [ "$1" != show ]; then echo "$*" >> /tmp/systemctl; exit; fi
unit=/usr/lib/systemd/system/exiwarden.service
if [ -e $unit ]; then echo LoadState=loaded; else echo LoadState=not-found; exit; fi
cat $unit /etc/systemd/system/exiwarden.service.d/*.conf 2>/dev/null | awk -F = '
  /^(ReadWritePaths|IPAddress(Allow|Deny)|SupplementaryGroups)=/ { all[$1] = all[$1] " " $2; next }
  /^[A-Z][A-Za-z]*=/ { all[$1] = $2 }
  END { for (name in all) print name "=" all[name] }'
"""

# What differs from run to run.
_VOLATILE = (
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d)?", "TIME"),
    (r"\b(\d+ (s|min|h) ago|now)\b", "AGO"),
    (world.MESSAGE_ID, "ID"),
    (r"Created symlink '?(\S+?)'? → '?(?:/usr)?(\S+?)'?\.$", r"Created symlink \1 → \2."),  # systemd 252, 257
    (r"\b[0-9a-f]{64}\b", "DIGEST"),
    (r"\bmainlog:\d+", "mainlog:LINE"),
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
        self.root = self.enterContext(DebianSite("split"))
        shutil.copy(make_package(packages, "1"), self.root.path / "root")
        self.remote = RemoteHost(lambda local: b"550 5.1.1 User unknown" if local.startswith(b"dead") else None,
                                 REMOTE, 25)
        self.addCleanup(self.remote.close)
        self.service = None
        self.root.write("/etc/exim4/hubbed_hosts", f"remote.test: {REMOTE}\n")
        self.root.write("/etc/apt/apt.conf.d/99plain", 'Dpkg::Use-Pty "0";\n')
        self.root.write(SYSTEMCTL, _SYSTEMCTL)
        self.root.run("chmod", "755", SYSTEMCTL)
        self.root.start_exim()

    def mainlog(self):
        return self.root.read("/var/log/exim4/mainlog") if self.root.has("/var/log/exim4/mainlog") else ""

    # --- what stands in for systemd
    def systemctl(self, words):
        if words == "reload exim4":
            before = self.mainlog().count("SMTP on ")
            self.root.daemon.send_signal(signal.SIGHUP)
            until(lambda: self.mainlog().count("SMTP on ") > before, what="Exim to have started again")
            until(self.root.answers, what="Exim to listen")
        elif words == "enable --now exiwarden":
            unit = dict(line.split("=", 1) for line in self.root.run(SYSTEMCTL, "show").splitlines())
            self.root.run("chown", "-R", f"{unit['User']}:{unit['Group']}", "/var/lib/exiwarden")  # its StateDirectory
            self.service = self.root.start(
                "setpriv", f"--reuid={unit['User']}", f"--regid={unit['Group']}", "--init-groups", "exiwarden", "run",
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.addCleanup(self.service.stdout.close)
            self.addCleanup(self.service.wait, 60)
            self.addCleanup(self.service.terminate)
            until(lambda: self.root.has("/var/lib/exiwarden/checkpoint"), what="the service to have begun")
        elif words == "disable --now exiwarden":
            self.service.terminate()
            self.assertEqual(self.service.wait(60), 0)
        elif words not in ("daemon-reload", "try-restart exiwarden"):
            self.fail(f"no systemctl {words}")

    def run_command(self, command):
        done = subprocess.run(
            ["chroot", self.root.path, "sh", "-c",
             "cd /root; exec 2>&1\n" + command],
            cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False, timeout=300,
            env={"PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"})
        asked = self.root.path / "tmp/systemctl"
        if asked.exists():
            for words in asked.read_text().splitlines():
                self.systemctl(words)
            asked.unlink()
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
