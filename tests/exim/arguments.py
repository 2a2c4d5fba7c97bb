"""Which RCPT arguments Exim takes: the parser's reading and the tests' second one against Exim's."""

import os
import random
import re
import shutil
import subprocess
import unittest

import world
from world import EXIM

COUNT = int(os.environ.get("EXIWARDEN_ARGUMENTS", "30000"))
SEED = int(os.environ.get("EXIWARDEN_ARGUMENTS_SEED", "1"))
PIECES = [*"a<>@d: \"\\()[];,.=x\t_-", "<a@b>", "@d>", '"a"', "<@a:", "[1.2.3.4]", "\x80", "\xe9",
          " rejected RCPT ", ": "]
ADDRESSES = ["<a@d>", "a@d", '<"a b"@d>', "q <a@d>", '"q" x <a@d>', "<@a:b@d>", "<@a,@b:c@d>",
             "(c)<a@d>(e)", '<a.b."c"@d>', "@a:b@d", "<a(x)@d>", "<a@d>(", "x.y <a@d>",
             "<a@[1.2.3.4]>", "a@[1.2.3.4]"]
CONFIG = """\
spool_directory = {directory}/spool
log_file_path = {directory}/%slog
log_selector = -all
keep_environment =
smtp_max_synprot_errors = 100000000
smtp_accept_max_nonmail = 100000000
recipients_max = 0
{options}
acl_smtp_rcpt = acl_rcpt
begin acl
acl_rcpt:
  deny
"""


def arguments():
    rng = random.Random(SEED)
    while True:
        if rng.random() < 0.6:
            text = rng.choice(ADDRESSES)
            for _ in range(rng.randrange(4)):
                at = rng.randrange(len(text) + 1)
                text = text[:at] + rng.choice(PIECES) + text[at + rng.randrange(2):]
        else:
            text = "".join(rng.choices(PIECES, k=rng.randrange(1, 12)))
        text = text.strip(" \t")
        if text and len(text) < 100:
            yield text.encode("latin-1")


class Arguments(unittest.TestCase):
    def setUp(self):
        world.enter()
        self.directory = world.scratch_directory()
        self.addCleanup(world.remove, self.directory)
        shutil.chown(self.directory, "Debian-exim")  # for its logs

    def exim(self, asked, options):
        """Exim's answer to each."""
        config = self.directory / "exim.conf"
        config.write_text(CONFIG.format(directory=self.directory, options=options))
        done = subprocess.run(
            (EXIM, "-C", config, "-bs", "-oMa", "192.0.2.1"), capture_output=True, check=True,
            input=b"EHLO h\r\nMAIL FROM:<>\r\n" +
            b"".join(b"RCPT TO:" + text + b"\r\n" for text in asked) + b"QUIT\r\n")
        last_lines = re.findall(rb"^\d\d\d .*", done.stdout, re.M)
        self.assertEqual(len(last_lines), len(asked) + 4)
        return last_lines[3:-1]

    def readings(self, logged):
        done = subprocess.run((os.environ["READ_ARGUMENTS"],), capture_output=True, check=True,
                              input=b"".join(text + b"\n" for text in logged))
        return done.stdout.decode().splitlines()

    def check(self, options):
        source = arguments()
        asked = [next(source) for _ in range(COUNT)]
        answers = self.exim(asked, options)
        logged = [as_logged(text) for text in asked]
        taken = 0
        for text, answer, reading in zip(logged, answers, self.readings(logged), strict=True):
            with self.subTest(text=text, answer=answer):
                if answer.startswith(b"550 "):
                    taken += 1
                    # Nothing a client can have logged may be said to be impossible.
                    self.assertEqual(reading, "110")
                else:
                    # Only about the bytes of domains do the readings ask less than Exim.
                    self.assertTrue(reading[:2] == "00" or b"domain" in answer or
                                    re.search(rb"[-_[\x80-\xff]", text), reading)
        self.assertGreater(taken, COUNT / 20)

    def test_default_options(self):
        self.check("")

    def test_literals_and_utf8_in_domains(self):
        self.check("allow_domain_literals\nallow_utf8_domains\nstrip_trailing_dot")


def as_logged(text):
    """smtp_in.c extract_option: the last blank outside quotes becomes "=", unless a "=" follows."""
    at = len(text)
    while (at := at - 1) > 0:
        if text[at:at + 1] == b"=":
            break
        if text[at:at + 1] in b" \t":
            return text[:at] + b"=" + text[at + 1:]
        if text[at:at + 1] == b'"':
            at = text.rfind(b'"', 0, at)
            if at <= 0:
                break
    return text


if __name__ == "__main__":
    unittest.main()
