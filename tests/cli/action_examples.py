"""What conf/actions holds does what it says, with ids that mean something to shells, patterns and SQL."""

import json
import os
import shutil
import sqlite3
import subprocess
import unittest
from pathlib import Path

from action_runs import ActionCase
from program import DEADLINE, EXIWARDEN, Service, wait_for
from transports import Hook

EXAMPLES = Path(os.environ["EXIWARDEN_SOURCE"]) / "conf" / "actions"
HOSTILE = "x'; DROP TABLE users; --$(touch PROOF)`id`.*"


class Examples(ActionCase):
    def run_example(self, name, *args, event=None, identity="", env=None):
        environment = dict(os.environ, **(env or {}))
        document = {"text": "about " + identity, "events": []}
        if event:
            environment |= {"EXIWARDEN_EVENT": event, "EXIWARDEN_KIND": "user", "EXIWARDEN_IDENTITY": identity}
            document["events"].append({"event": event, "identity_kind": "user", "identity": identity})
        return subprocess.run([EXAMPLES / name, *map(str, args)], input=json.dumps(document).encode(),
                              capture_output=True, timeout=DEADLINE, env=environment, cwd=self.place.root)

    def test_a_passwd_file(self):
        users = self.place.root / "users"
        before = ("# by hand\nalice:{PLAIN}secret:1000:1000::/home/alice::\nbob@example.org:{SHA512-CRYPT}$6$x:::::\n"
                  f"{HOSTILE}:old\nodd line\n")
        users.write_text(before)
        users.chmod(0o640)
        for identity in ("alice", "Bob@Example.ORG", HOSTILE):
            for _ in range(2):  # a second time does no harm
                done = self.run_example("lock-passwd-file", users, event="blocked", identity=identity)
                self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(users.read_text(), before.replace("{PLAIN}", "{CRYPT}!{PLAIN}")
                         .replace("{SHA512", "{CRYPT}!{SHA512").replace(":old", ":{CRYPT}!old"))
        self.assertEqual(users.stat().st_mode & 0o777, 0o640)
        for identity in ("a.*", "alice:", "", "nobody"):
            self.run_example("lock-passwd-file", users, event="freed", identity=identity)
        self.assertIn("alice:{CRYPT}!{PLAIN}secret", users.read_text())
        for event, identity in (("freed", "alice"), ("ended", "bob@example.org"), ("freed", HOSTILE.lower())):
            for _ in range(2):
                self.assertEqual(self.run_example("lock-passwd-file", users, event=event, identity=identity).returncode, 0)
        self.assertEqual(users.read_text(), before)
        self.assertEqual(self.run_example("lock-passwd-file", users, event="test", identity="alice").returncode, 0)
        self.assertEqual(users.read_text(), before)
        self.assertNotEqual(self.run_example("lock-passwd-file", self.place.root / "none", event="blocked",
                                             identity="alice").returncode, 0)
        self.assertEqual(sorted(path.name for path in self.place.root.glob("users*")), ["users", "users.lock"])
        self.assertFalse((self.place.root / "PROOF").exists())

    def test_an_sql_table(self):
        path = self.place.root / "users.db"
        database = sqlite3.connect(path)
        database.execute("CREATE TABLE users (name TEXT PRIMARY KEY, locked INTEGER NOT NULL DEFAULT 0)")
        database.executemany("INSERT INTO users (name) VALUES (?)", [("alice",), ("Bob",), (HOSTILE,)])
        database.commit()
        locked = lambda: sorted(name for name, in database.execute("SELECT name FROM users WHERE locked = 1"))
        for identity in ("bob", HOSTILE, "nobody"):
            done = self.run_example("lock-sql-user", path, event="blocked", identity=identity)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(locked(), ["Bob", HOSTILE])
        self.run_example("lock-sql-user", path, event="ended", identity=HOSTILE.lower())
        self.run_example("lock-sql-user", path, event="test", identity="Bob")
        self.assertEqual(locked(), ["Bob"])
        self.run_example("lock-sql-user", path, event="freed", identity="bob")
        self.assertEqual(locked(), [])
        database.close()

    @unittest.skipUnless(shutil.which("jq") and shutil.which("curl"), "neither jq nor curl here")
    def test_a_chat_server(self):
        hook = Hook(204, 500)
        self.addCleanup(hook.close)
        config = self.place.root / "chat.curl"
        config.write_text(f'url = "{hook.url}"\n')
        done = self.run_example("chat-webhook", config, event="blocked", identity='"@everyone"')
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(hook.requests, [("/hooks/secret", "application/json", {"content": 'about "@everyone"'})])
        self.assertNotEqual(self.run_example("chat-webhook", config, event="blocked", identity="x").returncode, 0)

    def test_the_whole_round_with_a_service(self):
        """Blocked and locked; the panel's hook frees it, and the password is unlocked."""
        users = self.place.root / "users"
        users.write_text("alice:secret:\nbob:secret:\n")
        self.configure('on = ["blocked", "freed", "ended"]\ntransport = "exec"\n'
                       f'exec = ["{EXAMPLES}/lock-passwd-file", "{users}"]')
        tools = self.place.root / "bin"
        tools.mkdir()
        (tools / "exiwarden").symlink_to(EXIWARDEN)
        env = {"PATH": f"{tools}:{os.environ['PATH']}", "EXIWARDEN_CONFIG": str(self.place.config)}
        with Service(self.place):
            self.block("alice")
            wait_for(lambda: "alice:{CRYPT}!secret:" in users.read_text(), "the lock")
            users.write_text(users.read_text().replace("{CRYPT}!secret", "changed"))  # by the panel
            self.assertEqual(self.run_example("password-changed", "alice", env=env).returncode, 0)
            wait_for(lambda: self.place.listed() == [], "the release")
            self.block("bob")
            wait_for(lambda: "bob:{CRYPT}!secret:" in users.read_text(), "another lock")
            self.assertEqual(self.run_example("password-changed", "bob", "nobody", env=env).returncode, 0)
            wait_for(lambda: users.read_text() == "alice:changed:\nbob:secret:\n", "the unlock")
        self.assertEqual(self.run_example("password-changed", env=env).returncode, 64)


if __name__ == "__main__":
    unittest.main()
