"""--since, --until, --user and --host ask for a part of the decisions: never for other decisions. And of logs that
were not read there is no verdict."""
import datetime
import random

from log_case import LogCase, Traffic, refusal

BEGIN = datetime.datetime(2026, 3, 10, 20, 0, 0)


def key(one):
    return one["rule"], one["identity"], one["time"], one["count"], one["first"], one["line"], one["offset"]


class Selection(LogCase):
    def whole_and_part(self, path, *selection):
        return {key(one) for one in self.records("replay", path, *selection)}

    def test_since_and_until_cut_what_a_whole_replay_decides(self):
        for seed in range(4):
            choice = random.Random(seed)
            traffic = Traffic(BEGIN, 12, seed=seed, spammers=4, honest=10)
            path = self.write(f"log{seed}", traffic.whole())
            whole = self.records("replay", path)
            self.assertGreaterEqual(len(whole), 4)
            cuts = [BEGIN + datetime.timedelta(seconds=choice.randrange(12 * 3600)) for _ in range(5)]
            for one in whole:  # and right before and at a decision
                at = datetime.datetime.fromisoformat(one["time"]).replace(tzinfo=None)
                cuts += [at, at + datetime.timedelta(seconds=1)]
            for cut in cuts:
                text = f"{cut:%Y-%m-%dT%H:%M:%S}Z"
                after = {key(one) for one in whole
                         if datetime.datetime.fromisoformat(one["time"]).replace(tzinfo=None) >= cut}
                with self.subTest(seed=seed, cut=text):
                    self.assertEqual(self.whole_and_part(path, "--since", text), after)
                    self.assertEqual(self.whole_and_part(path, "--until", text), {key(one) for one in whole} - after)

    def test_refusals_before_midnight_count_after_it(self):
        lines = [refusal("2026-03-10 23:59:00", "bob", f"a{i}@remote.test") for i in range(99)]
        lines.append(refusal("2026-03-11 00:01:00", "bob", "last@remote.test"))
        path = self.write("log", "\n".join(lines).encode() + b"\n")
        self.assertEqual(set(self.decided(path, "--since", "2026-03-11")), {"bob"})
        self.assertEqual(set(self.decided(path, "--until", "2026-03-11")), set())
        for limit, code in (("100", ["bob"]), ("101", [])):
            cells = self.records("tune", "--limits", limit, "--periods", "1h", "--since", "2026-03-11", path)
            self.assertEqual(cells[0]["identities"], code)

    def test_a_user_and_a_host_are_shown_as_the_whole_decides(self):
        hosts = ["198.51.100.7", "198.51.100.9"]
        lines = [refusal(f"2026-03-10 10:{i // 60:02}:{i % 60:02}", user, f"a{i}@remote.test", hosts[i % 2])
                 for i in range(60) for user in ("bob", "carol")]
        lines += [refusal(f"2026-03-10 10:01:{i:02}", "bob", f"b{i}@remote.test", hosts[i % 2]) for i in range(50)]
        path = self.write("log", "\n".join(lines).encode() + b"\n")
        whole = self.whole_and_part(path)
        self.assertEqual({identity for _, identity, *_ in whole}, {"bob"})
        for selection, found in ((("--user", "bob"), whole), (("--user", "BOB"), whole), (("--user", "carol"), set()),
                                 (("--host", hosts[0]), whole), (("--host", hosts[1]), whole),
                                 (("--host", "198.51.100.0/24"), whole), (("--host", "192.0.2.70"), set())):
            with self.subTest(selection=selection):
                self.assertEqual(self.whole_and_part(path, *selection), found)
    def test_times_that_are_told_from_now_on(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        day = datetime.timedelta(days=1)
        times = {"now": now, "today": midnight, "yesterday": midnight - day / 2,
                 "before": midnight - 1.5 * day, "week": now - 8 * day, "month": now - 40 * day}
        lines = [refusal(f"{time:%Y-%m-%d %H:%M:%S}", name, "a@remote.test")
                 for name, time in sorted(times.items(), key=lambda one: one[1])]
        path = self.write("log", "\n".join(lines).encode() + b"\n")
        for arguments, names in ((("--since", "today"), "today now"), (("--since", "yesterday"), "yesterday today now"),
                                 (("--since", "30d"), "week before yesterday today now"),
                                 (("--since", "1w"), "before yesterday today now"),
                                 (("--until", "yesterday"), "month week before"),
                                 (("--until", "today"), "month week before yesterday"),
                                 (("--until", "30d"), "month"), (("--since", "9d", "--until", "5d"), "week")):
            with self.subTest(arguments=arguments):
                self.assertEqual([one["user"] for one in self.records("events", *arguments, path)], names.split())

    def test_a_month(self):
        lines = [refusal(f"{time}:00", name, "a@remote.test") for time, name in (
            ("2026-09-30 23:59", "before"), ("2026-10-01 00:00", "first"), ("2026-10-31 23:59", "last"),
            ("2026-11-01 00:00", "after"), ("2026-12-31 23:59", "eve"), ("2027-01-01 00:00", "new"))]
        path = self.write("log", "\n".join(lines).encode() + b"\n")
        for month, names in (("2026-10", "first last"), ("2026-12", "eve"), ("2027-01", "new"), ("2026-08", "")):
            with self.subTest(month=month):
                self.assertEqual([one["user"] for one in self.records("events", "--month", month, path)], names.split())
        for wrong in (("--month", "2026-13"), ("--month", "october"), ("--month", "2026-1"),
                      ("--month", "2026-10", "--since", "today"), ("--since", "-1d"), ("--since", "tomorrow"),
                      ("--since", "1d", "--until", "2d")):
            with self.subTest(wrong=wrong):
                self.assertIn(wrong[0].encode(), self.expect(64, "events", *wrong, path).stderr)
        page = self.home + "/page.html"
        self.expect(0, "tune", "--month", "2026-10", "--html", page, path)
        with open(page, encoding="utf-8") as text:
            self.assertIn("--since 2026-10-01T00:00:00+00:00 --until 2026-11-01T00:00:00+00:00", text.read())


class Coverage(LogCase):
    """replay, tune and evidence end by saying what they looked at: no clean bill of health without it."""
    CONFIG = '[exempt]\nusers = ["news@lab.example"]\n'

    def looked_at(self, *arguments, code=0):
        said = self.expect(code, *arguments).stderr.decode().splitlines()
        at = next((i for i, line in enumerate(said) if line.startswith("exiwarden: read ")), len(said))
        return [line.removeprefix("exiwarden: ") for line in said[at:]]

    def setUp(self):
        super().setUp()
        at = "2026-03-10 10:00:0"
        self.first = self.write("logs/mainlog.1", "\n".join(
            [refusal(at + "0", "bob", "a@remote.test"), refusal(at + "1", "BOB", "b@remote.test"),
             refusal(at + "2", "carol", "a@remote.test"), refusal(at + "3", "news@lab.example", "a@remote.test"),
             refusal(at + "4", None, "a@remote.test", "192.0.2.70")]).encode() + b"\n")
        outsiders = [refusal("2026-03-11 10:00:00", None, f"a{i}@remote.test", f"203.0.113.{host}")
                     for host, number in ((7, 5), (8, 1), (9, 3), (10, 2)) for i in range(number)]
        torn = refusal("2026-03-11 10:00:01", "bob", "c@remote.test").replace("client.test", "two words")
        self.second = self.write("logs/mainlog", "\n".join(outsiders + [torn]).encode() + b"\n")
        self.left_out = ("left out: 11 by 4 hosts not in relay.hosts (most by 203.0.113.7: 5, 203.0.113.9: 3, "
                         "203.0.113.10: 2); ")

    def test_every_command_that_finds_nothing_says_where(self):
        whole = ["read 17 lines of 2 files, 2026-03-10 10:00:00 to 2026-03-11 10:00:01: 4 refused recipients of 3 "
                 "senders", self.left_out + "1 of exempt senders; 1 unreadable (explain says why)"]
        for arguments, code in ((("replay",), 0), (("replay", "--brief"), 0), (("replay", "-o", "jsonl"), 0),
                                (("replay", "-o", "csv", "--summary"), 0), (("tune",), 0), (("tune", "-o", "csv"), 0),
                                (("evidence", "--logs-only", "bob"), 0), (("evidence", "--logs-only", "nobody"), 1)):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.looked_at(*arguments, self.home + "/logs", code=code), whole)

    def test_a_part(self):
        for arguments, end in ((("--user", "Bob"), ": 2 refused recipients of 1 sender in the part that is asked for"),
                               (("--until", "2026-03-11"), ": 4 refused recipients of 3 senders in the part that is "
                                                           "asked for"),
                               (("--since", "2026-04-01"), ": 0 refused recipients of 0 senders in the part that is "
                                                           "asked for, where no line lies"),
                               (("--until", "2026-03-01"), ": 0 refused recipients of 0 senders in the part that is "
                                                           "asked for, where no line lies")):
            with self.subTest(arguments=arguments):
                said = self.looked_at("replay", *arguments, self.home + "/logs")
                self.assertTrue(said[0].endswith(end), said)

    def test_many_senders_each_spelt_in_two_ways(self):
        path = self.write("many", "".join(
            refusal("2026-03-10 10:00:00", f"{name}{i}@x.example", "a@remote.test") + "\n"
            for _ in range(2) for i in range(1500) for name in ("user", "User")).encode())
        self.assertIn(": 6,000 refused recipients of 1,500 senders", self.looked_at("replay", path)[0])

    def test_lines_that_are_not_in_order(self):
        path = self.write("disorder", "\n".join(refusal(f"2026-03-10 {at}", "bob", "a@remote.test") for at in (
            "10:00:05", "10:00:01", "10:00:09", "10:00:03")).encode() + b"\n")
        self.assertIn(" 2026-03-10 10:00:03 to 2026-03-10 10:00:05: ", self.looked_at("replay", path)[0])

    def test_without_relay_hosts_it_is_said_which_hosts_are_missed(self):
        config = self.write("bare.toml", b'[log]\ntimezone = "UTC"\n').replace("//", "/")
        done = self.run_program("replay", self.first, config=config)
        self.assertIn(b"left out: 1 by 1 host not in relay.hosts, which is empty (192.0.2.70: 1)", done.stderr)

    def test_failed_deliveries_where_they_count(self):
        config = self.write("bounced.toml", b'[log]\ntimezone = "UTC"\n[[rule]]\nname = "u"\nidentity = "user"\n'
                                            b'signals = ["bounced"]\n')
        done = self.run_program("replay", self.first, config=config)
        self.assertIn(b" refused recipients and 0 failed deliveries of ", done.stderr)


