"""exiwarden explain: what a line is, who is charged, and why not."""
import csv
import io
import json
import os
import re
import subprocess
import tempfile
import unittest

EXIWARDEN = os.environ["EXIWARDEN"]
CONFIG = b"""
[log]
timezone = "UTC"
[relay]
hosts = ["192.0.2.64/26"]
own = []
[[rule]]
name = "users"
identity = "user"
signals = ["rejected_rcpt", "bounced"]
limit = 3
"""
REFUSED = (b"2026-11-23 10:40:48 H=(h) [198.51.100.7] F=<bob@example.com> A=plain:bob rejected RCPT "
           b"<nobody@example.com>: Unrouteable address")


class Explain(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.config = os.path.join(self.directory.name, "c.toml")
        with open(self.config, "wb") as file:
            file.write(CONFIG)

    def explain(self, *words, stdin=b"", code=0):
        done = subprocess.run([EXIWARDEN, "explain", "-c", self.config, *words], input=stdin,
                              capture_output=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout

    def records(self, *lines):
        out = self.explain("-o", "jsonl", stdin=b"\n".join(lines) + b"\n")
        return [json.loads(line) for line in out.splitlines()]

    def test_fields_stand_where_it_says(self):
        record, = self.records(REFUSED)
        for name in ("stamp", "host", "sender", "authenticator", "user", "recipient", "reason"):
            begin, end = map(int, record[name + "_bytes"].split("-"))
            self.assertEqual(REFUSED[begin:end].decode(), record[name])
        self.assertEqual((record["kind"], record["identity_kind"], record["identity"]),
                         ("rejected_rcpt", "user", "bob"))
        self.assertIn("users (3 in 1h)", record["why"])

    def test_each_no_has_its_reason(self):
        rows = [
            (b"2026-11-23 10:40:48 H=(a b) [1.2.3.4] F=<x@y> rejected RCPT <z@y>: Unrouteable address", "H="),
            (b"2026-11-23 10:40:48 H=(a) [1.2.3.4] F=<x y> rejected RCPT <z@y>: Unrouteable address", "F=<"),
            (b"2026-11-23 10:40:48 H=(a) [1.2.3.4] F=<x@y> rejects RCPT <z@y> rejected RCPT <a@b>", "must"),
            (b"2026-11-23 10:40:48 H=(a) [203.0.113.4] F=<x@y> rejected RCPT <z@y>: Unrouteable address",
             "relay.hosts"),
            (b"2026-11-23 10:40:48 SMTP syntax error in \"x rejected RCPT <a@b>\" H=(a) [1.2.3.4]", "another kind"),
            (b"2026-11-23 10:42:36 **** log string overflowed log buffer ****", "overflowed"),
            (b" continuation", "stamp"),
            (b"2026-11-23 10:40:48 exiwarden/1 missing-recipient auth=", "our ACL"),
        ]
        for line, words in rows:
            with self.subTest(line=line):
                record, = self.records(line)
                self.assertIsNone(record["identity"])
                self.assertIn(words, record["why"])

    def test_a_failed_delivery_is_charged_by_its_arrival(self):
        arrival = b"2026-11-23 10:40:48 1xVRai-0000ps-0R <= x@y H=(h) [192.0.2.1] P=esmtpa A=plain:bob S=2"
        failure = b"2026-11-23 10:40:49 1xVRai-0000ps-0R ** z@y: Unrouteable address"
        records = self.records(arrival, failure, failure)
        self.assertEqual([record["kind"] for record in records], ["none", "bounced", "none"])
        self.assertEqual(records[1]["identity"], "bob")
        self.assertIsNone(records[1]["user_bytes"])

    def test_a_line_of_a_file_and_the_window_behind_a_decision(self):
        log = os.path.join(self.directory.name, "log")
        with open(log, "wb") as file:
            file.write(b"".join(REFUSED.replace(b"nobody", b"n%d" % i) + b"\n" for i in range(4)))
        out = self.explain("--file", log, "--line", "2")
        self.assertIn(b"n1@example.com", out)
        self.explain("--file", log, "--line", "9", code=66)
        out = self.explain("--who", "BOB", log).decode().splitlines()
        self.assertEqual(len(out), 4)
        self.assertIn(":3", out[0])
        self.explain("--who", "eve", log, code=1)
        rows = [json.loads(line) for line in self.explain("-o", "jsonl", "--who", "BOB", log).splitlines()]
        self.assertEqual([(row["identity"], row["recipient"], row["line"]) for row in rows],
                         [("bob", f"n{i}@example.com", i + 1) for i in range(3)])
        self.assertEqual({row["decided"] for row in rows}, {rows[-1]["time"]})
        csv_rows = list(csv.DictReader(io.StringIO(self.explain("-o", "csv", "--who", "BOB", log).decode())))
        self.assertEqual([row["recipient"] for row in csv_rows], [row["recipient"] for row in rows])
        self.assertEqual(self.explain("-o", "jsonl", "--who", "eve", log, code=1), b"")

    def test_of_a_long_window_its_ends_are_shown(self):
        log = os.path.join(self.directory.name, "log")
        with open(self.config, "wb") as file:
            file.write(CONFIG.replace(b"limit = 3\n", b"limit = 30\n"))
        with open(log, "wb") as file:
            file.write(b"".join(REFUSED.replace(b"nobody", b"n%d" % i) + b"\n" for i in range(30)))
        shown = lambda *more: re.findall(rb"\bn(\d+)@", self.explain("--who", "bob", *more, log))
        self.assertEqual(shown(), [b"%d" % i for i in (*range(5), *range(25, 30))])
        self.assertIn(b"20 more events", self.explain("--who", "bob", log))
        self.assertEqual(shown("--all"), [b"%d" % i for i in range(30)])

    def test_nothing_raw_reaches_the_terminal(self):
        hostile = REFUSED.replace(b"nobody", b"\x1b]0;x\x07\xe2\x80\xae\r%s")
        for form in ("text", "jsonl", "csv"):
            out = self.explain("-o", form, stdin=hostile + b"\n")
            self.assertFalse(set(out) & {0x1b, 0x07, 0x0d}, out)


if __name__ == "__main__":
    unittest.main()
