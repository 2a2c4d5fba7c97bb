"""replay over every form of input: the decisions are those of one whole log, whatever it was cut into."""
import datetime
import itertools
import json
import os
import pty
import random
import select
import signal
import subprocess
import unittest
import zlib
import zoneinfo

from log_case import LogCase, PROGRAM, Traffic, crossings, pack, refusal
from program import remarks

BEGIN = datetime.datetime(2026, 3, 10, 20, 0, 0)


class Inputs(LogCase):
    def setUp(self):
        super().setUp()
        self.traffic = Traffic(BEGIN, 60, seed=3)
        self.truth = crossings(self.traffic.entries(), 100, 3600)
        self.assertGreaterEqual(len(self.truth), 4)
        self.days = self.traffic.days()

    def test_whole_and_from_standard_input(self):
        path = self.write("mainlog", self.traffic.whole())
        self.assertEqual(self.decided(path), self.truth)
        self.assertEqual(self.decided("-", stdin=self.traffic.whole()), self.truth)
        self.assertEqual(self.decided("-", stdin=pack(self.traffic.whole(), "zst")), self.truth)

    def test_rotations_of_every_packing_in_any_order(self):
        paths = []
        for number, (day, how) in enumerate(zip(reversed(self.days), itertools.cycle(["", "gz", "xz", "zst", "bz2"]))):
            paths.append(self.write(f"logs/{random.Random(number).randrange(10 ** 6)}", pack(day, how)))
        outputs = set()
        for seed in range(6):
            random.Random(seed).shuffle(paths)
            done = self.expect(0, "replay", "-o", "jsonl", *paths)
            self.assertEqual(remarks(done.stderr), b"")
            outputs.add(done.stdout)
        outputs.add(self.expect(0, "replay", "-o", "jsonl", self.home + "/logs/*").stdout)
        outputs.add(self.expect(0, "replay", "-o", "jsonl", self.home + "/logs").stdout)
        self.assertEqual(len(outputs), 1)
        self.assertEqual(self.decided(self.home + "/logs"), self.truth)

    def test_lines_and_offsets_are_those_of_the_unpacked_file(self):
        day = next(day for day in self.days if day.count(b"A=plain:spammer0") > 100)
        for how in ("gz", "xz", "zst", "bz2"):
            half = day.index(b"\n", len(day) // 2) - 7
            path = self.write("part." + how, pack(day[:half], how) + pack(day[half:], how))  # two members
            for one in self.records("replay", path):
                line = day.splitlines()[one["line"] - 1]
                self.assertIn(one["identity"].encode(), line)
                self.assertTrue(day[one["offset"]:].startswith(line))
                self.assertEqual(one["file"], path)

    def test_the_same_content_twice_counts_once(self):
        paths = [self.write(f"log{i}", day) for i, day in enumerate(self.days)]
        packed = self.write("log1.gz", pack(self.days[1], "gz"))
        early = self.write("copied-early", self.days[2][: len(self.days[2]) // 2])
        done = self.expect(0, "replay", "-o", "jsonl", packed, early, *paths, paths[0])
        self.assertEqual({one["identity"] for one in map(json.loads, done.stdout.splitlines())}, set(self.truth))
        for text in (f"{packed}: the same as {paths[1]}", f"{early}: the same as {paths[2]}", "given twice"):
            self.assertIn(text.encode(), done.stderr)
        self.assertEqual(self.decided(packed, early, *paths), self.truth)

    def test_a_cut_off_archive_is_named_and_used(self):
        for how in ("gz", "xz", "zst", "bz2"):
            whole = pack(self.traffic.whole(), how)
            path = self.write("cut." + how, whole[: len(whole) * 9 // 10])
            done = self.expect(65, "replay", "-o", "jsonl", path)
            self.assertIn(f"cut.{how}: the packed file ends early".encode(), done.stderr)
            found = {one["identity"] for one in map(json.loads, done.stdout.splitlines())}
            self.assertTrue(found and found <= set(self.truth))

    def test_damage_and_what_is_no_log(self):
        whole = pack(self.traffic.whole(), "gz")
        self.expect(65, "replay", self.write("damaged", whole[:5000] + b"\0" * 64 + whole[5064:]))
        self.expect(0, "replay", self.write("padded", whole + b"\0" * 1024))
        self.expect(65, "replay", self.write("trailing", whole + b"no archive"))
        self.expect(66, "replay", self.home + "/missing")
        self.expect(66, "replay", self.home + "/no*such")
        done = self.expect(66, "replay", "-o", "jsonl", self.home + "/missing", self.write("log", self.traffic.whole()))
        self.assertEqual(len(done.stdout.splitlines()), len(self.truth))
        self.assertEqual(self.expect(0, "replay", self.write("empty", b"")).stdout, b"No limit was reached.\n")
        done = self.expect(65, "replay", self.write("empty", b""), self.write("other", b"no log\n" * 9))
        self.assertIn(b"other: no line of Exim", done.stderr)
        self.expect(64, "replay")

    def test_shuffled_rotations_one_twice_one_cut_off(self):
        traffic = Traffic(datetime.datetime(2026, 3, 10), 5 * 24, seed=21, spammers=8)
        days = traffic.days()
        self.assertEqual(len(days), 5)
        names = iter(random.Random(5).sample(range(10 ** 6), 10))
        packings = ["gz", "xz", "zst", "bz2", ""]
        paths = [self.write(f"logs/{next(names)}", pack(day, how)) for day, how in zip(days, packings)]
        whole = paths[2]
        paths.append(self.write(f"logs/{next(names)}", pack(days[1], "zst")))  # again, by another program
        cut = pack(days[2], "gz")
        paths.append(self.write(f"logs/{next(names)}", cut[: len(cut) * 2 // 3]))  # beside its whole
        truth = crossings(traffic.entries(), 100, 3600)
        self.assertGreaterEqual(len(truth), 6)
        outputs = set()
        for seed in range(4):
            random.Random(seed).shuffle(paths)
            done = self.expect(65, "replay", "-o", "jsonl", *paths)
            self.assertEqual(done.stderr.count(b"counted once"), 2)
            self.assertEqual(done.stderr.count(b"ends early"), 1)
            outputs.add((done.stdout, done.stderr))
        self.assertEqual(len(outputs), 1)
        self.assertEqual(self.decided(*paths, code=65), truth)
        # Without its whole, what could be read of it counts, and nothing else is lost.
        rest = [path for path in paths if path != whole]
        readable = zlib.decompressobj(31).decompress(cut[: len(cut) * 2 // 3]).decode().splitlines()
        day = days[2].decode().splitlines()
        entries = [(at, line) for at, line in traffic.entries() if line not in set(day) or line in set(readable)]
        self.assertEqual(self.decided(*rest, code=65), crossings(entries, 100, 3600))

    def test_copies_that_overlap_in_part_count_once(self):
        """Logs copied while they grew, excerpts, and a copy that goes on where the log was cut off."""
        whole = self.traffic.whole()
        lines = whole.splitlines(keepends=True)
        cut = lambda share: len(b"".join(lines[: int(len(lines) * share)]))
        pieces = {
            "b-old": whole[: cut(0.4)],                    # the log as it was
            "a-on": whole[cut(0.2): cut(0.7)],             # begins inside of it
            "c-torn": whole[cut(0.6): cut(0.9) + 30],      # ends inside a line
            "d-last": whole[cut(0.85):],
            "excerpt": whole[cut(0.3): cut(0.35)],
            "odd": whole[cut(0.65) + 11: cut(0.68) + 5],   # tail -c
            "odd2": whole[cut(0.88) - 7: cut(0.95)],
            "second": lines[1] + lines[2],
        }
        for seed, how in enumerate(["", "gz", "zst"]):
            rng = random.Random(seed)
            names = list(pieces)
            rng.shuffle(names)
            renamed = {name: self.write(f"{seed}/{rng.randrange(10 ** 6)}", pack(pieces[name], how if rng.random() < 0.7 else ""))
                       for name in names}
            paths = list(renamed.values())
            rng.shuffle(paths)
            done = self.expect(0, "replay", "-o", "jsonl", *paths)
            found = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertEqual({one["identity"]: datetime.datetime.fromisoformat(one["time"]) for one in found}, self.truth)
            content = {path: pieces[name] for name, path in renamed.items()}
            for one in found:
                line = content[one["file"]][one["offset"]:].split(b"\n")[0]
                self.assertIn(one["identity"].encode(), line)
                self.assertEqual(content[one["file"]].split(b"\n")[one["line"] - 1], line)
            self.assertEqual(done.stderr.count(b"counted once"), 7, done.stderr)
            # Every event once, and no line that was copied in part.
            events = self.records("events", "--all", *paths)
            single = self.records("events", "--all", self.write("single", whole))
            key = lambda one: (one["time"], one["recipient"], one["user"], one["host"], one["kind"])
            self.assertEqual(sorted(map(str, map(key, events))), sorted(map(str, map(key, single))))

    def test_a_log_cut_between_lines_that_are_alike_lost_nothing(self):
        line = refusal("2026-03-10 10:00:00", "bob@lab.example", "gone@remote.test") + "\n"
        last = refusal("2026-03-10 10:00:00", "bob@lab.example", "last@remote.test") + "\n"
        one, two = self.write("one", (line * 60).encode()), self.write("two", (line * 39 + last).encode())
        self.assertEqual(list(self.decided(one, two)), ["bob@lab.example"])

    def test_reject_logs_of_a_directory_are_left_out(self):
        self.write("logs/mainlog", self.traffic.whole())
        lines = self.traffic.whole().splitlines(keepends=True)
        self.write("logs/rejectlog", b"".join(line for line in lines if b" rejected RCPT " in line))
        done = self.expect(0, "replay", "-o", "jsonl", self.home + "/logs")
        self.assertIn(b"rejectlog: left out", done.stderr)
        self.assertEqual(self.decided(self.home + "/logs"), self.truth)
        self.assertEqual(self.decided(self.home + "/logs/rejectlog"), self.truth)

    def test_gaps_are_said(self):
        paths = [self.write(f"log{i}", day) for i, day in enumerate(self.days)]
        done = self.expect(0, "replay", *paths[:1], *paths[2:])
        self.assertIn(b"nothing between 2026-03-10 ", done.stderr)
        self.assertEqual(remarks(self.expect(0, "replay", *paths).stderr), b"")

    def test_hosts_side_by_side(self):
        # Every line of the log goes to one of three hosts; together they are the whole.
        entries = list(self.traffic.entries())
        for seed in range(4):
            rng = random.Random(seed)
            logs = {"mx1": [], "mx2": [], "mx3": []}
            for _, line in entries:
                logs[rng.choice(list(logs))].append(line + "\n")
            names = []
            for host, lines in logs.items():
                half = len(lines) // 2
                self.write(f"{seed}/{host}/old", "".join(lines[:half]).encode())
                self.write(f"{seed}/{host}/new", "".join(lines[half:]).encode())
                names.append(f"{host}:{seed}/{host}")
            rng.shuffle(names)
            done = self.expect(0, "replay", "-o", "jsonl", *names)
            self.assertEqual(remarks(done.stderr), b"")
            found = {one["identity"]: datetime.datetime.fromisoformat(one["time"])
                     for one in map(json.loads, done.stdout.splitlines())}
            self.assertEqual(found, self.truth)
            self.assertTrue(all(one["file"].startswith("mx") for one in map(json.loads, done.stdout.splitlines())))
            # Without labels they overlap in time: merged all the same, and said.
            done = self.expect(0, "replay", "-o", "jsonl", *[f"{seed}/{host}" for host in logs])
            self.assertIn(b"overlap", done.stderr)
            self.assertEqual({one["identity"]: datetime.datetime.fromisoformat(one["time"])
                              for one in map(json.loads, done.stdout.splitlines())}, self.truth)
        only = self.expect(0, "events", "-o", "jsonl", "--host", "mx2", *names).stdout.splitlines()
        self.assertTrue(only and all(json.loads(one)["file"].startswith("mx2:") for one in only))
        self.assertIn(b"no label", self.expect(64, "events", "--host", "mx9", *names).stderr)

    def test_selection(self):
        path = self.write("mainlog", self.traffic.whole())
        moment = max(self.truth.values())
        later = [one for one in self.traffic.entries() if one[0] >= moment - datetime.timedelta(hours=1)]
        self.assertEqual(self.decided("--since", f"{moment - datetime.timedelta(hours=1):%Y-%m-%dT%H:%M:%S}", path),
                         crossings(later, 100, 3600))
        earlier = [one for one in self.traffic.entries() if one[0] < moment]
        self.assertEqual(self.decided("--until", f"{moment:%Y-%m-%dT%H:%M:%S}Z", path), crossings(earlier, 100, 3600))
        self.assertEqual(list(self.decided("--user", "SPAMMER1@customer1.example", path)), ["spammer1@customer1.example"])
        self.assertEqual(list(self.decided("--host", "192.0.2.64/27", path)), ["192.0.2.70"])
        shifted = self.decided("--timezone", "Asia/Kolkata", path)
        self.assertEqual({who: at - datetime.timedelta(hours=5.5) for who, at in self.truth.items()}, shifted)
        for wrong in (["--since", "soon"], ["--timezone", "Mars/Dune"], ["--since", "2026-03-12", "--until", "2026-03-11"]):
            self.expect(64, "replay", *wrong, path)

    def test_syslog_rotations(self):
        lines = [f"{line[:10]}T{line[11:19]}+00:00 mx1 exim[77]: {line}\n" for _, line in self.traffic.entries()]
        half = len(lines) // 2
        new, old = self.write("a", "".join(lines[half:]).encode()), self.write("b", "".join(lines[:half]).encode())
        self.assertEqual(self.decided(new, old), self.truth)


class Nights(LogCase):
    """The hour that autumn repeats and the one that spring skips."""

    def check(self, zone_name, begin):
        zone = zoneinfo.ZoneInfo(zone_name)
        traffic = Traffic(begin, 8, seed=5, spammers=6, honest=60)
        # One at the very seam: 99 in the first pass, one more an hour after the first of them.
        for i in range(100):
            traffic.lines.append((3 * 3600 + i * 36, [refusal("{stamp}", "seam@lab.example", f"seam{i}@remote.test")]))
        traffic.lines.sort(key=lambda line: line[0])
        truth = crossings(traffic.entries(), 100, 3600)
        self.assertIn("seam@lab.example", truth)
        whole = traffic.whole(zone)
        path = self.write("whole", whole)
        self.assertEqual(self.decided("--timezone", zone_name, path), truth, zone_name)
        # Cut at many places, also inside the hour; names say nothing about the order.
        lines = whole.splitlines(keepends=True)
        for pieces in (2, 5, 16):
            size = len(lines) // pieces + 1
            paths = [self.write(f"{random.Random(at).random()}.{pieces}", b"".join(lines[at:at + size]))
                     for at in range(0, len(lines), size)]
            random.Random(pieces).shuffle(paths)
            self.assertEqual(self.decided("--timezone", zone_name, *paths), truth, (zone_name, pieces))

    def test_autumn(self):
        for zone, day in (("Europe/Berlin", datetime.datetime(2026, 10, 24, 21)),
                          ("America/New_York", datetime.datetime(2026, 11, 1, 2)),
                          ("Australia/Lord_Howe", datetime.datetime(2026, 4, 4, 11))):
            self.check(zone, day)

    def test_spring(self):
        for zone, day in (("Europe/Berlin", datetime.datetime(2026, 3, 28, 21)),
                          ("America/New_York", datetime.datetime(2026, 3, 8, 3)),
                          ("Australia/Lord_Howe", datetime.datetime(2026, 10, 3, 11))):
            self.check(zone, day)


class LongWork(LogCase):
    def test_a_silent_pipe_is_said_and_ctrl_c_ends_cleanly(self):
        traffic = Traffic(BEGIN, 24, seed=3)
        with subprocess.Popen([PROGRAM, "replay", "-c", self.config, "-o", "jsonl", "-"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdin.write(traffic.whole())
            process.stdin.flush()
            self.assertIn(b"waiting for standard input", process.stderr.readline())
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertIn(b"interrupted: the results cover only the part that was read", err)
        self.assertEqual(len(out.splitlines()), len(crossings(traffic.entries(), 100, 3600)))

    def test_a_bar_on_a_terminal_and_ctrl_c_in_long_work(self):
        traffic = Traffic(BEGIN, 24, seed=3)
        noise = b"".join(b"2026-03-12 10:00:00 1xVRUA-00002H-0Z => a%d@b.test R=r T=t H=mx.test [203.0.113.9]\n" % i for i in range(9000))
        path = self.home + "/long"
        packed = pack(noise, "gz")
        with open(path, "wb") as out:  # more than a gigabyte, unpacked
            out.write(pack(traffic.whole(), "gz"))
            for _ in range(1500):
                out.write(packed)
        terminal, other = pty.openpty()
        self.addCleanup(os.close, terminal)
        with subprocess.Popen([PROGRAM, "replay", "-c", self.config, "--report", self.home + "/page.html", path],
                              stdout=subprocess.PIPE, stderr=other) as process:
            os.close(other)
            seen = b""
            while b" left" not in seen:  # or else the end of it is an error
                self.assertTrue(select.select([terminal], [], [], 60)[0], seen)
                seen += os.read(terminal, 4096)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=60)
            while select.select([terminal], [], [], 1)[0]:
                try:
                    seen += os.read(terminal, 4096)
                except OSError:  # the other side is closed
                    break
        self.assertEqual(process.returncode, 130)
        self.assertRegex(seen, rb"\[=*> *\] +\d+ %  .* of \d+ MiB  .*/s  .* left")
        self.assertTrue(all(len(line) < 80 for line in seen.decode().replace("\r", "\n").replace("\x1b[K", "").splitlines()
                            if "%" in line))
        self.assertIn(b"interrupted: the results cover only the part that was read", seen)
        self.assertIn(b"no page was written", seen)
        self.assertFalse(os.path.exists(self.home + "/page.html"))
        for who in crossings(traffic.entries(), 100, 3600):
            self.assertIn(who.encode(), out)


if __name__ == "__main__":
    unittest.main()
