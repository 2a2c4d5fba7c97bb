"""The tagged lines of conf/exim/rcpt-accept-and-log.conf, with and without the keyed tag."""

import base64
import hashlib
import hmac
import re
import unittest

from agent import Agent
from lab import Lab
from world import until

LIMIT = 10
LINE = re.compile(rb"^[-0-9]{10} [0-9:]{8} (exiwarden/1 missing-recipient auth=(\S+) id=(\S*) "
                  rb"host=(\S+) rcpt=(\S+) at=\d{16} pid=\d+ n=\d+)(?: mac=([0-9a-f]{40}))?$", re.M)
SECRETS = (b"0123456789abcdef0123456789abcdef", b"$pid}{ ${run{x}} \\x41 \\N#:\"'%s",
           b"longer than the 64 bytes of a SHA-1 block, so that HMAC takes its digest instead of it")


def decoded(line):
    """(id, host, recipient) of a match of LINE"""
    return base64.b64decode(line[3]) if line[2] != b"-" else None, line[4], \
        base64.b64decode(line[5])


class Tagged(unittest.TestCase):
    def dead(self, client, start, count):
        client.command(b"RSET")
        self.assertEqual(client.mail(), 250)
        self.assertEqual(set(client.rcpts([b"dead%d@remote.test" % number for number in
                                           range(start, start + count)])), {250})

    def test_fields(self):
        with Lab("accept-and-log") as lab:
            with lab.client(b"a b:\xe9\n\"'$x") as client:
                self.assertEqual(client.mail(), 250)
                # Exim folds local parts before the ACL.
                for recipient in (b"DEAD@remote.test", b'"dead > A=plain:x: y"@remote.test',
                                  b"missing@lab.example", b"dead$tod_log@remote.test",
                                  b'"dead\xff\x1b"@remote.test'):
                    self.assertEqual(client.rcpt(recipient), 250)
                self.assertEqual(client.rcpt(b"valid@remote.test"), 250)
            with lab.client(source="2001:db8:1::7", server="2001:db8:1::25") as client:
                self.assertEqual(client.mail(), 250)
                self.assertEqual(client.rcpt(b"missing@lab.example"), 250)
            self.assertEqual(
                [decoded(line) for line in LINE.finditer(lab.log())],
                [(b"a b:\\351\\n\"'$x", b"127.0.0.1", recipient) for recipient in
                 (b"dead@remote.test", b"dead > a=plain:x: y@remote.test", b"missing@lab.example",
                  b"dead$tod_log@remote.test", b"dead\xff\x1b@remote.test")] +
                [(None, b"2001:db8:1::7", b"missing@lab.example")])
            self.assertNotIn(b"mac=", lab.log())

    def test_the_tag_is_required_and_counts_once(self):
        for secret in SECRETS:
            with self.subTest(secret=secret), Lab("accept-and-log") as lab:
                path = lab.directory / "tag.secret"
                path.write_bytes(secret + b"\n")
                path.chmod(0o444)
                with Agent(lab.directory, LIMIT, ("none",),
                           log_more=f'tag_secret_file = "{path}"') as agent:
                    self.play(lab, agent, secret)

    def play(self, lab, agent, secret):
        with lab.client(b"alice") as alice, lab.client(b"last") as last:
            self.dead(alice, 0, LIMIT - 1)
            genuine = list(LINE.finditer(lab.log()))
            self.assertEqual(len(genuine), LIMIT - 1)
            for line in genuine:
                self.assertEqual(
                    line[6].decode(), hmac.new(secret, line[1], hashlib.sha1).hexdigest())
            forged = []
            for line in genuine:
                mine = line[1].replace(b" id=" + line[3], b" id=" + base64.b64encode(b"victim"))
                wrong = hmac.new(b"0123456789abcdefg", mine, hashlib.sha1).hexdigest().encode()
                forged += [line[0], line[0].split(b" mac=")[0], mine, mine + b" mac=" + line[6],
                           mine + b" mac=" + wrong]
            with open(lab.mainlog, "ab", buffering=0) as log:  # as if by another's hand
                for line in forged:
                    stamp = genuine[0][0][:20]
                    log.write((b"" if line.startswith(stamp[:4]) else stamp) + line + b"\n")
            self.dead(last, 0, LIMIT)
            until(lambda: agent.has(b"last"), what="the last line")
            self.assertEqual([line.split(b":")[0] for line in agent.listed()], [b"last"])
            self.dead(alice, 100, 1)
            until(lambda: agent.has(b"alice"), what="alice's own last one")
            self.assertTrue(lab.is_frozen(alice.message([b"valid@remote.test"])))

    def test_no_secret_for_exim_charges_nobody(self):
        """The agent demands a tag that Exim doesn't know how to make; mail goes on."""
        with Lab("accept-and-log") as lab:
            path = lab.directory / "agents.secret"
            path.write_bytes(SECRETS[0])
            with Agent(lab.directory, 1, ("none",),
                       log_more=f'tag_secret_file = "{path}"') as agent:
                with lab.client(b"alice") as alice:
                    self.dead(alice, 0, 2)
                    self.assertFalse(lab.is_frozen(alice.message([b"valid@remote.test"])))
                with lab.client(source="203.0.113.5", server="192.0.2.65") as outside:
                    self.assertEqual(outside.mail(), 250)
                    self.assertEqual(outside.rcpt(b"missing@lab.example"), 550)
            self.assertEqual(agent.listed(), [])  # it has read all before it ended


if __name__ == "__main__":
    unittest.main()
