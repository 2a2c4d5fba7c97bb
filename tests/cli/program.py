"""The built program from outside: one call, or the service with all it touches in a directory of
its own. Waiting happens here only, on conditions and with a deadline."""

import contextlib
import datetime
import os
import pwd
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

EXIWARDEN = os.environ["EXIWARDEN"]
DEADLINE = 60  # seconds; only a failing test, or a very busy machine, waits that long


def call(*args, stdin=b"", env=None, **more):
    """Runs the program to its end; output as bytes."""
    return subprocess.run([EXIWARDEN, *map(str, args)], input=stdin, capture_output=True,
                          timeout=DEADLINE * 5, env=environment(env), **more)


def remarks(stderr):
    """What is said, but for the lines that say what was looked at."""
    return b"".join(line for line in stderr.splitlines(keepends=True)
                    if not re.match(rb"exiwarden: (read [\d,]+ lines? of|left out: )", line))


def environment(more=None):
    env = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
    env.update(more or {})
    return env


def wait_for(condition, what="", deadline=DEADLINE):
    """The condition's first true value; asked for every few milliseconds."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what or condition}")
        select.select([], [], [], 0.01)


def stamp(seconds_ago=0):
    """Exim's log stamp, in UTC."""
    when = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds_ago)
    return when.strftime("%Y-%m-%d %H:%M:%S")


def refusal(user, number=0, ago=0, host="198.51.100.7", recipient=None):
    """A refused recipient of an authenticated user (bytes in, bytes out where it matters)."""
    login = user if isinstance(user, bytes) else user.encode()
    rcpt = recipient if recipient is not None else f"dead{number}@example.net"
    return (f"{stamp(ago)} H=(client.test) [{host}] F=<sender@example.org> A=plain:".encode() + login +
            f" rejected RCPT <{rcpt}>: Unrouteable address\n".encode())


def relay_refusal(host, number=0, ago=0):
    return (f"{stamp(ago)} H=(relay.test) [{host}] F=<sender@example.org> rejected RCPT "
            f"<dead{number}@example.net>: Unrouteable address\n").encode()


class Place:
    """A directory with a log, a config, a list and a fake sendmail that keeps what it is given."""

    def __init__(self):
        self.root = Path(tempfile.mkdtemp(prefix="exiwarden-cli-"))
        self.log = self.root / "mainlog"
        self.state = self.root / "state"
        self.users = self.state / "exim" / "blocked_authenticated_users"
        self.relays = self.state / "exim" / "blocked_relay_users"
        self.config = self.root / "exiwarden.toml"
        self.mails = self.root / "mails"
        self.mails.mkdir()
        self.sendmail = self.root / "sendmail"
        self.sendmail.write_text(
            "#!/bin/sh\n"
            f"name={self.mails}/$$\n"
            "printf '%s\\n' \"$@\" > $name.part\n"
            "echo ---- >> $name.part\n"
            "cat >> $name.part\n"
            "mv $name.part $name.mail\n")
        self.sendmail.chmod(0o755)
        self.write_config()

    def pretend_exim(self, *settings, script=""):
        """An Exim that says of itself what exim -bP says, or does what the script does."""
        path = self.root / "exim"
        path.write_text("#!/bin/sh\n" + (script or "cat <<'END'\n" + "\n".join(settings) + "\nEND\n"))
        path.chmod(0o755)
        return path

    def write_config(self, limit=3, period="1h", relays='["192.0.2.0/24"]', more="", logs=(), exim=None):
        paths = ", ".join(f'"{path}"' for path in (self.log, *logs))
        self.config.write_text(
            f'[log]\npaths = [{paths}]\ntimezone = "UTC"\n'
            f"[relay]\nhosts = {relays}\nown = []\n"
            f'[state]\ndirectory = "{self.state}"\nmetrics = "{self.root}/metrics.prom"\n'
            f'[exim]\nuser = "{pwd.getpwuid(os.getuid()).pw_name}"\n' +
            (f'binary = "{exim}"\n' if exim else "") +
            f'[notify]\nto = ["abuse@example.org", "second@example.org"]\n'
            f'from = "exiwarden@example.org"\ntransports = ["sendmail"]\n'
            f'sendmail = ["{self.sendmail}", "-i", "-f", "<>"]\n{more}'
            f'[[rule]]\nname = "users"\nidentity = "user"\nlimit = {limit}\nperiod = "{period}"\n'
            f'[[rule]]\nname = "relays"\nidentity = "relay"\nlimit = {limit}\nperiod = "{period}"\n')

    def append(self, *lines, to=None):
        with open(to or self.log, "ab", buffering=0) as log:
            for line in lines:
                log.write(line)

    def listed(self, path=None):
        """The lines of a list; [] if there is none."""
        try:
            return (path or self.users).read_bytes().splitlines()
        except FileNotFoundError:
            return []

    def keys(self, path=None):
        return [line.split(b": ")[0] for line in self.listed(path)]

    def notices(self):
        """(arguments, message) of each, in no order."""
        found = []
        for path in self.mails.glob("*.mail"):
            arguments, _, message = path.read_bytes().partition(b"----\n")
            found.append((arguments.decode().splitlines(), message))
        return found

    def remove(self):
        shutil.rmtree(self.root, ignore_errors=True)


class Service:
    """`exiwarden run` in a Place; a context manager that never leaves it behind."""

    def __init__(self, place, *args, parent=None, user=None):
        """`parent`: called in the new process before the program starts; `user`: whose process it is."""
        self.place = place
        self.args = args
        self.process_options = {"preexec_fn": parent} if parent else {}
        if user:
            self.process_options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.errors = place.root / "stderr"
        self.output = place.root / "stdout"

    def __enter__(self):
        path = self.place.root / "notify"
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self.socket.bind(str(path))
        path.chmod(0o777)
        self.socket.setblocking(False)
        self.said = []  # to the service manager
        with open(self.output, "ab") as out, open(self.errors, "ab") as err:
            self.process = subprocess.Popen(
                [EXIWARDEN, "run", "-c", str(self.place.config), *self.args],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env=environment({"NOTIFY_SOCKET": str(path)}), **self.process_options)
        try:
            wait_for(lambda: self.told("READY=1") or self.process.poll() is not None, "ready")
            if self.process.poll() is not None:
                raise AssertionError(f"ended at start: {self.errors.read_text()}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def told(self, word):
        with contextlib.suppress(BlockingIOError):
            while True:
                self.said += self.socket.recv(65536).decode().split("\n")
        return word in self.said

    def stop(self, signal_number=signal.SIGTERM):
        self.process.send_signal(signal_number)
        return self.process.wait(DEADLINE)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.socket.close()
