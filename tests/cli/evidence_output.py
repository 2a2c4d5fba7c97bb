"""What `events` and `replay` print: fields, forms, and hostile bytes only escaped."""

import collections
import contextlib
import csv
import io
import json
import sqlite3
import tempfile
import unittest
from pathlib import Path

from program import call, remarks

EVENT_FIELDS = ["file", "line", "offset", "ts", "time", "kind", "user", "host", "recipient", "sender",
                "reason", "authenticator", "message_id"]
DECISION_FIELDS = ["time", "rule", "identity_kind", "identity", "count", "limit", "period", "first",
                   "file", "line", "offset"]

CONFIG = """[log]
timezone = "Europe/Berlin"
[relay]
hosts = ["192.0.2.0/24"]
own = ["192.0.2.25"]
[[rule]]
name = "u"
identity = "user"
limit = 2
[[rule]]
name = "r"
identity = "relay"
limit = 1
"""

LOG = [
    b"2026-11-23 10:42:30 1xVRUA-00002H-0Z <= bob@example.org H=(c) [198.51.100.7] P=esmtpa A=plain:bob S=9",
    b"2026-11-23 10:42:35.123 H=(c) [198.51.100.7] F=<s@example.org> A=plain:bob rejected RCPT <x@example.net>: Unrouteable address",
    b"2026-11-23 10:42:36 H=(c) [198.51.100.7] F=<> A=plain:bob rejected RCPT <y@example.net>",
    b"2026-11-23 10:42:37 H=(c) [198.51.100.7] F=<s@example.org> A=plain:bob temporarily rejected RCPT <z@example.net>: later",
    b"2026-11-23 10:42:38 H=(c) [192.0.2.7] F=<s@example.org> rejected RCPT <x@example.net>: relay not permitted",
    b"2026-11-23 10:42:39 H=(c) [192.0.2.7] F=<s@example.org> rejected RCPT <x@example.net>: Unrouteable address",
    b"2026-11-23 10:42:40 H=(c) [203.0.113.9] F=<s@example.org> rejected RCPT <x@example.net>: Unrouteable address",
    b"2026-11-23 10:42:41 U=nobody F=<l@example.org> rejected RCPT <x@example.net>: Unrouteable address",
    b"2026-11-23 10:42:42 H=(c) [198.51.100.7] F=<s@example.org> A=noid rejected RCPT <x@example.net>: Unrouteable address",
    b"2026-11-23 10:42:43 H=(c) [198.51.100.7] U=a F=<b> A=p:v rejected RCPT <c>: Unrouteable address F=<> A=plain:bob rejected RCPT <x@example.net>: Unrouteable address",
]


