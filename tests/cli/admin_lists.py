"""list, block and unblock: the files, whatever the ids, with no service running."""
import datetime
import os
import shutil
import subprocess
import threading
import unittest

from admin_case import AdminCase, PROGRAM, refusals

RULES = '''
[relay]
hosts = ["192.0.2.0/24", "2001:db8::/32"]
'''

# ids as a login could be, and as they must stand in the list
HOSTILE = [
    b"alice@example.org",
    b"user with blanks",
    b' "quoted" ',
    b"a:b",
    b"#comment",
    b"-rf",
    b"--help",
    b"back\\slash\\303",
    b"o'neill",
    "jürgen".encode(),
    b"bad\xff\xfebytes",
    b"esc\x1b[31m",
    b"$(reboot);`id`|&",
    b"*",
    b"a?b[c]",
    b"@example.org",
    b"=",
]


class Block(AdminCase):
    CONFIG = RULES

    def test_every_id_comes_and_goes_alone(self):
        others = HOSTILE + [b"bystander"]
        self.expect(0, "block", "--", *others)
        self.assertEqual(len(self.read(self.users).splitlines()), len(others))
        for gone in HOSTILE:
            with self.subTest(gone):
                self.expect(0, "unblock", "--list", self.users, "--", gone)
                others.remove(gone)
                self.assertEqual(len(self.read(self.users).splitlines()), len(others))
        self.assertEqual([r["identity"] for r in self.records("list")], ["bystander"])
        self.expect(1, "list", "--exact", "--", *HOSTILE)

    def test_what_no_line_can_hold_is_refused(self):
        self.expect(65, "block", "--", "")
        self.expect(65, "block", "--", "x" * 2000)
        self.assertFalse(os.path.exists(self.users))

    @unittest.skipUnless(shutil.which("exim4"), "no Exim to ask")
    def test_exim_finds_every_id(self):
        self.expect(0, "block", "--", *HOSTILE)
        config = self.home + "/exim.conf"
        with open(config, "w", encoding="ascii") as out:
            out.write("primary_hostname = mx.test\n")
        for key in HOSTILE:
            if b"\xff" in key or b"\x1b" in key or b"$" in key or b"\\" in key:
                continue  # what -be itself would expand
            with self.subTest(key):
                quoted = key.replace(b"}", b"\\}")
                asked = b"${lookup{" + quoted + b"}lsearch{" + self.users.encode() + b"}{FOUND}{MISSING}}\n"
                said = subprocess.run(["exim4", "-C", config, "-be"], input=asked, capture_output=True, timeout=30,
                                      check=False).stdout
                self.assertIn(b"FOUND", said)

    def test_kinds_choose_the_list(self):
        self.expect(0, "block", "alice", "192.0.2.9", "2001:DB8:0::5", "198.51.100.0/24")
        self.assertIn(b"alice: ", self.read(self.users))
        keys = [r["identity"] for r in self.records("list", "--list", self.relays)]
        self.assertEqual(keys, ["192.0.2.9", "2001:db8::5", "198.51.100.0/24"])
        self.assertIn(b'"2001:db8::5": ', self.read(self.relays))
        self.expect(0, "unblock", "2001:db8::0:5")
        self.expect(1, "list", "2001:db8::5")

    def test_told_lists_win(self):
        self.expect(0, "block", "--rule", "authenticated", "192.0.2.9")
        self.assertIn(b"192.0.2.9: ", self.read(self.users))
        self.assertFalse(os.path.exists(self.relays))

    def test_grouped_addresses_share_their_network(self):
        self.configure('[relay]\nhosts = ["2001:db8::/32"]\nipv6_prefix = 64\n')
        self.expect(0, "block", "2001:db8:1:2:3::9")
        self.assertEqual(self.records("list")[0]["identity"], "2001:db8:1:2::/64")
        self.expect(0, "unblock", "2001:db8:1:2::77")
        self.assertEqual(self.records("list"), [])

    def test_twice_is_once(self):
        first = self.records("block", "bob", "--reason", "spam run, ticket 7\nx: y")
        again = self.records("block", "BOB")
        self.assertEqual([first[0]["change"], again[0]["change"]], ["blocked", "none"])
        self.assertEqual(len(self.read(self.users).splitlines()), 1)
        entry = self.records("list")[0]
        self.assertEqual(list(entry)[:4], ["list", "rule", "identity", "data"])
        self.assertEqual((entry["list"], entry["rule"], entry["identity"]), (self.users, "authenticated", "bob"))
        self.assertIn("reason=spam run, ticket 7?x: y", entry["data"])

    def test_mode_lets_exim_read(self):
        self.expect(0, "block", "bob")
        mode = os.stat(self.users).st_mode & 0o7777
        self.assertIn(mode, (0o640, 0o644))

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_what_root_makes_belongs_to_the_service(self):
        os.mkdir(self.home + "/state")
        os.chown(self.home + "/state", 65534, -1)
        self.expect(0, "block", "bob")
        self.assertEqual(os.stat(os.path.dirname(self.users)).st_uid, 65534)
        self.assertEqual(os.stat(self.users).st_uid, 65534)

    def test_links_are_not_followed(self):
        target = self.home + "/precious"
        self.write_list(target, b"precious\n")
        os.makedirs(os.path.dirname(self.users))
        os.symlink(target, self.users)
        self.expect(73, "block", "bob")
        self.assertEqual(self.read(target), b"precious\n")

    def test_many_at_once_lose_nothing(self):
        """Every process appends or rewrites under the directory's lock."""
        self.expect(0, "block", "first")
        codes = []

        def work(number):
            names = [f"user{number}-{i}" for i in range(5)]
            codes.append(self.run_program("block", *names).returncode)
            codes.append(self.run_program("unblock", *names[:3]).returncode)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(set(codes), {0})
        left = sorted(r["identity"] for r in self.records("list"))
        self.assertEqual(left, sorted(["first"] + [f"user{n}-{i}" for n in range(6) for i in (3, 4)]))


