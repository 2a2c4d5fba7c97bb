"""A private corner of the machine for one test process: its own network and its own /etc/exim4.

Other files here may rely on: every port is free, nothing but the loopback exists, any address of
192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 and 2001:db8::/32 can be used by clients and servers
without being one of the machine's own (no interface has it), and Exim reads /etc/exim4/exim4.conf,
which is ours alone. All of it is gone when the process ends, however it ends."""

import ctypes
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time
import unittest

EXIM = "/usr/sbin/exim4"
# As a regular expression; longer from 4.97 on.
MESSAGE_ID = r"\b\w{6}-\w{6}(?:\w{5})?-\w{2}(?:\w{2})?\b"
NETWORKS = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
_CLONE_NEWNS, _CLONE_NEWNET = 0x20000, 0x40000000
_entered = False


class Unfit(Exception):
    """This machine can't run the tests with a real Exim; the text says what is missing."""


def enter():
    """Once per process, before threads start. Raises Unfit; without root the test is skipped, and says so."""
    global _entered
    if _entered:
        return
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root: Exim drops its privileges otherwise")
    if not os.access(EXIM, os.X_OK):
        raise Unfit(f"no {EXIM}: apt-get install exim4-daemon-heavy")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS | _CLONE_NEWNET) != 0:
        raise Unfit(f"no namespaces of our own here: {os.strerror(ctypes.get_errno())}")
    _run("mount", "--make-rprivate", "/")
    with tempfile.TemporaryDirectory() as debian:  # its files stay, but as copies
        shutil.copytree("/etc/exim4", debian, dirs_exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", "mode=755", "exim-test", "/etc/exim4")
        shutil.copytree(debian, "/etc/exim4", dirs_exist_ok=True)
    pathlib.Path("/etc/exim4/exim4.conf").unlink(missing_ok=True)
    _run("ip", "link", "set", "lo", "up")
    for network in NETWORKS:
        _run("ip", "route", "add", "local", network, "dev", "lo")
    _entered = True


def scratch_directory():
    """Passable by all, and in memory: Exim syncs its spool for each message."""
    directory = tempfile.mkdtemp(prefix="exiwarden-exim-")
    _run("mount", "-t", "tmpfs", "-o", "mode=755", "exim-test", directory)
    return pathlib.Path(directory)


def remove(directory):
    _run("umount", "-l", str(directory))
    directory.rmdir()


def _run(*argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise Unfit(f"{' '.join(argv)}: {done.stderr.strip()}")


def until(condition, seconds=30, what="a condition", pause=0.01):
    """The first true value of condition(), asked again and again; AssertionError at the deadline.
    The one place where tests here wait for something that can't be waited for directly."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what}")
        select.select([], [], [], pause)
