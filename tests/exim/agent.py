"""exiwarden run, beside a Lab."""

import os
import pathlib
import signal
import socket
import subprocess

from world import until

EXIWARDEN = os.environ.get("EXIWARDEN")

_CONFIG = """\
[log]
paths = ["{log}"]
{log_more}
[relay]
hosts = ["192.0.2.64/26", "2001:db8:1::/48", "127.0.0.0/8", "::1"]
{relay_more}
[state]
directory = "{state}"
[notify]
to = ["{to}"]
from = "exiwarden@lab.example"
transports = [{transports}]
smtp = "127.0.0.1:25"
{rules}
"""

_RULE = """\
[[rule]]
name = "{name}"
identity = "{identity}"
limit = {limit}
period = "1h"
list = "{lists}/{file}"
"""
LISTS = {"user": "blocked_authenticated_users", "relay": "blocked_relay_users",
         "local": "blocked_local_users"}


class Agent:
    """The service, ready when the constructor returns. `directory` holds log/mainlog; its lists
    are in directory/state/exim. With almost=True a second rule for users has limit - 1 and a list
    of its own, `almost`: whoever is in it, and not in the list, has one to go. run_as: words before
    the command, such as setpriv and its options."""

    def __init__(self, directory, limit=100, transports=("smtp",), almost=False, log_more="",
                 relay_more="", rules="", more="", to="abuse@lab.example", run_as=()):
        directory = pathlib.Path(directory)
        self.lists = directory / "state" / "exim"
        kinds = [("authenticated", "user", limit, LISTS["user"]),
                 ("relay", "relay", limit, LISTS["relay"])]
        if almost:
            kinds.append(("almost", "user", limit - 1, "almost"))
        for name, identity, number, file in kinds if not rules else ():
            rules += _RULE.format(name=name, identity=identity, limit=number, lists=self.lists,
                                  file=file)
        config = directory / "exiwarden.toml"
        config.write_text(_CONFIG.format(
            log=directory / "log" / "mainlog", state=directory / "state", rules=rules + more,
            log_more=log_more, to=to, relay_more=relay_more,
            transports=", ".join(f'"{name}"' for name in transports)))
        self.errors = directory / "agent.err"
        self.output = directory / "agent.out"
        self.process = None
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            notify.bind(str(directory / "notify"))
            (directory / "notify").chmod(0o666)
            notify.settimeout(0)
            with open(self.output, "wb") as output, open(self.errors, "wb") as errors:
                self.process = subprocess.Popen(
                    [*run_as, EXIWARDEN, "run", "-c", config, "-o", "jsonl"],
                    stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                    env={**os.environ, "NOTIFY_SOCKET": str(directory / "notify")})
            until(lambda: self.is_ready(notify), 60, "exiwarden to be ready")
        except BaseException:
            self.close()
            raise AssertionError(f"no start: {self.errors.read_text()}")
        finally:
            notify.close()
            (directory / "notify").unlink(missing_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *ignored):
        code = self.close()
        if kind is None and code != 0:
            raise AssertionError(f"ended with {code}: {self.errors.read_text()}")

    def is_ready(self, notify):
        if self.process.poll() is not None:
            raise AssertionError("it ended")
        try:
            return b"READY=1" in notify.recv(4096)
        except BlockingIOError:
            return False

    def close(self):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def listed(self, kind="user"):
        """The list's lines, as bytes without their ends."""
        path = self.lists / (kind if kind == "almost" else LISTS[kind])
        return path.read_bytes().splitlines() if path.exists() else []

    def has(self, key, kind="user"):
        return any(line.startswith((key + b":", b'"' + key + b'":')) for line in self.listed(kind))