class CaseOfIds(AdminCase):
    """A-Z equal a-z, as for Exim, in whatever command takes an id."""
    TYPED = "aLICE@Example.ORG"

    def setUp(self):
        super().setUp()
        exim = self.home + "/exim"  # with an empty queue
        with open(exim, "w", encoding="utf-8") as out:
            out.write(f"#!/bin/sh\necho spool_directory = {self.home}/spool\n")
        os.chmod(exim, 0o755)
        os.makedirs(self.home + "/spool/input")
        self.configure(RULES + f'[exim]\nbinary = "{exim}"\n[[rule]]\nname = "u"\nidentity = "user"\nlimit = 3\n'
                               f'list = "{self.users}"\n')
        self.append_log(refusals("Alice@example.org", 4) + refusals("bob", 4))

    def test_every_command(self):
        for command, code, found in (
                (("list", self.TYPED), 0, b"alice@example.org"),
                (("list", "ALICE@*"), 0, b"alice@example.org"),
                (("block", self.TYPED), 0, b"already"),
                (("unblock", "--dry-run", self.TYPED), 0, b"would free alice@example.org"),
                (("unblock", self.TYPED), 0, b"freed alice@example.org"),
                (("unblock", "ALICE@*"), 0, b"freed alice@example.org"),
                (("release", "--dry-run", self.TYPED), 0, b"would thaw 0 frozen messages"),
                (("release", self.TYPED), 0, b"freed alice@example.org"),
                (("evidence", "--logs-only", self.TYPED, self.log), 0, b"4 recipients refused"),
                (("explain", "--who", self.TYPED, self.log), 0, b"Alice@example.org"),
                (("replay", "--user", self.TYPED, self.log), 0, b"Alice@example.org"),
                (("events", "--user", self.TYPED, self.log), 0, b"user=Alice@example.org"),
                (("tune", "--user", self.TYPED, self.log), 0, b"1 identity tried"),
                (("tune", "--spammers", self.home + "/typed", self.log), 0, b"Alice@example.org (spammer)")):
            with self.subTest(command):
                self.write_list(self.users, b"alice@example.org: x\nbob: y\n")
                with open(self.home + "/typed", "w", encoding="utf-8") as out:
                    out.write(self.TYPED + "\n")
                self.assertIn(found, self.expect(code, *command).stdout)
                self.assertIn(b"bob: y\n", self.read(self.users))