NO_VERDICT = b"No verdict: not all logs could be read as Exim's.\n"


class NotRead(LogCase):
    def test_what_is_no_log_of_exim_gives_no_verdict(self):
        strange = self.write("strange", b"Nov 23 10:56:18 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT\n" * 50)
        for arguments, out in ((("events",), b""), (("replay",), NO_VERDICT), (("tune",), NO_VERDICT),
                               (("replay", "-o", "jsonl"), b""), (("tune", "-o", "jsonl"), b""),
                               (("tune", "-o", "csv"), b""), (("evidence", "bob"), b""),
                               (("explain", "--who", "bob"), b""), (("explain", "--unknown"), b"")):
            with self.subTest(arguments=arguments):
                done = self.expect(65, *arguments, strange)
                self.assertEqual(done.stdout, out)
                self.assertIn(b"not one line of it is an entry of Exim's", done.stderr)
        page = self.home + "/page.html"
        self.expect(65, "tune", "--html", page, strange)
        self.expect(65, "replay", "--report", page, strange)
        with self.assertRaises(FileNotFoundError):
            open(page, encoding="utf-8")

    def test_another_program_with_stamps_like_exims_is_not_taken_for_it(self):
        strange = self.write("dpkg.log", b"2026-03-10 10:00:00 status unpacked exim4-base:amd64 4.96\n" * 9000)
        self.assertEqual(self.expect(65, "replay", strange).stdout, NO_VERDICT)
        for entry in ("1xVRai-0000ps-0R Completed", "Start queue run: pid=1", "H=(h) [192.0.2.1] incomplete transaction"):
            self.expect(0, "replay", self.write("log", f"2026-03-10 10:00:00 site's own line\n"
                                                       f"2026-03-10 10:00:00 {entry}\n".encode()))
        own = self.write("own", b"2026-03-10 10:00:00 dead host=[192.0.2.70]\n")
        self.expect(65, "replay", own)
        with open(self.config, "a", encoding="utf-8") as config:
            config.write("[[pattern]]\nkind = \"warned\"\nregex = '^dead host=\\[(?P<host>[^\\]]+)\\]$'\n")
        self.expect(0, "replay", own)

    def test_what_is_missing_gives_no_verdict_but_the_rest_is_told(self):
        quiet = self.write("quiet", b"2026-03-10 10:00:00 Start queue run: pid=1\n")
        self.assertEqual(self.expect(0, "replay", quiet).stdout, b"No limit was reached.\n")
        self.assertEqual(self.expect(66, "replay", self.home + "/missing").stdout, NO_VERDICT)
        self.assertEqual(self.expect(66, "replay", self.home + "/missing", quiet).stdout, NO_VERDICT)
        strange = self.write("strange", b"no entry\n")
        lines = [refusal("2026-03-10 23:59:00", "bob", f"a{i}@remote.test") for i in range(100)]
        log = self.write("log", "\n".join(lines).encode() + b"\n")
        self.assertEqual([one["identity"] for one in self.records("replay", log, strange, code=65)], ["bob"])


