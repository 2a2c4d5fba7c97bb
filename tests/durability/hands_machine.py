"""A machine of its own for one service and the hands that are laid on it: logs, state and lists on small
disks where root can have them, the service as an ordinary user or as root, and all that can be seen of
it from outside. Waiting is on conditions only."""

import contextlib
import ctypes
import fcntl
import json
import os
import pwd
import resource
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "cli"))
from program import EXIWARDEN, environment  # noqa: E402

ROOT = os.geteuid() == 0
USER = "nobody"  # the ordinary user
ASAN = b"__asan_init" in Path(EXIWARDEN).read_bytes()
# Seconds: no other list or log waits longer for one that is in trouble. Sanitizers take several times as long.
LATE = 1.0 if not ASAN else 3.0
FS_IOC_GETFLAGS, FS_IOC_SETFLAGS = 0x80086601, 0x40086602
IMMUTABLE, APPEND_ONLY = 0x10, 0x20
CANARIES = 5000  # before the same addresses come again
LIMITS = {"fast": (5, 3600), "slow": (7, 86400)}

CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
static volatile const long *step(void) {
  static volatile const long *at;
  if (at) return at;
  int fd = open(getenv("HANDS_CLOCK"), O_RDONLY | O_CLOEXEC);
  static const long none = 0;
  void *map = fd < 0 ? MAP_FAILED : mmap(0, sizeof(long), PROT_READ, MAP_SHARED, fd, 0);
  return at = map == MAP_FAILED ? &none : map;
}
int clock_gettime(clockid_t id, struct timespec *time) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(id, time);
  if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) time->tv_sec += *step();
  return result;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec time;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &time);
  now->tv_sec = time.tv_sec;
  now->tv_usec = time.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *where) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (where) *where = now.tv_sec;
  return now.tv_sec;
}
"""

NOTIFY = {  # what takes the notices
    "good": 'cat > "$dir/mails/$$.part" && mv "$dir/mails/$$.part" "$dir/mails/$$.mail"\n',
    "fails": "cat > /dev/null\nexit 75\n",
    "hangs": "exec sleep 60\n",
    "stops": "kill -STOP $$\n",
    "floods": "head -c 200000000 /dev/zero\nexec sleep 20\n",
    "leaves": "sleep 60 &\nexit 1\n",  # a child that keeps the descriptors
    "missing": None,
}


REDIS = shutil.which("redis-server")


class Failure(Exception):
    """Something that must hold does not."""


class Late(Failure):
    """Something has not happened in its time."""


class Skip(Exception):
    """The machine can't do this, or it makes no sense now."""


class Stall(threading.Thread):
    """How late this very process gets the processor: what nobody can hold against the service."""

    one = None

    def __init__(self):
        super().__init__(daemon=True)
        self.worst = 0.0
        self.start()

    def run(self):
        while True:
            before = time.monotonic()
            select.select([], [], [], 0.01)
            self.worst = max(self.worst, time.monotonic() - before - 0.01)

    @classmethod
    def of_this_process(cls):
        if cls.one is None or not cls.one.is_alive():
            cls.one = cls()
        return cls.one

    def begin(self):
        self.worst = 0.0


