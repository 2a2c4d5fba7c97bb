"""What the tests of the admin's commands share: a scratch directory with a configuration, and the program."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["EXIWARDEN"]
SOURCE = os.environ["EXIWARDEN_SOURCE"]


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

    def configure(self, extra=None):
        extra = self.CONFIG if extra is None else extra
        with open(self.config, "w", encoding="utf-8") as out:
            out.write(f'[log]\npaths = ["{self.log}"]\ntimezone = "UTC"\n'
                      f'[state]\ndirectory = "{self.home}/state"\n{extra}')

    def run_program(self, command, *arguments, env=None, stdin=None):
        """The result with stdout and stderr as bytes."""
        return subprocess.run([PROGRAM, command, "-c", self.config, *arguments], capture_output=True, env=env,
                              input=stdin, timeout=60, check=False)

    def expect(self, code, command, *arguments, **more):
        done = self.run_program(command, *arguments, **more)
        self.assertEqual(done.returncode, code, done)
        return done

    def records(self, command, *arguments, code=0):
        done = self.expect(code, command, "-o", "jsonl", *arguments)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def write_list(self, path, content):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(content)

    def read(self, path):
        with open(path, "rb") as text:
            return text.read()
