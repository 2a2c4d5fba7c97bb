"""A farm of mail hosts, each in namespaces of its own: network, Exim, log, lists, service; and a
redis-server in another one. They meet on a bridge in this process's network. All of it is gone when
the processes end."""

import contextlib
import ctypes
import datetime
import functools
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import world
from agent import Agent, EXIWARDEN, LISTS
from lab import Lab
from world import until

REDIS = shutil.which("redis-server")
SERVER = "10.77.0.100"
FIRST, SECOND = 6380, 6381  # the servers behind its port 6379
LIMIT = 20
_FARM = """\
[farm]
url = "redis://{server}:6379/0"
prefix = "test:"
host = "mx{number}"
max_per_hour = 100000
"""
_RULE = """\
[[rule]]
name = "authenticated"
identity = "user"
limit = {limit}
period = "1h"
list = "{lists}/{file}"
"""
_CLONE_NEWNET = 0x40000000
_fork = multiprocessing.get_context("fork")


def _ip(*words):
    done = subprocess.run(["ip", *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise world.Unfit(f"ip {' '.join(map(str, words))}: {done.stderr.strip()}")


def _unshare(flags):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        raise world.Unfit(f"no namespaces of our own here: {os.strerror(ctypes.get_errno())}")


def ask(*words, port=None, seconds=10):
    """A command of Redis, its answer as bytes, int or list."""
    with (socket.create_connection((SERVER, port or FIRST), timeout=seconds) as sock,
          sock.makefile("rb") as lines):
        sock.sendall(b"*%d\r\n" % len(words) +
                     b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in (str(w).encode() for w in words)))

        def answer():
            line = lines.readline().rstrip()
            kind, rest = line[:1], line[1:]
            if kind == b"*":
                return [answer() for _ in range(int(rest))]
            if kind == b"$":
                return None if rest == b"-1" else lines.read(int(rest) + 2)[:-2]
            if kind == b"-" or not kind:
                raise AssertionError(f"{words}: {line}")
            return int(rest) if kind == b":" else rest

        return answer()


def value_of(answer):
    good, value = answer
    if not good:
        raise world.Unfit(value[1]) if value[0] == "Unfit" else AssertionError(value[1])
    return value


class Away:
    """An object in a process of its own, whose methods are called from here."""

    def __init__(self, make):
        self.here, there = _fork.Pipe()
        self.process = _fork.Process(target=_serve, args=(there, self.here, make), daemon=True)
        self.process.start()
        there.close()
        self.result()

    def begin(self, name, *arguments):
        self.here.send((name, arguments))

    def answer(self):
        return self.here.recv()

    def result(self):
        return value_of(self.answer())

    def __getattr__(self, name):
        def call(*arguments):
            self.begin(name, *arguments)
            return self.result()
        return call

    def end(self):
        # Not by closing the pipe: whoever was forked after this one holds it open, too.
        with contextlib.suppress(OSError):
            self.here.send((None, ()))
        self.process.join(60)
        self.here.close()


def _serve(pipe, other_end, make):
    other_end.close()
    thing = None
    with contextlib.suppress(EOFError, OSError):  # whoever asked has gone
        name, call = "start", make
        while True:
            try:
                value = call()
                thing = thing or value
                answer = (True, None if call is make else value)
            except BaseException as error:
                answer = (False, (type(error).__name__, f"{name}: {error!r}"))
            pipe.send(answer)
            if thing is None:
                return
            name, arguments = pipe.recv()
            if name is None:
                break
            call = functools.partial(getattr(thing, name), *arguments)
    if thing is not None:
        thing.close()


class Front:
    """What the hosts take for the server: leads to the one at `port`, and may be slow."""

    def __init__(self, port):
        self.port = port
        self.delay = 0  # seconds, for all that passes
        self.open = set()
        self.listening = socket.create_server((SERVER, 6379))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self.listening.accept()
            try:
                server = socket.create_connection((SERVER, self.port))
            except OSError:
                client.close()
                continue
            self.open |= {client, server}
            threading.Thread(target=self._pass, args=(client, server), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client), daemon=True).start()

    def _pass(self, source, to):
        with source, contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self.delay > 0:
                    threading.Event().wait(self.delay)
                to.sendall(data)
            to.shutdown(socket.SHUT_RDWR)
            source.shutdown(socket.SHUT_RDWR)
        self.open.discard(source)

    def lead_to(self, port):
        self.port = port
        for sock in list(self.open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class Server:
    """redis-server, alone in its network, and what is before it."""

    def __init__(self):
        _unshare(_CLONE_NEWNET)
        _ip("link", "set", "lo", "up")
        self.processes = {}
        self.directory = tempfile.mkdtemp(prefix="exiwarden-redis-")

    def join(self):
        _join(SERVER)
        self.front = Front(FIRST)

    def start(self, port=None, *options):
        port = port or FIRST
        self.processes[port] = subprocess.Popen(
            [REDIS, "--bind", SERVER, "--port", str(port), "--protected-mode", "no", "--save", "",
             "--maxmemory-policy", "noeviction", "--repl-diskless-sync-delay", "0", *options], cwd=self.directory,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

        def listening():
            with contextlib.suppress(OSError):
                return ask("PING", port=port) == b"PONG"

        until(listening, what="redis-server to answer")

    def kill(self, port=None):
        process = self.processes.pop(port or FIRST)
        process.kill()
        process.wait()

    def signal(self, number):
        self.processes[FIRST].send_signal(number)

    def slow(self, seconds):
        self.front.delay = seconds

    def lead_to(self, port):
        self.front.lead_to(port)

    def close(self):
        for port in list(self.processes):
            self.kill(port)
        shutil.rmtree(self.directory, ignore_errors=True)


def _join(address):
    _ip("addr", "add", f"{address}/24", "dev", "farm0")
    _ip("link", "set", "farm0", "up")


class Host:
    """A mail host: a real Exim, whose log the service follows, and who writes there more."""

    def __init__(self, number):
        self.number = number
        self.lab = self.agent = self.twin = None
        world.enter()

    def join(self):
        _join(f"10.77.0.{self.number}")

    def start(self, twin=False):
        self.lab = Lab(main="hold_domains = remote.test")
        lists = self.lab.directory / "state" / "exim"
        self.agent = Agent(
            self.lab.directory, rules=_RULE.format(limit=LIMIT, lists=lists, file=LISTS["user"]),
            more=_FARM.format(server=SERVER, number=self.number))
        until(lambda: "counting with the others" in self.agent.errors.read_text(), what="the farm")
        if twin:
            directory = self.lab.directory / "twin"
            directory.mkdir()
            (directory / "log").symlink_to(self.lab.directory / "log")
            rule = _RULE.format(limit=LIMIT, lists=directory / "state" / "exim", file=LISTS["user"])
            # The same service without a farm: the yardstick of delay.
            self.twin = Agent(directory, rules=rule)
        self.log = open(self.lab.mainlog, "ab", buffering=0)

    def keys(self):
        return sorted(line.split(b": ")[0] for line in self.agent.listed())

    def listed_at(self, keys, seconds=30):
        """The moment from which the list held just these; the clock is that of all processes."""
        until(lambda: self.keys() == sorted(keys), seconds, f"{keys}, there are {self.keys()}", 0.001)
        return time.monotonic()

    def refuse(self, user, count):
        """By a real client at the real Exim; the moment before the last one."""
        with self.lab.client(user) as client:
            client.mail()
            codes = client.rcpts([b"gone%d@lab.example" % n for n in range(count - 1)])
            moment = time.monotonic()
            codes.append(client.rcpt(b"gone@lab.example"))
        if set(codes) != {550}:
            raise AssertionError(codes)
        return moment

    def queue(self, user):
        with self.lab.client(user) as client:
            return client.message([b"held@remote.test"])

    def frozen(self, queue_id):
        until(lambda: self.lab.is_frozen(queue_id), what=f"{queue_id} to be frozen")

    def is_frozen(self, queue_id):
        return self.lab.is_frozen(queue_id)

    def sends_freely(self, user):
        """What Exim makes of a message that the user sends now."""
        return not self.lab.is_frozen(self.queue(user))

    def notices(self):
        return self.lab.mailbox("abuse").count("\nSubject: ")

    def notice(self):
        return self.lab.mailbox("abuse")

    def command(self, *words):
        done = subprocess.run([EXIWARDEN, words[0], "-c", self.lab.directory / "exiwarden.toml", *words[1:]],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def freeze_no_more(self):
        """From now on blocks cost no look at the queue, which takes this machine's time from all."""
        for agent, directory in ((self.agent, self.lab.directory), (self.twin, self.lab.directory / "twin")):
            if agent is not None:
                config = directory / "exiwarden.toml"
                config.write_text(config.read_text() + "[exim]\nfreeze_queued = false\n")
                agent.process.send_signal(signal.SIGHUP)
                until(lambda: "new configuration is in force" in agent.errors.read_text(), what="the reload")

    def said(self, text):
        return text in self.agent.errors.read_text()

    def write(self, users):
        """Refusals as Exim logs them, one for each user, in one go."""
        stamp = datetime.datetime.now().strftime("%Y-%m-%d %H:%M:%S").encode()
        self.log.write(b"".join(
            b"%s H=(h) [198.51.100.7] F=<a@b.example> A=plain:%s rejected RCPT <n%d@lab.example>: Unrouteable address\n"
            % (stamp, user, number) for number, user in enumerate(users)))

    def lags(self, name, count, load):
        """Of so many users who reach the limit: seconds from the line to each of the two lists. With
        each come `load` lines of others."""
        found = []
        for number in range(count):
            user = b"%s%d" % (name, number)
            self.write([b"%s-other%d" % (name, n) for n in range(load)] + [user] * (LIMIT - 1))
            begin = time.monotonic()
            self.write([user])
            waited, lists = {}, {"farm": self.agent, "alone": self.twin}
            while len(waited) < 2:
                now = time.monotonic()
                for which, agent in lists.items():
                    if which not in waited and agent.has(user):
                        waited[which] = now - begin
                if now - begin > 30:
                    raise AssertionError(f"{user} is not listed")
            found.append((waited["farm"], waited["alone"]))
        return found

    def close(self):
        if self.lab is None:
            return
        for agent in (self.agent, self.twin):
            if agent is not None:
                agent.close()
        self.lab.close()
        self.lab = None


class Farm:
    """The hosts and the server, joined. Names of links: mx1..., redis."""

    def __init__(self, size=4):
        if REDIS is None:
            raise world.Unfit("no redis-server here: conf/packages.sh test installs it")
        self.hosts, self.server = [], None
        _unshare(_CLONE_NEWNET)  # of this process: the bridge is nobody else's
        _ip("link", "set", "lo", "up")
        _ip("link", "add", "bridge0", "type", "bridge")
        _ip("addr", "add", "10.77.0.254/24", "dev", "bridge0")
        _ip("link", "set", "bridge0", "up")
        try:
            self.server = Away(Server)
            self._plug("redis", self.server)
            self.server.start()
            for number in range(1, size + 1):
                self.hosts.append(Away(functools.partial(Host, number)))
                self._plug(f"mx{number}", self.hosts[-1])
        except BaseException:
            self.close()
            raise

    def _plug(self, name, away):
        _ip("link", "add", name, "type", "veth", "peer", "name", "farm0", "netns", away.process.pid)
        _ip("link", "set", name, "master", "bridge0", "up")
        away.join()

    def each(self, name, *arguments, hosts=None):
        """The same call on all at once; their results."""
        hosts = hosts or self.hosts
        for host in hosts:
            host.begin(name, *arguments)
        return self.results(hosts)

    def results(self, hosts):
        """Of what each was told to begin; an error only once all have answered."""
        found = [host.answer() for host in hosts]
        return [value_of(one) for one in found]

    def cut(self, name):
        """Nothing passes any more, and nobody is told."""
        _ip("link", "set", name, "nomaster")

    def mend(self, name):
        _ip("link", "set", name, "master", "bridge0")

    def close(self):
        for away in [*self.hosts, self.server]:
            if away is not None:
                away.end()
