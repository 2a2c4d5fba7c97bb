"""evidence and replay --report: pages that hold whatever a log holds and let none of it act."""
import csv
import datetime
import hashlib
import html.parser
import os
import re
import shutil
import struct
import subprocess
import time
import unittest

from log_case import LogCase, Traffic, arrival, message_id, refusal

BEGIN = datetime.datetime(2026, 3, 10, 20, 0, 0)
CHROMIUM = shutil.which("chromium")
TAGS = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "div", "b", "span", "table", "thead", "tbody", "tr", "th",
        "td", "pre", "footer", "svg", "path", "line", "rect", "text"}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "viewbox", "role", "aria-label", "d", "x", "y", "x1", "x2",
              "y1", "y2", "width", "height", "text-anchor"}
HOSTILE = ["<script>document.title='owned'</script>", "</title></style></pre><script>document.title='owned'</script>",
           "\"><img src=x onerror=document.title='owned'>", "' onload='document.title=1", "<svg/onload=document.title='owned'>",
           "&lt;script&gt;", "<!--", "]]>", "{{7*7}}", "javascript:document.title='owned'", "\x1b[31mred\x07", "\u202egnp.exe", "\u2028\u2029",
           "<a href=//evil.test>x</a>", "<meta http-equiv=refresh content=0;url=//evil.test>", "=HYPERLINK(1)"]


