"""Keys in the lists, asked for by Exim itself: whatever the id, the lookup of exactly that id says
yes, and of the ids nearest to it, no."""

import datetime
import re
import subprocess
import unittest

import world
from agent import Agent
from lab import CONF, CONFIG, Lab
from world import EXIM, until

_PARTS = ("alice", "user@example.org", "a:b", "dept:sales:x", ":lead", "trail:", "#hash", "a#b",
          '"', 'quote"user', '"quoted"', '"a b"', 'a"', "\\", "back\\slash", "two\\\\", "end\\",
          '\\"', "\\x41", "\\x", "\\101", "\\1", "\\8", "\\n", "\\t\\r", "j\\303\\274rgen",
          "caf\\351", "\\033[31m", "\\000", "tab\there", "john doe", "a  b", "a\t b", "*", "*@x",
          "!bang", "^regex$", "$user", "${run{x}}", "$(touch x)", "`id`", "%s%n", "a;b", "a|b",
          "a&b", "a'b", "(c)", "{b}", "[x]", "<y>", "~", "a,b", "a=b", "a/b", "../../etc/passwd",
          "/readonly", "+plus", "-dash", "--", "=", "?", "@", "@@", "lsearch;x", "net-lsearch;x",
          "key: data", "key : data", "0", "127.0.0.1", "0x41", "NULL", "nil", "true", "no",
          "A=plain:victim", "H=(x) [9.9.9.9]", "F=<a@b>", "F=<a@b> A=plain:x", "Mixed.Case",
          "jürgen", "UTFÉ", "日本語", "\u202eevil", "ﬀ", "İ", "x" * 100, "y" * 254, "z " * 120,
          '"' * 60, "\\" * 60, ":" * 60, "#" * 60, "x" * 900)
IDS = [part.encode() for part in _PARTS]
IDS += [b" " + part for part in IDS[:60]] + [part + b" " for part in IDS[:60]]
IDS += [b"\xe9", b"caf\xe9", b"\xff\xfe", b"\xf0\x9f\x92\xa9", b"\x80 \x81", b" ", b"  ", b" \t"]
HOSTS = ["192.0.2.64", "192.0.2.127", "2001:db8:1::", "2001:db8:1::2", "2001:db8:1:2:3:4:5:6",
         "2001:db8:1::ffff", "2001:db8:1:0:8000::", "2001:db8:1:f::1"]
FAR_HOSTS = ["192.0.2.65", "192.0.2.6", "2001", "2001:db8:1::1", "2001:db8:1:2:3:4:5:7",
             "2001:db8:1:f::", "2001:db8::2", "::"]


def folded(key):
    return bytes(byte + 32 if 65 <= byte <= 90 else byte for byte in key)


def unescaped(key):
    return re.sub(rb"\\(?:x([0-9a-f]{2})|([0-7]{1,3}))", lambda code: bytes(
        [int(code[1], 16) if code[1] else int(code[2], 8) & 255]), key)


def near(key):
    """What a wrong quoting, cutting or unescaping would make of it, or of another key it."""
    found = {key + b"x", b"x" + key, key[:-1], key[1:], key + b" ", b" " + key, key + b":",
             b'"' + key + b'"', key.strip(), key.replace(b"\\", b""), key.replace(b"\\", b"\\\\"),
             key.replace(b'"', b'\\"'), key.split(b":")[0], key.split(b" ")[0], b"#" + key,
             key.replace(b"\t", b" "), key.replace(b" ", b"\t"), unescaped(key)}
    try:
        found.add(key.decode().swapcase().encode())
        found.add(key.decode().upper().encode())
    except UnicodeError:
        pass
    return {wrong for wrong in found if b"\0" not in wrong}  # no login has one


def ask_exim(directory, keys, path, lookup):
    """Exim's answers to the lookups, as its ACL would get them. The keys come from files, so that
    no expansion takes anything out of them."""
    questions = []
    for number, key in enumerate(keys):
        (directory / f"key{number}").write_bytes(key)
        questions.append(f"${{lookup{{${{readfile{{{directory}/key{number}}}}}}}{lookup}{{{path}}}"
                         "{yes}{no}}\n")
    done = subprocess.run([EXIM, "-be"], input="".join(questions).encode(), capture_output=True,
                          cwd="/")
    answers = done.stdout.decode().replace("> ", "").split()
    if len(answers) != len(keys) or not set(answers) <= {"yes", "no"}:
        raise AssertionError(f"{done.stdout[:2000]!r} {done.stderr!r}")
    return [answer == "yes" for answer in answers]


def feed(log, payloads):
    stamp = datetime.datetime.now().strftime("%Y-%m-%d %H:%M:%S").encode()
    with open(log, "ab", buffering=0) as out:
        out.write(b"".join(stamp + b" " + payload + b"\n" for payload in payloads))


