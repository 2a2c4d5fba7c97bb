"""Arguments -> exit code, stdout, stderr."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from program import EXIWARDEN, call, environment

SOUND = ("-c", "CONFIG")  # stands for a sound config file
NO_OUTPUT = r"\A\Z"
ANY = r"\A"
COVERAGE = r"\Aexiwarden: read 1 line of 1 file, 2026-11-23 10:42:35 to 2026-11-23 10:42:35: " \
           r"1 refused recipient of 1 sender\n\Z"

# arguments, exit code, stdout, stderr (patterns that must be found)
TABLE = [
    ((), 64, NO_OUTPUT, r"\AUsage: exiwarden COMMAND"),
    (("--help",), 0, r"\AUsage: exiwarden COMMAND(.|\n)*exiwarden\(8\) has examples and exit codes", NO_OUTPUT),
    (("-h",), 0, r"\AUsage: exiwarden COMMAND", NO_OUTPUT),
    (("--version",), 0, r"\Aexiwarden \d+\.\d+\.\d+\n\Z", NO_OUTPUT),
    (("-V",), 0, r"\Aexiwarden \d+\.\d+\.\d+\n\Z", NO_OUTPUT),
    (("evnts",), 64, NO_OUTPUT, r'no command "evnts" \(did you mean "events"\?\)'),
    (("wurstbrot",), 64, NO_OUTPUT, r'no command "wurstbrot"; see exiwarden --help'),
    (("--verison",), 64, NO_OUTPUT, r'"--verison" \(did you mean "--version"\?\)'),
    (("ev\x1b[31m\n",), 64, NO_OUTPUT, r'"ev\\x1b\[31m\\x0a"'),
    (("events",), 64, NO_OUTPUT, r"no LOG given"),
    (("events", "--al", "x"), 66, NO_OUTPUT, r"x: No such file"),
    (("events", "--ouptut", "csv", "x"), 64, NO_OUTPUT, r'(?s)--ouptut.*did you mean "--output"\?'),
    (("events", "-o"), 64, NO_OUTPUT, r"--output.*missing"),
    (("events", "-o", "xml", "x"), 64, NO_OUTPUT, r'"xml"; accepted: text, jsonl, csv'),
    (("events", "/nowhere/mainlog"), 66, NO_OUTPUT, r"/nowhere/mainlog: No such file or directory"),
    (("events", *SOUND, "BROKEN.gz"), 65, NO_OUTPUT, r"BROKEN.gz"),
    (("events", *SOUND, "EMPTY"), 0, NO_OUTPUT, NO_OUTPUT),
    (("events", *SOUND, "/nowhere/a", "LOG"), 66, r"rejected_rcpt user=bob", r"/nowhere/a"),
    (("events", "-c", "/nowhere/c", "LOG"), 78, NO_OUTPUT, r"/nowhere/c: can't be read: No such file"),
    (("events", "-c", "DIRECTORY", "LOG"), 78, NO_OUTPUT, r"can't be read: Is a directory"),
    (("replay", *SOUND, "--since", "soon", "LOG"), 64, NO_OUTPUT, r'--since: no time "soon"; accepted'),
    (("replay", *SOUND, "LOG"), 0, r"No limit was reached", ANY),
    (("replay", *SOUND, "-o", "jsonl", "LOG"), 0, NO_OUTPUT, COVERAGE),
    (("replay", *SOUND, "--fail-on-block", "LOG"), 0, r"No limit was reached", ANY),
    (("replay", "-c", "LIMIT1", "LOG"), 0, r"\n  bob ", COVERAGE),
    (("replay", "-c", "LIMIT1", "--fail-on-block", "LOG"), 1, r"\n  bob ", COVERAGE),
    (("replay", "-c", "LIMIT1", "--fail-on-block", "--user", "carol", "LOG"), 0, r"No limit was reached", ANY),
    (("check", "-c", "/nowhere/c"), 78, NO_OUTPUT, r"/nowhere/c: can't be read"),
    (("replay", "--limit", "1", "LOG"), 0, r"Rule authenticated \(user\)(.|\n)*\n  bob ", ANY),
    (("replay", "-c", "LIMIT1", "--limit", "2", "LOG"), 0, r"No limit was reached", ANY),
    (("replay", "-c", "LIMIT1", "--period", "5m", "LOG"), 0, r" in 5m(.|\n)*\n  bob ", ANY),
    (("replay", "-c", "LIMIT1", "--identity", "relay", "LOG"), 0, r"No limit was reached", ANY),
    (("replay", *SOUND, "--limit", "0", "LOG"), 64, NO_OUTPUT, r'--limit: "0" is no limit; accepted: whole numbers'),
    (("replay", *SOUND, "--period", "1", "LOG"), 64, NO_OUTPUT, r'--period: "1" is no period; accepted: 1s to 366d'),
    (("replay", *SOUND, "--identity", "usr", "LOG"), 64, NO_OUTPUT, r'"usr" \(did you mean "user"\?\); accepted: user'),
    (("init", "-o", "jsonl"), 64, NO_OUTPUT, r"init: .*no other form"),
    (("check", *SOUND, "--config-only", "-o", "csv"), 64, NO_OUTPUT, r"--config-only .*no other form"),
    (("list", *SOUND, "--ids", "-o", "csv"), 64, NO_OUTPUT, r"--ids prints text only"),
    (("help",), 0, r"\AUsage: exiwarden COMMAND", NO_OUTPUT),
    (("help", "replay"), 0, r"\AUsage: exiwarden replay ", NO_OUTPUT),
    (("help", "rplay"), 64, NO_OUTPUT, r'did you mean "replay"'),
    (("check", *SOUND, "more"), 64, NO_OUTPUT, r'check takes no argument "more"'),
    (("run", *SOUND, "more"), 64, NO_OUTPUT, r'run takes no argument "more"'),
    (("run", "-c", "/nowhere/c"), 78, NO_OUTPUT, r"/nowhere/c: can't be read"),
    (("run", "-c", "FAULTY"), 78, NO_OUTPUT, r"FAULTY:2:1: log\.timezon (.|\n)*FAULTY:4:9: relay\.hosts "),
    (("check", "-c", "FAULTY"), 78, NO_OUTPUT, r"FAULTY:2:1: log\.timezon (.|\n)*FAULTY:4:9: relay\.hosts "),
    (("check", "-c", "NOZONE"), 78, NO_OUTPUT, r'NOZONE:2:12: log\.timezone is "Europe/Nirgends"'),
]

FILES = {
    "CONFIG": '[log]\ntimezone = "UTC"\n[relay]\nhosts = ["192.0.2.0/24"]\n',
    "LIMIT1": '[log]\ntimezone = "UTC"\n[[rule]]\nname = "u"\nidentity = "user"\nlimit = 1\n',
    "FAULTY": '[log]\ntimezon = "UTC"\n[relay]\nhosts = "192.0.2.0/24"\n',
    "NOZONE": '[log]\ntimezone = "Europe/Nirgends"\n',
    "LOG": "2026-11-23 10:42:35 H=(c) [198.51.100.7] F=<b@example.org> A=plain:bob rejected RCPT "
           "<x@example.net>: Unrouteable address\n",
    "EMPTY": "",
}


class Usage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="exiwarden-usage-")
        root = Path(cls.directory.name)
        for name, text in FILES.items():
            (root / name).write_text(text)
        (root / "DIRECTORY").mkdir()
        (root / "BROKEN.gz").write_bytes(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03" + b"\xff" * 40)
        cls.names = {name: str(root / name) for name in [*FILES, "DIRECTORY", "BROKEN.gz"]}

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def test_table(self):
        for args, code, out, err in TABLE:
            with self.subTest(args=args):
                done = call(*[self.names.get(arg, arg) for arg in args])
                self.assertRegex(done.stdout.decode(), out)
                self.assertRegex(done.stderr.decode(), err)
                self.assertEqual(done.returncode, code)

    def test_every_help_fits_a_terminal(self):
        overview = call("--help").stdout.decode()
        commands = re.findall(r"^  ([a-z]+) ", overview, re.MULTILINE)
        for command in ("run", "events", "replay", "check"):
            self.assertIn(command, commands)
        for args in [("--help",), ("run", "-h")] + [(command, "--help") for command in commands]:
            with self.subTest(args=args):
                done = call(*args)
                lines = done.stdout.decode().splitlines()
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                self.assertTrue(lines[0].startswith("Usage: exiwarden "))
                self.assertLessEqual(len(lines), 24)
                self.assertLessEqual(max(map(len, lines)), 80)

    def test_the_environment_names_the_configuration(self):
        """Before the default, after -c; one that is not there is not passed over."""
        for arguments, name, code, out, err in (
                (("replay", "LOG"), "LIMIT1", 0, r"\n  bob ", COVERAGE),
                (("replay", *SOUND, "LOG"), "LIMIT1", 0, r"No limit was reached", COVERAGE),
                (("replay", "LOG"), "/nowhere/c", 78, NO_OUTPUT, r"/nowhere/c: can't be read"),
                (("replay", "LOG"), "", 0, r"No limit was reached", r"using the built-in defaults")):
            with self.subTest(name=name, arguments=arguments):
                done = call(*[self.names.get(arg, arg) for arg in arguments],
                            env={"EXIWARDEN_CONFIG": self.names.get(name, name)})
                self.assertRegex(done.stdout.decode(), out)
                self.assertRegex(done.stderr.decode(), err)
                self.assertEqual(done.returncode, code)

    def test_help_of_a_command_is_what_it_says_itself(self):
        for command in ("run", "unblock", "tune"):
            self.assertEqual(call("help", command).stdout, call(command, "--help").stdout)

    def test_what_check_prints_is_the_config_again(self):
        first = call("check", "--config-only", "-c", self.names["CONFIG"])
        self.assertEqual((first.returncode, first.stderr), (0, b""))
        again = Path(self.directory.name) / "AGAIN"
        again.write_bytes(first.stdout)
        second = call("check", "--config-only", "-c", again)
        self.assertEqual((second.returncode, second.stderr), (0, b""))
        self.assertEqual(second.stdout.splitlines()[1:], first.stdout.splitlines()[1:])
        self.assertIn(b'hosts = ["192.0.2.0/24"]', first.stdout)

    def test_results_that_cannot_be_written_are_an_error(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([EXIWARDEN, "events", "-c", self.names["CONFIG"], self.names["LOG"]],
                                  stdout=full, stderr=subprocess.PIPE, env=environment())
        self.assertEqual(done.returncode, 74)
        self.assertIn(b"could not write", done.stderr)


if __name__ == "__main__":
    unittest.main()