class Page(html.parser.HTMLParser):
    """What a browser would see of the structure."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.words = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.words.append(data)


class Report(LogCase):
    def check_page(self, path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        page = Page(text)
        self.assertLessEqual(page.tags, TAGS)
        self.assertLessEqual({name for name, _ in page.attributes}, ATTRIBUTES)
        self.assertTrue(any(value and value.startswith("default-src 'none'; style-src 'sha256-") for _, value in page.attributes))
        self.assertNotRegex(text.split("</style>")[0], r"url\(|@import")
        self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]")
        self.assertLess(len(text.encode()), 1 << 20)
        return text, " ".join(page.words)

    def in_browser(self, path, *arguments):
        profile = os.path.join(self.home, "profile")
        done = subprocess.run([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                               "--disable-background-networking", "--disable-component-update", "--disable-sync",
                               f"--user-data-dir={profile}", *arguments, "file://" + path],
                              capture_output=True, timeout=240, check=False, cwd=self.home)
        shutil.rmtree(profile, ignore_errors=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode()

    def seconds_in_browser(self, path):
        begin = time.monotonic()
        self.in_browser(path, "--dump-dom")
        return time.monotonic() - begin

    def hostile_log(self):
        user = "eve@x.example"
        lines = []
        for i in range(150):
            text = HOSTILE[i % len(HOSTILE)]
            stamp = f"2026-03-10 10:{i // 60:02}:{i % 60:02}"
            quoted = text.replace("\\", "\\\\").replace('"', '\\"')
            lines.append(refusal(stamp, user, f'"{quoted}{i}"@d{i % 7}.test', reason=f"Unrouteable address {text}")
                         .replace(f"F=<{user}>", f'F=<"{quoted}"@sender.test>'))
            if i % 10 == 0:
                sent = arrival(stamp, message_id(i), user, [f"friend{i}@good.test"])
                sent[0] += f' T="{quoted}"'
                lines += sent[:2] + ([stamp + f" {message_id(i)} Frozen (delivery error message)"] if i == 30 else sent[2:])
        return "\n".join(lines).encode() + b"\n"

    def test_hostile_bytes_are_text(self):
        log = self.write("main<script>log", self.hostile_log())
        path = self.home + "/page.html"
        self.expect(0, "evidence", "--html", path, "eve@x.example", log)
        text, words = self.check_page(path)
        for part in ("eve@x.example", "limit reached", "reached the limit", "Where this comes from", "Configuration", "good.test",
                     "frozen", "<script>document.title='owned'</script>", hashlib.sha256(self.hostile_log()).hexdigest()):
            self.assertIn(part, words + text)
        with open(self.home + "/page.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        self.assertTrue(all(len(row) == 10 for row in rows), rows[:3])
        self.assertEqual(sum(int(row[3]) for row in rows if row[1] == "host"), 150)
        self.assertFalse([cell for row in rows[1:] for cell in row if cell[:1] in "=+@" and cell])
        terminal = self.expect(0, "evidence", "eve@x.example", log).stdout
        self.assertNotRegex(terminal.decode(), "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]")

    def tune_page(self):
        """Of identities whose names are hostile."""
        lines, names = [], []
        for i, text in enumerate(HOSTILE):
            name = text.replace(" ", "_").encode("unicode_escape").decode()  # as Exim would print it
            names.append(name)
            for k in range(3 + i * 5 if i < 8 else i * 40):
                line = refusal(f"2026-03-10 10:{k // 60:02}:{k % 60:02}", name, f"g{k}@x.test")
                lines.append(line.replace(f"F=<{name}>", "F=<>"))
        lines.sort(key=lambda line: line[:19])
        path = self.home + "/tune.html"
        log = self.write("main<script>log", "\n".join(lines).encode() + b"\n")
        labels = self.write("spammers", "\n".join(names[8:]).encode())
        self.expect(0, "tune", "--html", path, "--spammers", labels, log)
        return path

    def test_tune_as_a_page(self):
        text, words = self.check_page(self.tune_page())
        for part in ("Rule authenticated", "suggested limit and period", "Identities blocked, by limit and period", "Blocked by it",
                     "Left alone, nearest first", "[[rule]]", "ratelimit = ", "spammers hit",
                     HOSTILE[0], "<img_src=x_onerror=document.title='owned'>"):
            self.assertIn(part, words)
        self.assertNotIn("<script", text)
        cells = {(one["period"], one["limit"]): one["identities"] for one in
                 self.records("tune", "--summary", self.home + "/main<script>log") if one["rule"] == "authenticated"}
        with open(self.home + "/tune.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for (period, limit), identities in cells.items():
            beside = [row["identity"].removeprefix("'") for row in rows
                      if (int(row["period"]), int(row["limit"])) == (period, limit)]
            self.assertEqual(len(beside), len(identities), (period, limit))
        self.assertFalse([cell for row in rows for cell in row.values() if cell[:1] in "=+@" and cell])
        self.expect(73, "tune", "--html", self.home + "/no/where.html", self.home + "/main<script>log")

    @unittest.skipUnless(CHROMIUM, "no chromium")
    def test_tune_in_a_browser(self):
        seen = self.in_browser(self.tune_page(), "--dump-dom")
        self.assertIn("<title>Limits, and the senders they would have blocked</title>", seen)
        self.assertNotIn("<script", seen)

    @unittest.skipUnless(CHROMIUM, "no chromium")
    def test_in_a_browser(self):
        path = self.home + "/page.html"
        self.expect(0, "evidence", "--html", path, "eve@x.example", self.write("mainlog", self.hostile_log()))
        seen = self.in_browser(path, "--dump-dom")
        self.assertIn("<title>Evidence: eve@x.example</title>", seen)
        self.assertNotIn("<script", seen)
        picture = self.home + "/shot.png"
        self.in_browser(path, f"--screenshot={picture}", "--window-size=1000,1400")
        with open(picture, "rb") as file:
            head = file.read(24)
        self.assertEqual(struct.unpack(">II", head[16:24]), (1000, 1400))

    def test_figures_are_those_of_the_log(self):
        traffic = Traffic(BEGIN, 30, seed=4)
        log = self.write("mainlog", traffic.whole())
        user = "spammer0@customer0.example"
        lines = [line for _, line in traffic.entries()]
        [one] = self.records("evidence", user.upper(), log)
        self.assertEqual(one["refused"], sum(f"A=plain:{user} rejected" in line for line in lines))
        mine = [line.split(" ")[2] for line in lines if f" <= {user} " in line]
        self.assertEqual(one["messages"], len(mine))
        self.assertEqual(one["recipients"], sum(line.split(" ")[3] == "=>" and line.split(" ")[2] in mine for line in lines))
        self.assertEqual(len(one["decided"]), 1)
        [relay] = self.records("evidence", "192.0.2.70", log)
        self.assertEqual((relay["identity_kind"], relay["refused"]), ("relay", 150))
        text = self.expect(0, "evidence", user, log).stdout.decode()
        for part in (f"user {user}", "not blocked now", "Rule authenticated reached 100", "client host", "remote.test", "SHA-256 "):
            self.assertIn(part, text)
        self.assertIn(b"nothing about", self.expect(1, "evidence", "nobody@x", log).stderr)
        self.expect(64, "evidence")

    def test_the_live_logs_by_default_and_what_is_listed(self):
        traffic = Traffic(BEGIN, 30, seed=4)
        days = traffic.days()
        self.write("log/mainlog", days[-1])
        self.write("log/mainlog.1", b"".join(days[:-1]))
        self.write("state/exim/blocked_authenticated_users", b"spammer0@customer0.example: by hand\n")
        with open(self.config, encoding="utf-8") as file:
            content = file.read()
        self.write("live.toml", content.replace("[log]\n", f'[log]\npaths = ["{self.home}/log/mainlog"]\n').encode())
        done = self.expect(0, "evidence", "spammer0@customer0.example", config=self.home + "/live.toml")
        self.assertIn(b"by hand", done.stdout)
        self.assertIn(b"mainlog.1", done.stdout)

    QUEUE = """#!/usr/bin/python3