class Output(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="exiwarden-output-")
        self.addCleanup(self.directory.cleanup)
        self.root = Path(self.directory.name)
        self.config = self.root / "c.toml"
        self.config.write_text(CONFIG)
        self.log = self.root / "mainlog"
        self.log.write_bytes(b"\n".join(LOG) + b"\n")

    def events(self, *args, log=None):
        done = call("events", "-c", self.config, "-o", "jsonl", *args, log or self.log)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_events_fields(self):
        events = self.events()
        for event in events:
            self.assertEqual(list(event)[:len(EVENT_FIELDS)], EVENT_FIELDS)
        offset = len(LOG[0]) + 1
        first = {name: events[0][name] for name in EVENT_FIELDS}
        self.assertEqual(first, {
            "file": str(self.log), "line": 2, "offset": offset, "ts": "2026-11-23 10:42:35",
            "time": "2026-11-23T10:42:35+01:00", "kind": "rejected_rcpt", "user": "bob",
            "host": "198.51.100.7", "recipient": "x@example.net", "sender": "s@example.org",
            "reason": "Unrouteable address", "authenticator": "plain", "message_id": None})
        self.assertEqual([(e["line"], e["kind"], e["user"], e["host"]) for e in events], [
            (2, "rejected_rcpt", "bob", "198.51.100.7"),
            (3, "rejected_rcpt" if events[1]["kind"] == "rejected_rcpt" else "policy_rejected", "bob",
             "198.51.100.7"),
            (4, "temp_rejected", "bob", "198.51.100.7"),
            (5, "policy_rejected", None, "192.0.2.7"),
            (6, "rejected_rcpt", None, "192.0.2.7"),
            (9, "rejected_rcpt", "", "198.51.100.7"),
            (10, "ambiguous", None, "198.51.100.7"),
        ])
        self.assertIsNone(events[1]["reason"])
        self.assertEqual(events[1]["sender"], "")

    def test_all_shows_what_can_charge_nobody(self):
        lines = lambda *args: [event["line"] for event in self.events(*args)]
        self.assertEqual(lines(), [2, 3, 4, 5, 6, 9, 10])
        self.assertEqual(lines("--all"), [2, 3, 4, 5, 6, 7, 9, 10])
        # Without networks of ours nobody is known to be an outsider.
        self.config.write_text('[log]\ntimezone = "UTC"\n')
        self.assertEqual(lines(), [2, 3, 4, 5, 6, 7, 9, 10])

    def test_forms_agree(self):
        objects = self.events("--all")
        table = call("events", "-c", self.config, "-o", "csv", "--all", self.log).stdout.decode()
        rows = list(csv.reader(io.StringIO(table, newline="")))
        self.assertEqual(rows[0], list(objects[0]))
        self.assertEqual(len(rows), len(objects) + 1)
        for row, event in zip(rows[1:], objects):
            self.assertEqual(row, ["" if value is None else str(value) for value in event.values()])
        text = call("events", "-c", self.config, "--all", self.log).stdout.decode().splitlines()
        self.assertEqual(len(text), len(objects))
        self.assertIn("mainlog:2: 2026-11-23 10:42:35 rejected_rcpt user=bob host=198.51.100.7 "
                      "recipient=x@example.net reason=Unrouteable address", text[0])

    def test_tables_are_what_sqlite_imports(self):
        nasty = b'"a,b;c\'d"'
        self.log.write_bytes(b"\n".join(LOG + [LOG[1].replace(b"<x@", b"<" + nasty + b"@")]) + b"\n")
        table = call("events", "-c", self.config, "-o", "csv", self.log).stdout.decode()
        header, *rows = csv.reader(io.StringIO(table, newline=""))
        self.assertEqual({len(row) for row in rows}, {len(header)})
        with contextlib.closing(sqlite3.connect(":memory:")) as database:
            database.execute(f"create table events ({', '.join(header)})")
            database.executemany(f"insert into events values ({', '.join('?' * len(header))})", rows)
            found = database.execute("select identity, count(*) from events where kind = 'rejected_rcpt' and identity "
                                     "!= '' group by 1 order by 2 desc, 1").fetchall()
            recipients = [one for one, in database.execute("select recipient from events order by cast(line as int)")]
        events = self.events()
        counts = collections.Counter(event["identity"] for event in events
                                     if event["kind"] == "rejected_rcpt" and event["identity"])
        self.assertEqual(found, sorted(counts.items(), key=lambda item: (-item[1], item[0])))
        self.assertGreaterEqual(counts["bob"], 2)
        self.assertEqual(recipients, [event["recipient"] or "" for event in events])

    def test_standard_input_and_a_missing_last_newline(self):
        content = self.log.read_bytes()
        for given in (content, content[:-1]):
            done = call("events", "-c", self.config, "-o", "jsonl", "-", stdin=given)
            self.assertEqual(done.returncode, 0)
            events = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertEqual([event["line"] for event in events], [2, 3, 4, 5, 6, 9, 10])

    def test_replay_fields(self):
        done = call("replay", "-c", self.config, "-o", "jsonl", self.log)
        self.assertEqual((done.returncode, remarks(done.stderr)), (0, b""))
        decisions = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([list(decision)[:len(DECISION_FIELDS)] for decision in decisions],
                         [DECISION_FIELDS] * len(decisions))
        relay = {name: decisions[-1][name] for name in DECISION_FIELDS}
        self.assertEqual(relay, {
            "time": "2026-11-23T10:42:39+01:00", "rule": "r", "identity_kind": "relay",
            "identity": "192.0.2.7", "count": 1, "limit": 1, "period": 3600,
            "first": "2026-11-23T10:42:39+01:00", "file": str(self.log), "line": 6,
            "offset": sum(len(line) + 1 for line in LOG[:5])})

    def test_hostile_bytes_come_out_only_escaped(self):
        nasty = b"\x1b]0;x\x07\x1b[2J\r%s<script>\x7f\xff\xc2\x9b1m\xe2\x80\xae\xe2\x80\xa8"
        line = (b'2026-11-23 10:42:35 H=(c) [198.51.100.7] F=<"' + nasty + b'"@example.org> A=plain:b=b '
                b"rejected RCPT <=" + nasty + b"@example.net>: Unrouteable address " + nasty + b"\n")
        log = self.root / ("main\x1blog")
        log.write_bytes(line * 2)
        for command in ("events", "replay"):
            for form in ("text", "jsonl", "csv"):
                with self.subTest(command=command, form=form):
                    done = call(command, "-c", self.config, "-o", form, log)
                    self.assertEqual(done.returncode, 0)
                    self.assertTrue(done.stdout)
                    text = done.stdout.decode("utf-8")  # valid, or this fails
                    bad = [c for c in text if (ord(c) < 32 and c != "\n") or 0x7f <= ord(c) < 0xa0 or
                           c in "\u202e\u2028"]
                    self.assertEqual(bad, [])
                    if command == "replay" and form == "text":
                        continue  # a table for people
                    self.assertEqual(len(text.splitlines()), 2 + (form == "csv") if command == "events"
                                     else 1 + (form == "csv"))
        event = self.events(log=log)[0]
        self.assertEqual(event["recipient"].encode()[:20], (b"=" + nasty)[:20])
        rows = list(csv.DictReader(io.StringIO(
            call("events", "-c", self.config, "-o", "csv", log).stdout.decode(), newline="")))
        self.assertTrue(rows[0]["recipient"].startswith("'="))


if __name__ == "__main__":
    unittest.main()
