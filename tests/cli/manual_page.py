"""The manual page: options beside their text, the columns that the commands print, examples that run."""
import datetime
import os
import re
import shutil
import subprocess
import unittest

from log_case import PROGRAM, LogCase, Traffic


def page():
    return subprocess.run([PROGRAM, "--man"], capture_output=True, check=True, timeout=60).stdout.decode()


def plain(roff):
    return re.sub(r"\\f.", "", roff).replace("\\-", "-").replace("\\&", "").replace("\\e", "\\")


def sections(text, kind):
    """{heading: text}"""
    parts = re.split(rf"(?m)^\.{kind} (.*)\n", text)
    return dict(zip(parts[1::2], parts[2::2]))


class ManualPage(LogCase):
    def setUp(self):
        super().setUp()
        traffic = Traffic(datetime.datetime(2026, 10, 12), 20, seed=1)
        self.write("exim4/mainlog", traffic.whole())
        self.write("state/exim/blocked_authenticated_users",
                   b"bob: 2026-10-12T11:09:44+00:00 exiwarden rule=authenticated count=100 period=1h "
                   b"until=2126-10-12T11:09:44+00:00\n")

    def test_a_tag_is_one_line_and_has_a_text(self):
        for tag, text in re.findall(r"(?m)^\.TP\n(.*)\n(.*)$", page()):
            with self.subTest(tag):
                self.assertFalse(tag.startswith(".B --"))
                self.assertTrue(text and not text.startswith("."), text)

    @unittest.skipUnless(shutil.which("man") and shutil.which("groff"), "no man here")
    def test_options_do_not_run_into_their_text(self):
        shown = subprocess.run(["man", "-l", "-Tascii", "-"], input=page().encode(), capture_output=True, timeout=60,
                               check=True, env={**os.environ, "LC_ALL": "C", "MANWIDTH": "80", "MAN_KEEP_FORMATTING": ""})
        lines = re.sub(".\x08", "", re.sub(r"\x1b\[[0-9;]*m", "", shown.stdout.decode())).splitlines()
        for option in ("--since TIME", "--report FILE", "--user ID", "-c, --config FILE"):
            self.assertTrue(any(re.fullmatch(rf" +{option}(  .*)?", line) for line in lines), option)

    def test_columns_are_those_that_are_printed(self):
        told = {}
        for name, text in sections(plain(page()).split(".SH OUTPUT FOR PROGRAMS")[1].split("\n.SH ")[0], "SS").items():
            told[name] = [one for tag in re.findall(r"(?m)^\.TP\n(.*)$", text) for one in tag.split(", ")]
        log, who = self.home + "/exim4", "spammer0@customer0.example"
        labels = self.write("labels", who.encode() + b"\n")

        def header(*words):
            return self.expect(0, words[0], "-o", "csv", *words[1:]).stdout.decode().splitlines()[0].split(",")
        for name, more, words in (("events", [], ("events", log)), ("replay", [], ("replay", log)),
                                  ("replay", ["replay --summary"], ("replay", "--summary", log)),
                                  ("tune", [], ("tune", log)),
                                  ("tune", ["tune --summary"], ("tune", "--summary", log)),
                                  ("tune", ["tune --spammers, --honest"], ("tune", "--spammers", labels, log)),
                                  ("list", [], ("list",)), ("evidence -o csv", [], ("evidence", who, log))):
            with self.subTest(words[:2]):
                self.assertEqual(header(*words), sum((told[one] for one in more), list(told[name])))
        record, = self.records("evidence", who, log)
        self.assertEqual(set(record), set(told["evidence -o jsonl"]))

    def test_examples_run(self):
        text = plain(page()).split(".SH EXAMPLES\n")[1].split("\n.SH ")[0]
        commands = re.findall(r"(?m)^\.TP\n.*:\n(.*)$", text)
        self.assertGreater(len(commands), 5)
        shell = f'exiwarden() {{ command=$1; shift; "{PROGRAM}" "$command" -c "{self.config}" "$@"; }}\n'
        shown = {}
        for command in commands:
            tool = next((one for one in ("jq", "duckdb", "sqlite3") if f"{one} " in command), "sh")
            if not shutil.which(tool) or re.match("exiwarden (release|unblock)", command):
                continue
            with self.subTest(command):
                command = command.replace("/var/log/exim4", self.home + "/exim4").replace(
                    "mallory@example.org", "spammer0@customer0.example " + self.home + "/exim4")
                done = subprocess.run(["sh", "-c", shell + command], capture_output=True, cwd=self.home, timeout=300,
                                      check=False, text=True)
                self.assertEqual(done.returncode, 0, done)
                said = done.stdout or "there is no history" in done.stderr  # no service has run here
                self.assertTrue(said or "--report" in command, done)
                if done.stdout:
                    shown.setdefault(tool, []).append(done.stdout)
        if "sqlite3" in shown and "jq" in shown:
            by_jq = [line.split()[::-1] for line in shown["jq"][0].splitlines()]
            by_sqlite = [line.rsplit("|", 1) for line in shown["sqlite3"][0].splitlines()]
            self.assertEqual(sorted(by_jq)[:1] and {tuple(one) for one in by_jq[:3]}, {tuple(one) for one in by_sqlite[:3]})


if __name__ == "__main__":
    unittest.main()
