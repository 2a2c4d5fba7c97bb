"""What the service writes into systemd's journal: a socket of the test's own stands where journald's would, in a
mount namespace of its own."""

import ctypes
import os
import pathlib
import socket
import struct
import subprocess
import tempfile
import unittest

from program import EXIWARDEN, Place, environment, refusal, relay_refusal, wait_for

SOCKET = "/run/systemd/journal/socket"
# As Exim could print it, and as bytes that no Exim prints: nothing of it may start a field or reach a terminal.
HOSTILE = b"eve\x1b[31m\"\\n\x7f\xe2\x80\xae=%s\tMESSAGE_ID=x\xff"


def parsed(datagram):
    """[(name, value)] of an entry in journald's native protocol."""
    fields = []
    while datagram:
        line, datagram = datagram.split(b"\n", 1)
        if b"=" in line:
            fields.append(tuple(line.split(b"=", 1)))
            continue
        size, = struct.unpack("<Q", datagram[:8])
        fields.append((line, datagram[8:8 + size]))
        datagram = datagram[8 + size + 1:]
    return fields


@unittest.skipUnless(os.geteuid() == 0, "needs root for a mount namespace")
class Journal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(0x20000) != 0:  # CLONE_NEWNS
            raise unittest.SkipTest("no mount namespace here")
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "run", "/run"], check=True)
        os.makedirs(os.path.dirname(SOCKET))

    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.remove)
        self.entries = []
        self.socket = self.listen()

    def listen(self):
        pathlib.Path(SOCKET).unlink(missing_ok=True)
        journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(journal.close)
        journal.bind(SOCKET)
        journal.setblocking(False)
        return journal

    def start(self, *arguments, stream=True):
        """The service with both outputs in one file, which JOURNAL_STREAM names as systemd would."""
        self.output = self.enterContext(tempfile.TemporaryFile())
        info = os.fstat(self.output.fileno())
        service = subprocess.Popen(
            [EXIWARDEN, "run", "-c", self.place.config, *arguments], stdin=subprocess.DEVNULL, stdout=self.output,
            stderr=self.output, env=environment({"JOURNAL_STREAM": f"{info.st_dev}:{info.st_ino + (not stream)}"}))
        self.addCleanup(service.wait, 60)
        self.addCleanup(service.terminate)
        return service

    def said(self):
        self.output.seek(0)
        return self.output.read()

    def received(self, message):
        """The entries whose MESSAGE begins so."""
        while True:
            try:
                self.entries.append(parsed(self.socket.recv(1 << 20)))
            except BlockingIOError:
                break
        return [entry for entry in self.entries if dict(entry).get(b"MESSAGE", b"").startswith(message)]

    def test_a_block_and_a_watch_level(self):
        self.place.write_config(limit=4)
        text = self.place.config.read_text()
        self.place.config.write_text(text.replace("limit = 4\n", 'limit = 4\nwatch = "50%"\n'))
        self.place.append(b"")
        self.start()
        self.place.append(*[refusal("bob", n, host=f"198.51.100.{n % 2 + 1}") for n in range(4)])
        wait_for(lambda: self.received(b"blocked "), "the entry of the block")
        block, = self.received(b"blocked ")
        watch, = self.received(b"watched ")
        for entry, kind, count in ((block, b"d4fc0a8867d84dc597ac22058ffb3816", b"4"),
                                   (watch, b"d129692f7c654b7c8c6d881b5a2a47e7", b"2")):
            fields = dict(entry)
            self.assertRegex(fields[b"MESSAGE"], rb"^\w+ \S+ \S+  user bob: \d in 1h \(rule users, limit 4\) since ")
            self.assertEqual(
                {name: fields[name] for name in fields if name not in (b"MESSAGE", b"EXIM_HOST")},
                {b"MESSAGE_ID": kind, b"PRIORITY": b"4", b"EXIWARDEN_RULE": b"users", b"EXIWARDEN_KIND": b"user",
                 b"EXIWARDEN_LIST": str(self.place.users).encode(), b"COUNT": count, b"LIMIT": b"4",
                 b"WINDOW_SEC": b"3600", b"EXIM_USER": b"bob", b"SYSLOG_IDENTIFIER": b"exiwarden"})
            self.assertEqual({value for name, value in entry if name == b"EXIM_HOST"},
                             {b"198.51.100.1", b"198.51.100.2"})
        # All else it has to say is there too, and none of it twice.
        created, = self.received(b"created ")
        self.assertEqual(dict(created)[b"PRIORITY"], b"5")
        self.assertEqual(self.said(), b"")

    def test_hostile_ids(self):
        self.place.append(b"")
        self.start()
        self.place.append(*[refusal(HOSTILE, n, recipient=f"d{n}@x.test\x1b]0;owned\x07") for n in range(3)])
        wait_for(lambda: self.received(b"blocked "), "the entry of the block")
        block, = self.received(b"blocked ")
        names = [name for name, _ in block]
        self.assertEqual(names.count(b"MESSAGE_ID"), 1)
        self.assertEqual(names.count(b"MESSAGE"), 1)
        self.assertEqual(dict(block)[b"EXIM_USER"],
                         rb'eve\x1b[31m"\\n\x7f\xe2\x80\xae=%s\x09MESSAGE_ID=x\xff'.replace(rb"\\n", rb"\n"))
        for entry in self.entries:
            for name, value in entry:
                self.assertRegex(name, rb"\A[A-Z][A-Z0-9_]{0,63}\Z")
                self.assertNotRegex(value, rb"[\x00-\x1f\x7f-\xff]")

    def test_relays_have_no_user(self):
        self.place.append(b"")
        self.start()
        self.place.append(*[relay_refusal("192.0.2.7", n) for n in range(3)])
        wait_for(lambda: self.received(b"blocked "), "the entry of the block")
        block, = self.received(b"blocked ")
        self.assertEqual([value for name, value in block if name == b"EXIM_HOST"], [b"192.0.2.7"])
        self.assertNotIn(b"EXIM_USER", dict(block))
        self.assertEqual(dict(block)[b"EXIWARDEN_KIND"], b"relay")

    def test_not_the_journals_streams(self):
        """JOURNAL_STREAM is inherited by whoever is started from a unit, and then names another stream."""
        self.place.append(b"")
        self.start(stream=False)
        self.place.append(*[refusal("bob", n) for n in range(3)])
        wait_for(lambda: b"user bob: 3 in 1h" in self.said(), "the decision on standard output")
        self.assertEqual(self.received(b""), [])

    def test_a_journal_that_is_away(self):
        """What can't be sent is printed: journald reads that later."""
        os.unlink(SOCKET)
        self.place.append(b"")
        self.start()
        self.place.append(*[refusal("bob", n) for n in range(3)])
        wait_for(lambda: b"user bob: 3 in 1h" in self.said(), "the decision on standard output")
        self.assertIn(b"created ", self.said())
        self.socket = self.listen()
        self.place.append(*[refusal("carol", n) for n in range(3)])
        wait_for(lambda: self.received(b"blocked "), "the next one in the journal")
        self.assertNotIn(b"carol", self.said())


if __name__ == "__main__":
    unittest.main()
