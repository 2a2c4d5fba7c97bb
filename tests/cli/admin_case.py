"""What the tests of the admin's commands share: a scratch directory with a configuration, and the program."""
import datetime
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
import unittest

PROGRAM = os.environ["EXIWARDEN"]
SOURCE = os.environ["EXIWARDEN_SOURCE"]


def wait_until(condition, what, seconds=30):
    """Waits for a condition that another process brings about."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("in vain: " + what)
        select.select([], [], [], 0.02)


def refusals(user, count, host="192.0.2.10", name="nobody", ago=60):
    """Lines of a mainlog in UTC: `user` tries recipients that do not exist, one a second, the last `ago` s ago."""
    end = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=ago)
    lines = []
    for i in range(count):
        stamp = end - datetime.timedelta(seconds=count - 1 - i)
        lines.append(f"{stamp:%Y-%m-%d %H:%M:%S} H=(client.test) [{host}] F=<{user}> A=plain:{user} rejected RCPT "
                     f"<{name}{i}@example.com>: Unrouteable address\n")
    return "".join(lines).encode()


class AdminCase(unittest.TestCase):
    CONFIG = ""

    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="exiwarden-admin-")
        self.addCleanup(shutil.rmtree, self.home)
        os.chmod(self.home, 0o755)
        self.log = self.home + "/mainlog"
        self.config = self.home + "/exiwarden.toml"
        self.users = self.home + "/state/exim/blocked_authenticated_users"
        self.relays = self.home + "/state/exim/blocked_relay_users"
        self.configure()

    def configure(self, extra=None, whole=False):
        """Writes the configuration: `extra` after what each has, or nothing but it."""
        extra = self.CONFIG if extra is None else extra
        with open(self.config, "w", encoding="utf-8") as out:
            out.write("" if whole else f'[log]\npaths = ["{self.log}"]\ntimezone = "UTC"\n'
                      f'[state]\ndirectory = "{self.home}/state"\n')
            out.write(extra)

    def run_program(self, command, *arguments, env=None, stdin=None):
        """The result with stdout and stderr as bytes."""
        return subprocess.run([PROGRAM, command, "-c", self.config, *arguments], capture_output=True, env=env,
                              input=stdin, timeout=60, check=False)

    def expect(self, code, command, *arguments, **more):
        """`code`: None for any."""
        done = self.run_program(command, *arguments, **more)
        if code is not None:
            self.assertEqual(done.returncode, code, done)
        return done

    def records(self, command, *arguments, code=0, **more):
        done = self.expect(code, command, "-o", "jsonl", *arguments, **more)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def write_list(self, path, content):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(content)

    def read(self, path):
        with open(path, "rb") as text:
            return text.read()

    def append_log(self, lines):
        with open(self.log, "ab") as out:
            out.write(lines)

    def start_service(self, *arguments):
        """The service in the background; it is stopped at the end of the test. What it says is in home/said."""
        with open(self.home + "/said", "ab") as said:
            service = subprocess.Popen([PROGRAM, "run", "-c", self.config, *arguments], stdout=said, stderr=said)
        self.addCleanup(self.stop_service, service)
        return service

    def stop_service(self, service):
        if service.poll() is None:
            service.terminate()
        self.assertEqual(service.wait(timeout=60), 0, self.read(self.home + "/said"))

    def listed(self, path=None):
        try:
            return self.read(path or self.users)
        except FileNotFoundError:
            return b""
