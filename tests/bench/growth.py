"""What grows with what: time a line by the number of lines and of identities, memory by identities and events."""

import os
import shutil
import statistics
import subprocess
import tempfile
import time

import live

START = 1767225600  # 2026-01-01 00:00:00


def write(path, lines, identities):
    """One line in ten a refusal, the logins in turn, spread over a day."""
    noise = f"%s {live.NOISE}\n" * 9
    with open(path, "w", encoding="ascii", buffering=1 << 20) as out:
        number = 0
        for turn in range(lines // 10):
            stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(START + turn * 864000 // lines))
            out.write(noise.replace("%s", stamp))
            out.write(f"{stamp} H=(pc) [198.51.100.7] F=<x@y> A=plain:user{number}@example.org rejected RCPT "
                      f"<d{turn}@y>: Unrouteable address\n")
            number = (number + 1) % identities


def a_line(program, lines, identities, times):
    folder = tempfile.mkdtemp(prefix="exiwarden-bench.")
    try:
        write(f"{folder}/mainlog", lines, identities)
        taken = []
        for _ in range(times + 1):  # the first fills the cache
            begin = time.monotonic()
            subprocess.run([program, "replay", "-c", os.devnull, "-o", "jsonl", f"{folder}/mainlog"], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            taken.append(time.monotonic() - begin)
        return statistics.median(taken[1:]) / lines * 1e9
    finally:
        shutil.rmtree(folder)


def days_on_end(program, days):
    """A million lines a day through standard input: processor time a line in ns, largest memory in MiB."""
    folder = tempfile.mkdtemp(prefix="exiwarden-bench.")
    try:
        write(f"{folder}/day", 1_000_000, 1000)
        with open(f"{folder}/day", "rb") as lines:
            day = lines.read()
        first = time.strftime("%Y-%m-%d", time.gmtime(START)).encode()
        replay = subprocess.Popen([program, "replay", "-c", os.devnull, "-o", "jsonl", "-"], stdin=subprocess.PIPE,
                                  pipesize=1 << 20, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for number in range(days):
            replay.stdin.write(day.replace(first, time.strftime("%Y-%m-%d", time.gmtime(START + 86400 * number)).encode()))
        # What wait4(2) says of memory is that of this process, from before exec(2).
        memory = live.status(replay.pid, "VmHWM") / 1024
        replay.stdin.close()
        _, status, used = os.wait4(replay.pid, 0)
        assert status == 0, "replay failed"
        return (used.ru_utime + used.ru_stime) / days * 1e3, memory
    finally:
        shutil.rmtree(folder)


def resident(program, identities, events):
    place = live.Place()
    service = live.Service(program, place)
    for at in range(0, identities, 10_000):
        users = range(at, min(identities, at + 10_000))
        place.append("".join(live.refusal(f"user{user}@customer.example", n) for n in range(events) for user in users))
    live.caught_up(place, service, "last@example.org")
    size = service.status("VmRSS") * 1024
    service.stop()
    shutil.rmtree(place.folder)
    return size


def main(program, times):
    print("\n| lines, 1,000 logins | ns a line |\n|---|---|")
    for lines in (100_000, 1_000_000, 10_000_000, 50_000_000):
        print(f"| {lines:,} | {a_line(program, lines, 1000, times):.0f} |", flush=True)
    print("\n| lines through a pipe, a million a day | processor ns a line | largest memory, MiB |\n|---|---|---|")
    for days in (1, 10, 100, 1000):
        a_line_takes, memory = days_on_end(program, days)
        print(f"| {days * 1_000_000:,} | {a_line_takes:.0f} | {memory:.0f} |", flush=True)
    print("\n| logins, 10 million lines | ns a line |\n|---|---|")
    for identities in (10, 1000, 100_000, 1_000_000):
        print(f"| {identities:,} | {a_line(program, 10_000_000, identities, times):.0f} |", flush=True)
    empty = resident(program, 1, 1)
    print("\n| identities | events each | bytes an identity |\n|---|---|---|")
    for identities, events in ((1000, 10), (100_000, 1), (100_000, 10), (100_000, 50), (100_000, 99), (1_000_000, 10)):
        print(f"| {identities:,} | {events} | {(resident(program, identities, events) - empty) / identities:.0f} |",
              flush=True)
