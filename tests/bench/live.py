"""The service: from a line to the key that another process sees in the list, memory, start, idleness."""

import contextlib
import os
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

NOISE = "1vaa00-000000-10 <= a@example.org H=(pc) [198.51.100.7] P=esmtpa A=plain:a@example.org S=512"
CONFIG = """
[log]
paths = ["{folder}/mainlog"]
timezone = "UTC"
[state]
directory = "{folder}/state"
[exim]
user = "root"
freeze_queued = false
[notify]
to = ["abuse@example.org"]
transports = ["none"]
[[rule]]
name = "users"
identity = "user"
limit = 100
period = "1h"
list = "{folder}/list"
"""
MAWK = r"""
{ i = index($0, " rejected RCPT <"); if (!i) next
  p = substr($0, 1, i - 1); if (!match(p, / A=[^ :]+:/)) next
  id = substr(p, RSTART + RLENGTH); t = substr($0, 12, 2) * 3600 + substr($0, 15, 2) * 60 + substr($0, 18, 2)
  c = count[id]++; ring[id, c % 100] = t
  if (c >= 99 && !(id in done) && t - ring[id, (c + 1) % 100] < 3600) { done[id]; print id >> list; fflush(list) } }
"""


def stamp():
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())


def refusal(user, number):
    return f"{stamp()} H=(pc) [198.51.100.7] F=<x@y> A=plain:{user} rejected RCPT <d{number}@y>: Unrouteable address\n"


def status(process, field):
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field + ":")).split()[1])


class Place:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="exiwarden-bench.")
        self.log, self.list = f"{self.folder}/mainlog", f"{self.folder}/list"
        self.config = f"{self.folder}/exiwarden.toml"
        Path(self.config).write_text(CONFIG.format(folder=self.folder))
        Path(self.log).touch()
        Path(self.list).touch()

    def append(self, text):
        with open(self.log, "ab", buffering=0) as out:
            out.write(text.encode())


class Service:
    """exiwarden run; `ready`: seconds from its start to READY=1."""

    def __init__(self, program, place):
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        name = f"{place.folder}/notify"
        Path(name).unlink(missing_ok=True)
        self.notify.bind(name)
        begin = time.monotonic()
        self.process = subprocess.Popen([program, "run", "-c", place.config], env={**os.environ, "NOTIFY_SOCKET": name},
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.notify.settimeout(60)
        while b"READY=1" not in self.notify.recv(4096):
            pass
        self.ready = time.monotonic() - begin

    def status(self, field):
        return status(self.process.pid, field)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.notify.close()


class Tail:
    """tail -F piped to mawk, with the same list."""

    def __init__(self, place):
        self.process = subprocess.Popen(f"tail -n +1 -F {place.log} | mawk -W interactive -v list={place.list} \"$MAWK\"",
                                        shell=True, start_new_session=True, stderr=subprocess.DEVNULL,
                                        env={**os.environ, "MAWK": MAWK})
        time.sleep(1)

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()


class Feeder:
    """A process that writes so many lines a second that mean nothing, in turns of a millisecond or longer."""

    def __init__(self, log, rate):
        self.child = os.fork()
        if self.child:
            return
        out = os.open(log, os.O_WRONLY | os.O_APPEND)
        turn = max(0.001, 1 / rate)
        due, next_turn = 0.0, time.monotonic()
        while True:
            due += rate * turn
            os.write(out, f"{stamp()} {NOISE}\n".encode() * int(due))
            due -= int(due)
            next_turn += turn
            time.sleep(max(0, next_turn - time.monotonic()))

    def stop(self):
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)


class Awake:
    """A processor of a virtual machine that idles is halted, and who is woken there waits for the host: up to a
    millisecond, and by chance. A process on each that gives way to any other keeps them awake, for both readers."""

    def __init__(self):
        self.children = [self.spin(processor) for processor in os.sched_getaffinity(0)]

    @staticmethod
    def spin(processor):
        child = os.fork()
        if child:
            return child
        os.sched_setaffinity(0, {processor})
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        while True:
            pass

    def stop(self):
        for child in self.children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def latencies(place, count):
    found = []
    for number in range(count):
        user = f"user{number}@example.org"
        place.append("".join(refusal(user, n) for n in range(99)))
        time.sleep(0.05)
        key, size = user.encode(), os.path.getsize(place.list)
        last = refusal(user, 99).encode()
        out = os.open(place.log, os.O_WRONLY | os.O_APPEND)
        begin = time.monotonic()
        os.write(out, last)
        while os.path.getsize(place.list) == size and time.monotonic() < begin + 30:
            pass
        found.append(time.monotonic() - begin)
        os.close(out)
        assert key in Path(place.list).read_bytes(), "another key, or none"
    return sorted(found)