SYSLOG = {
    "rfc5424": "<22>1 {day}T{time}.123456+01:00 mx exim {pid} - - {entry}",
    "rfc5424 bare": '1 {day}T{time}+01:00 mx exim4 {pid} - [timeQuality tzKnown="1"] {entry}',
    "short": "Mar 10 {time} mx exim[{pid}]: {entry}",
    "short-precise": "Mar 10 {time}.123456 mx exim[{pid}]: {entry}",
    "short-iso": "{day}T{time}+0100 mx exim[{pid}]: {entry}",
    "short-iso-precise": "{day}T{time}.123456+0100 mx exim[{pid}]: {entry}",
    "short-full": "Tue {day} {time} CET mx exim[{pid}]: {entry}",
    "busybox": "Mar 10 {time} mx mail.{level} exim[{pid}]: {entry}",
}


class Syslog(LogCase):
    ZONE = "Europe/Berlin"

    def entries(self, form, own_stamp, copies):
        day = "2026-03-10"
        lines = []
        for i in range(120):
            time = f"10:{i // 60:02}:{i % 60:02}"
            text = refusal(f"{day} {time}", "bob", f"a{i}@remote.test",
                           reason="Unrouteable address" + " really" * (200 if i % 3 == 0 else 0))
            entry = text if own_stamp else text[20:]
            pieces = [entry[at:at + 870] for at in range(0, len(entry), 870)]
            if len(pieces) > 1:
                pieces = [f"[{n + 1}/{len(pieces)}] {piece}" for n, piece in enumerate(pieces)]
            for level in ("info", "notice")[: 2 if copies else 1]:
                lines += [SYSLOG[form].format(day=day, time=time, pid=1000 + i, entry=piece, level=level)
                          for piece in pieces]
        return "\n".join(lines).encode() + b"\n"

    def test_every_form_whole_split_and_doubled(self):
        for form in SYSLOG:
            for own_stamp in (True, False):
                for copies in (True, False):
                    with self.subTest(form=form, own_stamp=own_stamp, copies=copies):
                        path = self.write("log", self.entries(form, own_stamp, copies))
                        events = self.records("events", path)
                        self.assertEqual(len(events), 120)
                        self.assertEqual({one["kind"] for one in events}, {"rejected_rcpt"})
                        self.assertEqual(events[-1]["time"], "2026-03-10T10:01:59+01:00")
                        self.assertEqual({one["recipient"] for one in events},
                                         {f"a{i}@remote.test" for i in range(120)})

    def test_an_escaped_byte_near_the_cut_of_the_argument(self):
        for escapes in range(4):
            local = '"' + "#015" * escapes + "a" * (99 - escapes)
            for argument in ("<" + local[:99], "<" + local[:99 + 3 * escapes]):
                raw = len(argument) - 3 * argument.count("#015")
                if raw != 100:
                    continue
                line = SYSLOG["short"].format(day="", time="10:00:00", pid=1, level="", entry=refusal(
                    "2026-03-10 10:00:00", "bob", "x@y").replace("<x@y>", argument))
                with self.subTest(escapes=escapes):
                    events = self.records("events", "-", stdin=line.encode() + b"\n")
                    self.assertEqual([one["recipient"] for one in events], [argument])
                    self.assertEqual(events[0]["user"], "bob")