class Keys(unittest.TestCase):
    def setUp(self):
        world.enter()
        self.directory = world.scratch_directory()
        self.addCleanup(world.remove, self.directory)
        (self.directory / "log").mkdir()
        self.log = self.directory / "log" / "mainlog"
        CONFIG.write_text(f".include {CONF}/macros.conf\nlog_file_path = {self.directory}/%slog\n"
                          f"spool_directory = {self.directory}\nbegin acl\n")
        self.addCleanup(CONFIG.unlink)

    def check(self, keys, path, lookup, others=()):
        listed = {folded(key) for key in keys}
        wrong = sorted({other for key in keys for other in near(key)} | set(others))
        wrong = [key for key in wrong if folded(key) not in listed]
        answers = ask_exim(self.directory, keys + wrong, path, lookup)
        missing = [key for key, yes in zip(keys, answers) if not yes]
        mistaken = [key for key, yes in zip(wrong, answers[len(keys):]) if yes]
        self.assertEqual((missing, mistaken), ([], []))
        print(f"{len(keys)} keys found, {len(wrong)} nearest not, by {lookup}")

    def test_ids(self):
        self.assertGreaterEqual(len(IDS), 200)
        self.assertEqual(len(IDS), len({folded(key) for key in IDS}))
        self.log.touch()
        with Agent(self.directory, 1, ("none",)) as agent:
            feed(self.log, [b"H=(c) [192.0.2.1] F=<a@b> A=plain:" + key +
                            b" rejected RCPT <x@y>: Unrouteable address" for key in IDS])
            until(lambda: len(agent.listed()) >= len(IDS), what="every id to be listed")
        path = agent.lists / "blocked_authenticated_users"
        self.assertEqual(len(path.read_bytes().splitlines()), len(IDS))
        self.check(IDS, path, "lsearch")
        self.check(IDS, path, "lsearch,cache=no_rd")
        # A second start leaves the list as it is: every key is recognised as its own.
        before = path.read_bytes()
        with Agent(self.directory, 1, ("none",)):
            pass
        self.assertEqual(path.read_bytes(), before)

    def test_hosts(self):
        self.log.touch()
        with Agent(self.directory, 1, ("none",)) as agent:
            feed(self.log, [b"H=(c) [%s] F=<a@b> rejected RCPT <x@y>: Unrouteable address" %
                            host.encode() for host in HOSTS])
            until(lambda: len(agent.listed("relay")) >= len(HOSTS), what="every host")
        path = agent.lists / "blocked_relay_users"
        hosts = [host.encode() for host in HOSTS]
        self.check(hosts, path, "lsearch", [host.encode() for host in FAR_HOSTS])
        answers = ask_exim(self.directory, [host.encode() for host in HOSTS + FAR_HOSTS[:2] +
                                            FAR_HOSTS[3:]], path, "iplsearch,cache=no_rd")
        self.assertEqual(answers, [True] * len(HOSTS) + [False] * (len(FAR_HOSTS) - 1))

    def test_networks(self):
        """With relay.ipv6_prefix the list holds networks, which iplsearch understands."""
        self.log.touch()
        with Agent(self.directory, 1, ("none",), relay_more="ipv6_prefix = 64") as agent:
            feed(self.log, [b"H=(c) [%s] F=<a@b> rejected RCPT <x@y>: Unrouteable address" % host
                            for host in (b"2001:db8:1:2::9", b"192.0.2.70")])
            until(lambda: len(agent.listed("relay")) >= 2, what="both")
        self.assertEqual(
            ask_exim(self.directory, [b"2001:db8:1:2:ffff::1", b"2001:db8:1:3::9", b"192.0.2.70",
                                      b"192.0.2.71"],
                     agent.lists / "blocked_relay_users", "iplsearch,cache=no_rd"),
            [True, False, True, False])


class Sessions(unittest.TestCase):
    """The same by the ACL's own lookup: whoever authenticates by an odd login is frozen by it."""

    RAW = [b"john doe", b" lead", b"trail ", b"dept:sales", b"#hash", b'q"u', b"b\\s", b"\\x41",
           b"j\xc3\xbcrgen", b"caf\xe9", b"tab\there", b"new\nline", b"cr\rid", b"esc\x1b[1m",
           b"*", b"a, b <c@d>", b"=?utf-8?q?x?=", b"x" * 600, b"A=plain:bob", b"F=<a@b> A=x:y"]

    # Otherwise the agent would also freeze the message from before the block, wherever Exim is
    # still delivering it.
    ACL_ALONE = "[exim]\nfreeze_queued = false\n"

    def test_odd_logins(self):
        with Lab() as lab, Agent(lab.directory, 1, ("none",), more=self.ACL_ALONE) as agent:
            queued = []
            for number, login in enumerate(self.RAW):
                with lab.client(login) as client:
                    free = client.message([b"valid@remote.test"], sender=b"")
                    self.assertEqual(client.mail(), 250)
                    self.assertEqual(client.rcpt(b"dead%d@remote.test" % number), 550)
                    until(lambda: len(agent.listed()) > number, what=f"{login!r} to be listed")
                    queued.append((free, client.message([b"valid@remote.test"], sender=b"")))
            for login, (free, frozen) in zip(self.RAW, queued):
                self.assertFalse(lab.is_frozen(free), login)
                self.assertTrue(lab.is_frozen(frozen), login)
                mine = [h for h in lab.headers(frozen) if h.startswith("X-Authenticated-As")]
                self.assertEqual(len(mine), 1, login)
                self.assertRegex(mine[0], r"\AX-Authenticated-As: [ -~]{0,400}\Z")


if __name__ == "__main__":
    unittest.main()