import sys
queue = [("{0}", "1", "0", 1773136800, 1200, "198.51.100.7", "plain", "", "eve@x.example"),
         ("{1}", "0", "0", 1773136801, 1300, "198.51.100.7", "plain", "", "eve@x.example"),
         ("{2}", "1", "0", 1773136802, 1400, "198.51.100.7", "plain", "", "mallory@x.example"),
         ("{3}", "1", "0", 1773136799, 1500, "198.51.100.7", "", "", "eve@x.example")]
names = ("deliver_freeze", "manually_thawed", "received_time", "message_size", "sender_host_address", "sender_host_authenticated",
         "originator_login", "authenticated_id")
for ident, *values in queue:
    print(ident, " ".join(f"{{name}}='{{value}}'" for name, value in zip(names, values)))
"""

    def with_queue(self):
        ids = [message_id(i) for i in (30, 40, 50, 60)]
        self.write("bin/exim", b"#!/bin/sh\necho spool_directory = /nowhere\n")
        self.write("bin/exipick", self.QUEUE.format(*ids).encode())
        for name in ("exim", "exipick"):
            os.chmod(f"{self.home}/bin/{name}", 0o755)
        with open(self.config, encoding="utf-8") as file:
            self.write("queue.toml", (file.read() + f'[exim]\nbinary = "{self.home}/bin/exim"\n').encode())
        return ids

    def test_what_is_frozen_now(self):
        ids = self.with_queue()
        log = self.write("mainlog", self.hostile_log())
        config = self.home + "/queue.toml"
        text = self.expect(0, "evidence", "eve@x.example", log, config=config).stdout.decode()
        self.assertIn("In Exim's queue on this machine: 1 of its messages frozen, 1 waiting.", " ".join(text.split()))
        frozen = text.split("frozen now")[1].split("log lines")[0]
        self.assertIn(ids[0], frozen)
        end = text[text.rindex("  Verdict: "):]
        self.assertRegex(" ".join(end.split("\n  Look")[0].split()), r"^Verdict: reached 100 in 1h \(rule authenticated\) at "
                         r"2026-03-10 10:01:39; not blocked now; 1 message frozen\.$")
        self.assertEqual([re.search(r"exiwarden \w+|-Mvh \S+", line)[0] for line in end.splitlines() if line.startswith("    ")],
                         [f"-Mvh {ids[0]}", "exiwarden evidence", "exiwarden release", "exiwarden unblock"])
        self.assertIn("--delete --exact -- 'eve@x.example'", end.splitlines()[-1])
        for other in ids[1:]:
            self.assertNotIn(other, frozen)
        for command in (["evidence", "--html", self.home + "/f.html", "eve@x.example"], ["replay", "--report", self.home + "/f.html"]):
            self.expect(0, *command, log, config=config)
            _, words = self.check_page(self.home + "/f.html")
            part = words.split("Frozen now")[1].split("Client hosts")[0]
            self.assertIn(ids[0], part)
            self.assertIn(HOSTILE[30 % len(HOSTILE)].split("\x1b")[0][:8], part)  # its subject, from the log
            with open(self.home + "/f.csv", encoding="utf-8", newline="") as file:
                self.assertEqual([row[2] for row in csv.reader(file) if row[1] == "frozen"], [ids[0]])
        # Without an Exim that can be asked, what the logs say.
        for broken in (f'[exim]\nbinary = "{self.home}/bin/missing"\n', f'[exim]\nbinary = "{self.home}/mainlog"\n'):
            with open(self.config, encoding="utf-8") as file:
                self.write("none.toml", (file.read() + broken).encode())
            text = self.expect(0, "evidence", "eve@x.example", log, config=self.home + "/none.toml").stdout.decode()
            self.assertIn("queue can't be asked here", " ".join(text.split()))
            self.assertIn("1 of its messages is frozen", " ".join(text.split()))
        alone = self.expect(0, "evidence", "--logs-only", "eve@x.example", log, config=config).stdout.decode()
        self.assertNotIn("queue", alone.split("Verdict")[0])
        self.assertNotIn("not blocked now", alone)

    def test_what_was_said_about_the_logs_is_on_the_page(self):
        traffic = Traffic(BEGIN, 30, seed=4)
        days = traffic.days()
        self.write("logs/a", days[0])
        self.write("logs/b", days[0][:5000])
        path = self.home + "/page.html"
        done = self.expect(0, "replay", "--report", path, self.home + "/logs")
        self.assertEqual(done.stderr.count(b"counted once"), 1)
        done = self.expect(0, "evidence", "--html", path, "spammer0@customer0.example", self.write("whole", traffic.whole()),
                           self.home + "/logs")
        _, words = self.check_page(path)
        self.assertIn("About these logs", words)
        self.assertIn("counted once", words)

    def test_both_sums_of_refusals_are_named(self):
        lines = [refusal(f"2026-03-10 10:{i // 60:02}:{i % 60:02}", "eve@x.example", f"a{i}@d.test",
                         reason="Unrouteable address" if i < 121 else "relay not permitted") for i in range(156)]
        log = self.write("log", "\n".join(lines).encode() + b"\n")
        path = self.home + "/page.html"
        text = self.expect(0, "evidence", "eve@x.example", log).stdout.decode()
        self.expect(0, "evidence", "--html", path, "eve@x.example", log)
        _, words = self.check_page(path)
        for found in (text, words):
            for number in ("121", "35", "156"):
                self.assertRegex(found, rf"\b{number}\b")
        self.assertRegex(text, r"(?m)^ +156 in all: what the tables below count as refused$")
        self.assertRegex(text, r"(?m)^  198\.51\.100\.7 +156 ")
        self.assertIn("all 156 refusals: the 121 of recipients that do not exist, and the 35 for other reasons", words)

    def test_a_label_of_the_timeline_is_what_was_seen(self):
        lines = [refusal(f"2026-03-10 10:00:{i:02}", "eve@x.example", f"a{i}@d.test") for i in range(57)]
        log = self.write("log", "\n".join(lines).encode() + b"\n")
        path = self.home + "/page.html"
        self.expect(0, "evidence", "--html", path, "eve@x.example", log)
        with open(path, encoding="utf-8") as file:
            page = file.read()
        labels = re.findall(r'<text[^>]*text-anchor="end"[^>]*>([0-9,]+)</text>', page)
        self.assertIn("57", labels)
        self.assertNotIn("120", labels)  # six fifths of the limit: nothing ever reached it

    def test_report_of_a_replay(self):
        traffic = Traffic(BEGIN, 30, seed=4)
        log = self.write("mainlog", traffic.whole())
        path = self.home + "/all.html"
        plain = self.expect(0, "replay", "-o", "jsonl", log).stdout
        done = self.expect(0, "replay", "-o", "jsonl", "--report", path, log)
        self.assertEqual(done.stdout, plain)
        _, words = self.check_page(path)
        for line in plain.splitlines():
            self.assertIn(line.decode().split('"identity":"')[1].split('"')[0], words)
        self.expect(64, "replay", "--report", path, "-")
        os.mkfifo(self.home + "/fifo")
        self.expect(64, "replay", "--report", path, self.home + "/fifo")
        self.expect(73, "replay", "--report", self.home + "/no/where.html", log)

    def test_a_heavy_sender_still_fits(self):
        lines = []
        for i in range(30000):
            stamp = f"2026-03-{10 + i // 86400:02} {i // 3600 % 24:02}:{i // 60 % 60:02}:{i % 60:02}"
            lines.append(refusal(stamp, "eve@x.example", f"g{i}@d{i}.test", f"198.51.100.{i % 250}", f"no such user {i}: " + "x" * 200))
        path = self.home + "/heavy.html"
        self.expect(0, "evidence", "--html", path, "eve@x.example", self.write("mainlog", "\n".join(lines).encode() + b"\n"))
        self.check_page(path)
        with open(self.home + "/heavy.csv", encoding="utf-8", newline="") as file:
            domains = [row for row in csv.reader(file) if row[1] == "domain"]
        self.assertEqual(sum(int(row[3]) for row in domains), 30000)
        self.assertGreater(len(domains), 10000)
        if CHROMIUM:
            # What the page takes beside an empty one; the rest is the start of the browser.
            empty = self.write("empty.html", b"<!DOCTYPE html><title>empty</title>")
            took = {page: min(self.seconds_in_browser(page) for _ in range(3)) for page in (empty, path)}
            self.assertLess(took[path] - took[empty], 1, took)


if __name__ == "__main__":
    unittest.main()