def latency(program, awake, rates=(20, 5000, 50000), count=60):
    print(f"\nprocessors {'kept awake' if awake else 'may be halted'}\n\n"
          "| lines/s | exiwarden p50/p99 ms | tail -F, mawk p50/p99 ms |\n|---|---|---|")
    awake = Awake() if awake else None
    for rate in rates:
        cells = []
        for start in (lambda place: Service(program, place), Tail):
            if start is Tail and not shutil.which("mawk"):
                continue
            place = Place()
            reader, feeder = start(place), Feeder(place.log, rate)
            try:
                took = latencies(place, count)
            finally:
                feeder.stop()
                reader.stop()
                shutil.rmtree(place.folder)
            cells.append(f"{statistics.median(took) * 1000:.2f} / {took[int(len(took) * .99)] * 1000:.2f}")
        print(f"| {rate} | {' | '.join(cells)} |", flush=True)
    if awake:
        awake.stop()


def caught_up(place, service, marker):
    place.append("".join(refusal(marker, n) for n in range(100)))
    while marker.encode() not in Path(place.list).read_bytes():
        assert service.process.poll() is None
        time.sleep(0.002)


def sustained(program):
    place = Place()
    service = Service(program, place)
    block = (f"{stamp()} {NOISE}\n" * 99 + refusal("honest@example.org", 1)).replace("honest", "h") * 10
    lines = 0
    begin = time.monotonic()
    while time.monotonic() < begin + 5:
        place.append(block * 20)
        lines += 20000
    caught_up(place, service, "last@example.org")
    rate = lines / (time.monotonic() - begin)
    print(f"\nsustained, writer and reader together: {rate / 1e6:.2f} million lines/s")
    service.stop()
    shutil.rmtree(place.folder)


def growth(program, counts=(1000, 100_000, 1_000_000)):
    print("\n| identities x 10 events | RSS, MiB | restart to READY, ms | wake-ups in 30 idle s |\n|---|---|---|---|")
    for count in counts:
        place = Place()
        service = Service(program, place)
        for at in range(0, count, 10_000):
            users = range(at, min(count, at + 10_000))
            place.append("".join(refusal(f"user{user}@customer.example", n) for n in range(10) for user in users))
        caught_up(place, service, "last@example.org")
        resident = service.status("VmRSS") / 1024
        service.stop()
        service = Service(program, place)
        ready = service.ready
        time.sleep(3)
        before = service.status("voluntary_ctxt_switches")
        time.sleep(30)
        woken = service.status("voluntary_ctxt_switches") - before
        service.stop()
        shutil.rmtree(place.folder)
        print(f"| {count} | {resident:.0f} | {ready * 1000:.0f} | {woken} |", flush=True)


class Watcher:
    """When each key came to be seen in a list, by a process that looks at its end again and again."""

    def __init__(self, path):
        self.path, self.seen, self.rest = path, {}, b""
        self.at = os.path.getsize(path) if os.path.exists(path) else 0

    def look(self):
        with contextlib.suppress(FileNotFoundError), open(self.path, "rb", buffering=0) as file:
            file.seek(self.at)
            fresh = file.read()
            now = time.monotonic()
            self.at += len(fresh)
            *lines, self.rest = (self.rest + fresh).split(b"\n")
            for line in lines:
                self.seen.setdefault(line.split(b":")[0].decode(), now)


def burst(program, blocks=10_000, limit=5, rate=50_000, transports='"none"'):
    """So many senders over the limit in a second, into each kind of list: from a sender's last line to its key."""
    print(f"\n{blocks} blocks, {rate} lines/s\n\n"
          "| list | p50 ms | p99 ms | longest ms | first line to last key, s |\n|---|---|---|---|---|")
    for name, there, hand in (("none", None, 0), ("empty", 0, 0), ("by hand", 10, 20), ("100,000 lines", 100_000, 0),
                              ("100,000 lines, a hand writes too", 100_000, 20)):
        place = Place()
        config = Path(place.config)
        config.write_text(config.read_text().replace("limit = 100", f"limit = {limit}").replace('"none"', transports))
        if there is None:
            os.unlink(place.list)
        else:
            Path(place.list).write_text("".join(f"hand{n}@example.org: by hand\n" for n in range(there)))
        service = Service(program, place)
        watcher = Watcher(place.list)
        written, lines = {}, []
        for user in range(blocks):
            lines += [refusal(f"user{user}", n) for n in range(limit)]
        begin = time.monotonic()
        done, by_hand = 0, 0
        while len(watcher.seen) < blocks + by_hand and time.monotonic() < begin + 120:
            due = min(len(lines), int((time.monotonic() - begin) * rate))
            if due > done:
                place.append("".join(lines[done:due]))
                sent = time.monotonic()
                written |= {f"user{user}": sent for user in range(done // limit, due // limit)}
                done = due
                if hand and by_hand < done * hand // len(lines):
                    with open(place.list, "a", encoding="utf-8") as out:
                        out.write(f"more{by_hand}: by hand\n")
                    by_hand += 1
            watcher.look()
        whole = time.monotonic() - begin
        took = sorted(watcher.seen.get(user, float("inf")) - sent for user, sent in written.items())
        service.stop()
        shutil.rmtree(place.folder)
        print(f"| {name} | {statistics.median(took) * 1000:.1f} | {took[int(len(took) * .99)] * 1000:.1f} | "
              f"{took[-1] * 1000:.1f} | {whole:.2f} |", flush=True)


def main(program):
    burst(program)
    for awake in (True, False):
        latency(program, awake)
    sustained(program)
    growth(program)