def set_flag(path, flag, on):
    """chattr; OSError where file system or rights are lacking."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        have = struct.unpack("l", fcntl.ioctl(fd, FS_IOC_GETFLAGS, b"\0" * 8))[0]
        fcntl.ioctl(fd, FS_IOC_SETFLAGS, struct.pack("l", have | flag if on else have & ~flag))
    finally:
        os.close(fd)


def fill(ballast):
    """Leaves no room on the disk where this file is."""
    with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)


def own_mounts():
    if ctypes.CDLL(None, use_errno=True).unshare(0x20000) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


class Machine:
    patience = 30  # seconds until something must have happened that has no time of its own

    def __init__(self, user, start):
        self.user = user if ROOT else pwd.getpwuid(os.getuid()).pw_name
        self.as_root = ROOT and self.user == "root"
        self.how = start  # what the service's parent leaves it: see hands_script.py
        self.root = Path(tempfile.mkdtemp(prefix="exiwarden-hands-"))
        self.mounts = []
        self.process = None
        self.stall = Stall.of_this_process()
        self.offset = 0  # seconds, by which the machine's clock was stepped
        self.canaries = self.calm_seen = 0
        self.kills = self.stops = self.starts = 0
        self.half_line = False
        self.limits = {name: limit for name, (limit, _) in LIMITS.items()}
        self.rules = list(LIMITS)
        self.make()

    def make(self):
        if ROOT:
            self.mount(self.root, "512m")
        self.root.chmod(0o755)
        for name, size in (("logs", "48m"), ("state", "64m"), ("lists", "16m")):
            directory = self.root / name
            directory.mkdir()
            if ROOT:
                self.mount(directory, size)
        for name in ("mails", "pids", "out", "calm"):
            (self.root / name).mkdir()
        self.log = self.root / "logs" / "mainlog"
        self.calm_log = self.root / "calm" / "mainlog"  # no hand touches it
        self.log.touch()
        self.calm_log.touch()
        self.state = self.root / "state" / "exiwarden"
        self.checkpoint = self.state / "checkpoint"
        self.lists = {name: self.root / "lists" / name / f"blocked_{name}" for name in LIMITS}
        self.calm_list = self.root / "calm" / "lists" / "blocked_calm"
        self.metrics = self.root / "out" / "metrics.prom"
        self.config = self.root / "exiwarden.toml"
        self.program = self.root / "take-notice"
        self.farm = None
        self.errors = self.root / "stderr"
        self.output = self.root / "stdout"
        self.clock = self.root / "clock"
        self.clock.write_bytes(struct.pack("l", 0))
        exim = self.root / "exim"
        exim.write_text("#!/bin/sh\nexit 0\n")
        exim.chmod(0o755)
        self.take_notices("good")
        if self.how["farm"]:
            self.start_farm()
        self.write_config()
        if ROOT and not self.as_root:
            for name in ("state", "lists", "mails", "pids", "out", "calm"):
                shutil.chown(self.root / name, self.user)
        if self.how["clock"]:
            (self.root / "clock.c").write_text(CLOCK)
            subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", self.root / "clock.so", self.root / "clock.c"],
                           check=True)

    def mount(self, directory, size):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "none", directory], check=True)
        self.mounts.append(directory)

    def remount(self, name, mode):
        """Once nobody writes there at the moment."""
        def done():
            return subprocess.run(["mount", "-o", f"remount,{mode}", self.root / name], check=False,
                                  stderr=subprocess.DEVNULL).returncode == 0
        self.wait(done, f"{name} mounted {mode}")

    def remove(self):
        self.kill()
        self.stop_farm()
        for pid in (self.root / "pids").glob("*"):
            with contextlib.suppress(ValueError, OSError):
                number = int(pid.name)
                if str(self.root) in Path(f"/proc/{number}/environ").read_text(errors="replace"):
                    os.kill(number, signal.SIGKILL)  # one of ours that hangs
        if ROOT:
            for directory in reversed(self.mounts):
                subprocess.run(["umount", "-l", directory], check=False)
        shutil.rmtree(self.root, ignore_errors=True)

    # The configuration and what takes the notices.

    def write_config(self, text=None):
        rules = "".join(
            f'[[rule]]\nname = "{name}"\nidentity = "user"\nlimit = {self.limits[name]}\n'
            f'period = "{LIMITS[name][1]}s"\nlist = "{self.lists[name]}"\n' for name in self.rules)
        self.config.write_text(text or (
            f'[log]\npaths = ["{self.log}", "{self.calm_log}"]\ntimezone = "UTC"\nsilence_alarm = false\n'
            f'[relay]\nhosts = ["10.0.0.0/8"]\nown = []\n'
            f'[state]\ndirectory = "{self.state}"\nmetrics = "{self.metrics}"\n'
            f'[exim]\nuser = "{self.user}"\nbinary = "{self.root}/exim"\nfreeze_queued = false\n'
            f'[notify]\ntransports = ["exec"]\nexec = ["{self.program}"]\nmax_per_hour = 3600\n'
            f'{self.farm_keys()}{rules}[[rule]]\nname = "calm"\nidentity = "relay"\nlimit = 1\nperiod = "1h"\n'
            f'list = "{self.calm_list}"\n'))

    # The farm's server; nothing of it lasts.

    def farm_keys(self):
        if not self.how["farm"]:
            return ""
        return f'[farm]\nurl = "redis+unix://{self.root}/farm/socket"\nhost = "mx1"\n'

    def start_farm(self):
        place = self.root / "farm"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        self.farm = subprocess.Popen(
            [REDIS, "--port", "0", "--unixsocket", place / "socket", "--unixsocketperm", "777", "--save", "",
             "--dir", place, "--maxmemory-policy", "noeviction"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.wait((place / "socket").exists, "the farm's server")

    def farm_says(self, *words):
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(10)
            link.connect(str(self.root / "farm" / "socket"))
            link.sendall((" ".join(words) + "\r\n").encode())
            return link.recv(100)

    def stop_farm(self):
        if self.farm is not None:
            self.farm.kill()
            self.farm.wait()
            self.farm = None

    def take_notices(self, how):
        self.notify = how
        if NOTIFY[how] is None:
            self.program.unlink(missing_ok=True)
            return
        new = self.root / "take-notice.new"
        new.write_text(f"#!/bin/sh\ndir='{self.root}'\nexport HANDS='{self.root}'\n"
                       ': > "$dir/pids/$$"\n' + NOTIFY[how])
        new.chmod(0o755)
        new.rename(self.program)

    # The service.

    def prepare(self):
        """What a parent may leave to the service, in the child."""
        how = self.how
        if how["sigchld"]:
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        if how["mask"]:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGALRM})
        if how["umask"]:
            os.umask(0o777)
        if how["stdin"]:
            os.close(0)
        if how["file_size"]:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, resource.RLIM_INFINITY))

    def environment(self):
        more = {"NOTIFY_SOCKET": str(self.root / "notify")}
        if self.how["clock"]:
            more |= {"LD_PRELOAD": str(self.root / "clock.so"), "HANDS_CLOCK": str(self.clock),
                     "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        return environment(more)

    def identity(self):
        if not ROOT or self.as_root:
            return {}
        entry = pwd.getpwnam(self.user)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def spawn(self, *args, out, err):
        return subprocess.Popen([EXIWARDEN, *args, "-c", str(self.config)], stdin=subprocess.DEVNULL, stdout=out,
                                stderr=err, env=self.environment(), preexec_fn=self.prepare, **self.identity())

    def running(self):
        return self.process is not None

    def start(self):
        path = self.root / "notify"
        path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self.socket.bind(str(path))
        path.chmod(0o777)
        self.socket.setblocking(False)
        self.ready = 0
        self.starts += 1
        with open(self.output, "ab") as out, open(self.errors, "ab") as err:
            self.process = self.spawn("run", "-o", "jsonl", out=out, err=err)
        self.wait(lambda: self.listen() >= 1, "READY=1 after a start")

    def listen(self):
        """How often the service was ready."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.ready += self.socket.recv(65536).decode().split("\n").count("READY=1")
        return self.ready

    def gone(self):
        self.process = None
        self.socket.close()

    def kill(self):
        if not self.running():
            return
        self.process.kill()
        self.process.wait()
        self.kills += 1
        self.gone()

    def stop(self):
        if not self.running():
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            raise Failure("SIGTERM was not heard for 20 s") from None
        self.stops += 1
        self.gone()
        if code != 0:
            raise Failure(f"ended with {code} after SIGTERM")

    def alive(self):
        if self.running() and self.process.poll() is not None:
            code = self.process.returncode
            self.gone()
            raise Failure(f"the service ended by itself: {code}")

    def wait(self, condition, what, seconds=None):
        seconds = seconds or self.patience
        end = time.monotonic() + seconds
        self.stall.begin()
        starved = self.starved()
        while True:
            value = condition()
            if value:
                return value
            self.alive()
            if time.monotonic() > end and time.monotonic() > end + self.stall.worst + self.starved() - starved:
                raise Late(f"not within {seconds:g} s: {what}")
            select.select([], [], [], 0.003)

    def starved(self):
        """Seconds that the service was ready to run, and others had the processors."""
        waits = [0]
        if self.process is not None:
            for task in Path(f"/proc/{self.process.pid}/task").glob("*/schedstat"):
                with contextlib.suppress(OSError, IndexError):
                    waits.append(int(task.read_text().split()[1]))
        return sum(waits) / 1e9

    # The log.

    def stamp(self):
        return int(time.time()) + self.offset

    def refusal(self, user, number, host="198.51.100.7"):
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(self.stamp()))
        return (f"{at} H=(client.test) [{host}] F=<sender@example.org> A=plain:{user} "
                f"rejected RCPT <dead{number}@example.net>: Unrouteable address\n").encode()

    def relay_refusal(self, host):
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(self.stamp()))
        return (f"{at} H=(relay.test) [{host}] F=<sender@example.org> rejected RCPT <dead@example.net>: "
                "Unrouteable address\n").encode()

    def write(self, line, log=None):
        """As Exim writes. How much of it found room: "all", "some" or "nothing"."""
        log = log or self.log
        try:
            with open(log, "ab", buffering=0) as file:
                if self.half_line and log == self.log:
                    file.write(b"\n")
                    self.half_line = False
                done = file.write(line)
        except OSError:
            return "nothing"
        if done < len(line):
            self.half_line = True
        return "all" if done == len(line) else "some"

    # What can be seen.

    def lines(self, path):
        """Of a list, as root sees it; [] if it is no file that can be read."""
        try:
            if not stat.S_ISREG(path.lstat().st_mode):
                return []
            return path.read_bytes().splitlines()
        except OSError:
            return []

    def keys(self, name):
        return [line.split(b":")[0].decode("latin-1") for line in self.lines(self.lists[name])
                if line and not line.startswith((b"#", b" ", b"\t"))]

    def canary(self, *logs):
        """A sender of a rule, a list and, as a rule, a log that no hand touches; its line must be in the list at
        once. Gives its address."""
        number = self.canaries = self.canaries % CANARIES + 1
        host = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        line = self.relay_refusal(host)
        for log in logs or (self.calm_log,):
            if self.write(line, log) != "all":
                return None
        key = host.encode() + b":"
        where = f"a line of {'the calm log' if not logs else logs[0].name} in the calm list"
        began = time.monotonic()
        seen = self.calm_seen

        def there():
            try:
                with open(self.calm_list, "rb") as file:
                    file.seek(max(0, seen - 4096))
                    return key in file.read()
            except FileNotFoundError:
                return False
        try:
            self.wait(there, where, LATE)
        except Late as late:
            self.wait(there, f"{where}, long after {LATE:g} s", self.patience * 2)
            raise Failure(f"{late}; it took {time.monotonic() - began:.1f} s") from None
        self.calm_seen = self.calm_list.stat().st_size
        return host

    def saved(self):
        """Waits until what has happened so far is in the checkpoint."""
        host = self.canary().encode()

        def there():
            with contextlib.suppress(OSError):
                return host in self.checkpoint.read_bytes()
            return False
        self.wait(there, "saved")

    def blocked(self, name):
        """Who is blocked by this list, says the checkpoint."""
        lists, blocked = [], set()
        for line in self.checkpoint.read_bytes().splitlines():
            words = line.split(b" ")
            if words[0] == b"list":
                lists.append(words[1].decode())
            elif words[0] == b"subject" and int(words[2]) >> lists.index(str(self.lists[name])) & 1:
                blocked.add(words[1].removeprefix(b"u:").decode())
        return blocked

    def metric(self, name, text):
        for line in text.splitlines():
            if line.startswith(name + " "):
                return int(line.rsplit(" ", 1)[1])
        return None

    def fresh_metrics(self):
        """As they are after this moment."""
        with contextlib.suppress(FileNotFoundError):
            self.metrics.unlink()
        self.canary()

        def there():
            with contextlib.suppress(FileNotFoundError):
                return self.metrics.read_text()
            return None
        return self.wait(there, "metrics written")

    def faults(self, text=None):
        text = text or self.fresh_metrics()
        parts = ("log", "state", "notify", "list")
        return {part for part in parts if self.metric(f'exiwarden_fault{{part="{part}"}}', text)}

    def status(self):
        done = subprocess.run([EXIWARDEN, "status", "-c", str(self.config)], stdin=subprocess.DEVNULL,
                              capture_output=True, env=self.environment(), timeout=self.patience, check=False,
                              **self.identity())
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    def ticks(self):
        """Hundredths of a second of processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def memory(self):
        """KiB: what it holds itself, and what its programs wrote into files in memory."""
        self.alive()
        pid = self.process.pid
        status = Path(f"/proc/{pid}/status").read_text()
        if "VmRSS" not in status:  # it has just ended
            self.process.wait(5)
            self.alive()
        own = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))
        held = 0
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if "memfd:" in os.readlink(fd):
                    held += fd.stat().st_blocks // 2
        return own, held

    def descriptors(self):
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def threads(self):
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def notices(self):
        """(message id, event) of every notice that was taken, and of those that wait in the checkpoint."""
        taken, waiting = [], []
        for path in (self.root / "mails").glob("*.mail"):
            with contextlib.suppress(ValueError):
                notice = json.loads(path.read_bytes())
                taken += [(notice["message_id"], event) for event in notice["events"]]
        with contextlib.suppress(OSError):
            for line in self.checkpoint.read_bytes().splitlines():
                if not line.startswith(b"notice "):
                    continue
                for word in line.split(b" "):
                    text = unescape(word)
                    if text.startswith(b"{"):
                        waiting += [(None, json.loads(event)) for event in text.splitlines()]
        return taken, waiting


def unescape(word):
    """A field of the checkpoint."""
    parts = word.split(b"%")
    out = parts[0]
    for part in parts[1:]:
        out += part[1:] if part.startswith(b"-") else bytes([int(part[:2], 16)]) + part[2:]
    return out