class Unblock(AdminCase):
    CONFIG = RULES
    LIST = (b"# ours, do not touch\n\nmallory: 2026-11-23T11:09:44+01:00 exiwarden rule=authenticated count=100 "
            b"period=1h\n  continued\nAlice@Example.org\nbob@example.org # by hand\ncarol@example.net: x\r\n#end\n")

    def setUp(self):
        super().setUp()
        self.write_list(self.users, self.LIST)

    def test_foreign_lines_stay_byte_for_byte(self):
        os.chmod(self.users, 0o604)
        self.expect(0, "unblock", "mallory", "ALICE@example.org")
        self.assertEqual(self.read(self.users),
                         b"# ours, do not touch\n\nbob@example.org # by hand\ncarol@example.net: x\r\n#end\n")
        self.assertEqual(os.stat(self.users).st_mode & 0o7777, 0o604)

    def test_globs(self):
        for pattern, left in [("*@example.org", ["mallory", "carol@example.net"]),
                              ("[bc]*", ["mallory", "Alice@Example.org"]), ("?allory", ["Alice@Example.org",
                              "bob@example.org", "carol@example.net"]), ("*", [])]:
            with self.subTest(pattern):
                self.write_list(self.users, self.LIST)
                self.expect(0, "unblock", pattern)
                self.assertEqual([r["identity"] for r in self.records("list")], left)

    def test_a_listed_star_is_no_glob(self):
        self.expect(0, "block", "*")
        self.expect(0, "unblock", "*")
        self.assertEqual(len(self.records("list")), 4)
        self.expect(1, "unblock", "--exact", "*")
        self.assertEqual(len(self.records("list")), 4)

    def test_nobody_of_that_name(self):
        done = self.expect(1, "unblock", "bob@exampel.org", "mallory")
        self.assertIn(b'did you mean "bob@example.org"?', done.stderr)
        self.assertIn(b"freed mallory", done.stdout)
        self.assertEqual(self.expect(1, "list", "zzz").stdout, b"")

    def test_no_list_at_all(self):
        os.unlink(self.users)
        self.expect(1, "unblock", "bob")
        self.assertEqual(self.records("list"), [])
        self.assertIn(b"nobody blocked (file not created yet) in", self.expect(0, "list").stdout)

    def test_a_dry_run_says_it_and_changes_nothing(self):
        for arguments, code, out in ((("mallory",), 0, b"would free mallory from "),
                                     (("*@example.org",), 0, b"would free Alice@Example.org from "),
                                     (("zoe",), 1, b"")):
            with self.subTest(arguments):
                done = self.expect(code, "unblock", "--dry-run", *arguments)
                self.assertIn(out, done.stdout)
                self.assertNotIn(b"freed", done.stdout)
                self.assertEqual(self.read(self.users), self.LIST)
        one, = self.records("unblock", "--dry-run", "mallory")
        self.assertEqual((one["identity"], one["change"]), ("mallory", "would be freed"))
        self.assertEqual(self.read(self.users), self.LIST)

    def test_options_have_nearest_names(self):
        done = self.expect(64, "unblock", "--rule", "autenticated", "bob")
        self.assertIn(b'did you mean "authenticated"?', done.stderr)
        done = self.expect(64, "unblock", "--list", self.users + "s", "bob")
        self.assertIn(self.relays.encode(), done.stderr)
        for command in ("block", "unblock"):
            self.expect(64, command)

    def test_records(self):
        freed = self.records("unblock", "mallory")
        self.assertEqual(freed[0]["change"], "freed")
        self.assertEqual((freed[0]["rule"], freed[0]["identity"]), ("authenticated", "mallory"))
        csv = self.expect(0, "list", "-o", "csv").stdout.splitlines()
        self.assertEqual(csv[0], b"list,rule,identity,data,identity_kind,since,by,count,period,until,reason,mode")
        self.assertEqual(len(csv), 4)
        self.assertEqual(self.expect(0, "list", "--ids").stdout.split(),
                         [b"Alice@Example.org", b"bob@example.org", b"carol@example.net"])

    def test_the_data_as_fields(self):
        self.write_list(self.users, b"mallory: 2026-11-23T11:09:44+01:00 exiwarden rule=authenticated count=100 "
                        b"period=1h until=2026-11-24T11:09:44+01:00\nbob: 51200\n")
        self.expect(0, "block", "carol", "--reason", "phished, ticket 4711")
        fields = ("since", "by", "rule", "count", "period", "until", "reason")
        mallory, bob, carol = [tuple(one[name] for name in fields) for one in self.records("list")]
        self.assertEqual(mallory, ("2026-11-23T10:09:44+00:00", "exiwarden", "authenticated", 100, 3600,
                                   "2026-11-24T10:09:44+00:00", None))
        self.assertEqual(bob, (None, None, "authenticated", None, None, None, None))
        self.assertEqual(carol[2:], ("authenticated", None, None, None, "phished, ticket 4711"))
        self.assertTrue(carol[0] and carol[1])

    def test_one_table_for_people(self):
        now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        since, until = now - datetime.timedelta(hours=3, minutes=5), now + datetime.timedelta(hours=22, minutes=30)
        self.write_list(self.users, f"mallory: {since.isoformat()} exiwarden rule=authenticated count=100 period=1h "
                        f"until={until.isoformat()}\nname.of-many-columns@customer-one.example.org\n".encode())
        self.expect(0, "block", "192.0.2.9", "--reason", "phished, ticket 4711 " * 6)
        text = self.expect(0, "list").stdout.decode()
        self.assertLessEqual(max(map(len, text.splitlines())), 80, text)
        self.assertRegex(text, rf"(?m)^mallory +{since:%Y-%m-%d %H:%M:%S}  3 h ago +100 in 1h +authenticated +22 h left$")
        self.assertRegex(text, r"(?m)^name.of-many-columns@customer-one.example.org$")
        self.assertRegex(text, r"(?m)^192\.0\.2\.9 .* by hand +relay +-$")
        self.assertIn("2 blocked in", text)

    def test_printed_ids_are_tame(self):
        self.expect(0, "block", "esc\x1b[31m\rtext")
        for arguments in ([], ["--ids"], ["-o", "jsonl"], ["-o", "csv"]):
            self.assertNotIn(b"\x1b", self.expect(0, "list", *arguments).stdout)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to become somebody else")
    def test_others_are_told_that_they_may_not(self):
        done = subprocess.run([PROGRAM, "unblock", "-c", self.config, "mallory"], user=65534, group=65534,
                              extra_groups=[], capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 77, done)
        self.assertIn(b"run it as root", done.stderr)


if __name__ == "__main__":
    unittest.main()