class Reasons(LogCase):
    CALLOUT = "mx [203.0.113.9] : SMTP error from remote mail server after RCPT TO:<{to}>: "
    CACHED = "Previous (cached) callout verification failure"

    def test_a_cached_refusal_is_what_it_repeats(self):
        lines = []

        def refuse(to, reason):
            lines.append(refusal(f"2026-03-10 10:00:{len(lines):02}", "bob", to, reason=reason))

        refuse("full@r.test", self.CALLOUT.format(to="full@r.test") + "552 5.2.2 Mailbox full")
        refuse("Full@r.test", self.CACHED)
        refuse("dead@r.test", self.CALLOUT.format(to="dead@r.test") + "550 5.1.1 User unknown")
        refuse("dead@r.test", self.CACHED)
        refuse("new@r.test", self.CACHED)
        refuse("full@r.test", self.CALLOUT.format(to="full@r.test") + "550 no such user")
        refuse("full@r.test", self.CACHED)
        events = self.records("events", "-", stdin="\n".join(lines).encode() + b"\n")
        self.assertEqual([one["reason_class"] for one in events],
                         ["other", "other", "missing", "missing", "missing", "missing", "missing"])
        self.assertEqual([one["kind"] for one in events], ["policy_rejected"] * 2 + ["rejected_rcpt"] * 5)
        self.assertEqual(events[2]["reason_pattern"], "code")

    def test_a_failed_delivery_whose_text_names_the_sender_counts_for_nobody(self):
        ident = "1xVRai-0000ps-0R"
        for named, found in (("bob@b.test", 0), ("carol@b.test", 1)):
            lines = [f"2026-03-10 10:00:00 {ident} <= bob@b.test H=(h) [198.51.100.7] P=esmtpa A=plain:bob S=207",
                     f"2026-03-10 10:00:01 {ident} ** x@r.test R=r T=t H=mx [203.0.113.9]: SMTP error from remote "
                     f"mail server after RCPT TO:<x@r.test>: 550 <{named}>: User unknown"]
            self.assertEqual(len(self.records("events", "-", stdin="\n".join(lines).encode() + b"\n")), found)

    def test_unknown_texts_are_listed_and_can_be_pasted(self):
        lines = [refusal(f"2026-03-10 10:00:{i:02}", "bob", f"a{i}@r.test",
                         reason=self.CALLOUT.format(to=f"a{i}@r.test") + f"550 the lab's no (no. {i}) [q{i}x]")
                 for i in range(30)]
        lines += [f"2026-03-10 10:01:00 1xVRai-0000ps-0R ** x@r.test R=r T=t: lab is shut"] * 2
        lines += [refusal("2026-03-10 10:02:00", "bob", "b@r.test")]
        path = self.write("log", "\n".join(lines).encode() + b"\n")
        found = self.records("explain", "--unknown", path)
        self.assertEqual([one["count"] for one in found], [30, 2])
        self.assertEqual(found[1]["example"], "lab is shut")
        self.assertEqual((found[0]["line"], found[0]["file"]), (1, path))
        text = self.expect(0, "explain", "--unknown", path).stdout.decode()
        pasted = text.splitlines()[0].split(None, 1)[1]
        self.assertEqual(pasted, f"'{found[0]['regex']}'")
        self.assertEqual({one["reason_class"] for one in self.records("events", path)}, {"unknown", "missing"})
        with open(self.config, "a", encoding="utf-8") as config:
            config.write(f"[reasons]\nmissing = [\"default\", {pasted}]\n")
        self.assertEqual({one["kind"] for one in self.records("events", path)}, {"rejected_rcpt"})
        self.assertEqual(self.expect(0, "explain", lines[0]).stdout.count(b"reason_class"), 1)

    def test_a_newer_file_of_reasons_stands_for_those_built_in(self):
        line = (refusal("2026-03-10 10:00:00", "bob", "a@r.test", reason="lab is shut") + "\n").encode()
        catalog = self.home + "/reasons.toml"
        with open(self.config, "a", encoding="utf-8") as config:
            config.write(f'[reasons]\nfile = "{catalog}"\n')
        pattern = ('[[pattern]]\nname = "lab"\nclass = "missing"\nregex = \'{lab} is shut\'\n'
                   "sample = 'lab is shut'\nother_sample = 'lab'\n")
        word = "[[word]]\nname = 'lab'\nregex = 'lab'\n"
        for date, kind in (("2000-01-01", "policy_rejected"), ("2999-01-01", "rejected_rcpt")):
            self.write("reasons.toml", f'date = "{date}"\n{word}{pattern}'.encode())
            events = self.records("events", "-", stdin=line)
            self.assertEqual([one["kind"] for one in events], [kind])
        self.assertEqual(events[0]["reason_pattern"], "lab")
        self.write("reasons.toml", f'date = "2999-01-01"\n{pattern}'.encode())
        self.assertIn(b"reasons.file: " + catalog.encode(), self.expect(78, "events", "-", stdin=line).stderr)


if __name__ == "__main__":
    import unittest
    unittest.main()
