"""tune: one pass gives what replay gives once for each limit and period, and a setting that can be used."""
import datetime
import itertools
import random
import tomllib
import unittest

from log_case import LogCase, Traffic, crossings, refusal
from program import remarks

BEGIN = datetime.datetime(2026, 3, 10, 20, 0, 0)
PERIODS = {"1m": 60, "10m": 600, "20m": 1200, "30m": 1800, "1h": 3600, "90m": 5400, "2h": 7200, "6h": 21600, "1d": 86400,
           "7d": 604800}
LIMITS = [1, 2, 3, 4, 5, 8, 10, 15, 20, 30, 40, 50, 75, 100, 120, 150, 200, 300, 500, 1000]


class Tune(LogCase):
    CONFIG = ('[[rule]]\nname = "users"\nidentity = "user"\nlimit = 100\nperiod = "1h"\n'
              '[[rule]]\nname = "relays"\nidentity = "relay"\n'
              '[[rule]]\nname = "distinct"\nidentity = "user"\ncount = "recipients"\nlist = "/nowhere/distinct"\n')

    def setUp(self):
        super().setUp()
        self.traffic = Traffic(BEGIN, 40, seed=9, spammers=5)
        self.path = self.write("mainlog", self.traffic.whole())

    def cells(self, *arguments):
        return {(one["rule"], one["period"], one["limit"]): one for one in self.records("tune", *arguments, self.path)}

    def test_every_cell_is_what_a_naive_count_says(self):
        cells = self.cells("--limits", ",".join(map(str, LIMITS)), "--periods", ",".join(PERIODS))
        self.assertEqual(len(cells), 3 * len(LIMITS) * len(PERIODS))
        entries = list(self.traffic.entries())
        for period in (600, 3600, 86400):
            for limit in (2, 5, 20, 100, 200):
                naive = {distinct: crossings(entries, limit, period, distinct) for distinct in (False, True)}
                for rule, relay, distinct in (("users", False, False), ("relays", True, False), ("distinct", False, True)):
                    want = sorted(who for who in naive[distinct] if (who == "192.0.2.70") == relay)
                    one = cells[rule, period, limit]
                    self.assertEqual(one["identities"], want, (rule, period, limit))
                    self.assertEqual(one["blocked"], len(want))

    def test_a_sample_of_cells_is_what_replay_decides(self):
        cells = self.cells("--limits", ",".join(map(str, LIMITS)), "--periods", ",".join(PERIODS))
        for limit, (text, period) in zip(LIMITS[::2], PERIODS.items()):
            with open(self.config, encoding="utf-8") as before:
                base = before.read().split("[[rule]]")[0]
            with open(self.home + "/one.toml", "w", encoding="utf-8") as out:
                out.write(base)
                for name, kind, count in (("users", "user", "attempts"), ("relays", "relay", "attempts"),
                                          ("distinct", "user", "recipients")):
                    out.write(f'[[rule]]\nname = "{name}"\nidentity = "{kind}"\ncount = "{count}"\nlimit = {limit}\n'
                              f'period = "{text}"\nlist = "/nowhere/{name}"\n')
            decided = {"users": [], "relays": [], "distinct": []}
            for one in self.records("replay", self.path, config=self.home + "/one.toml"):
                decided[one["rule"]].append(one["identity"])
            for rule, who in decided.items():
                self.assertEqual(cells[rule, period, limit]["identities"], sorted(who), (rule, period, limit))

    def test_text_fits_and_its_snippet_can_be_pasted(self):
        done = self.expect(0, "tune", self.path)
        text = done.stdout.decode()
        wide = [line for line in text.splitlines() if len(line) > 80 and not line.startswith("list = ")]
        self.assertEqual(wide, [])
        for part in ("Suggested: limit", "blocked by it", "left alone", "ratelimit = ", "spammer0@customer0.example"):
            self.assertIn(part, text)
        snippet = text.split("For the configuration:\n")[1].split("\n\n")[0]
        rule = tomllib.loads(snippet)["rule"][0]
        self.assertEqual(rule["name"], "users")
        self.write("pasted.toml", snippet.encode() + b'\n[log]\ntimezone = "UTC"\n')
        self.expect(0, "check", "--config-only", config=self.home + "/pasted.toml")
        decided = {one["identity"] for one in self.records("replay", self.path, config=self.home + "/pasted.toml")}
        self.assertEqual(decided, {f"spammer{i}@customer{i}.example" for i in range(5)})

    def test_it_says_how_sure_it_is(self):
        """The time that the logs cover, the senders, the gap; and with labels, who stands in the way of any limit."""
        one_minute = [f"2026-03-10 10:00:{i // 5:02}" for i in range(300)]
        lines = [refusal(one_minute[i], who, f"g{i}@r.test") for i in range(300)
                 for who, number in (("ann", 40), ("bob", 60), ("news@x.example", 300)) if i < number]
        path = self.write("short", "\n".join(lines).encode() + b"\n")
        spammers, honest = self.write("bad", b"bob\n"), self.write("good", b"news@x.example\n")
        long = self.write("long", "\n".join(
            refusal(f"2026-03-{day:02} 10:00:{i % 60:02}", f"user{day}", f"g{i}@r.test")
            for day in range(1, 30) for i in range(200 if day > 27 else 2)).encode() + b"\n")
        for arguments, parts, absent in (
                ((path,), ("Logs from 2026-03-10 10:00:00 to 2026-03-10 10:00:59 (59s): too short to tell 10m, 1h, 1d "
                           "apart.", "Suggested: limit 100 in 1h ", "Confidence: weak: 59s of logs, not a week; 3 "
                           "senders only; one sender alone above the gap"), ("[exempt]",)),
                ((path, "--honest", honest, "--spammers", spammers),
                 ("No limit separates spammers from honest senders: 1 honest one had as much as a spammer. With it "
                  "exempt: Of the 1 left alone the highest had 40 in 1h; of the 1 blocked the lowest had 60.",
                  '[exempt] users = ["news@x.example"]'), ("none",)),
                ((path, "--honest", honest), ("No suggestion: nobody has more than the honest ones",),
                 ("Suggested", "[[rule]]")),
                ((path, "--periods", "10s,1h"), ("1h is longer than that",), ("tell",)),
                ((path, "--since", "2026-05-01"), ("No line with a time lies in the part",), ("Suggested",)),
                ((long,), ("Confidence: good: 28d19s of logs, 29 senders, a gap of x100.",), ("weak", "short"))):
            with self.subTest(arguments=arguments):
                text = " ".join(self.expect(0, "tune", *arguments).stdout.decode().split())
                users = text.split("Rule relays ")[0] + " "
                for part in parts:
                    self.assertIn(part, users)
                for part in absent:
                    self.assertNotIn(part, users)

    def test_blocks_that_end_and_rules_of_one_list(self):
        """Which senders, and when first, is what replay says; what is left out is said."""
        config = self.home + "/ends.toml"
        rule = '[[rule]]\nname = "{}"\nidentity = "user"\nlimit = {}\nperiod = "{}"\n{}'
        ends = 'block_for = ["10m", "1d", "forever"]\nrepeat_within = "7d"\n'
        for limit, period, name in ((8, "10m", "10m"), (30, "1h", "1h"), (40, "2h", "2h")):
            with open(config, "w", encoding="utf-8") as out:
                out.write('[log]\ntimezone = "UTC"\n' + rule.format("ending", limit, period, ends))
            decided = self.records("replay", self.path, config=config)
            if limit == 8:
                self.assertGreater(len(decided), len({one["identity"] for one in decided}))  # some come back
            first = {}
            for one in decided:
                first.setdefault(one["identity"], one["time"])
            cell, = self.records("tune", "--summary", "--limits", str(limit), "--periods", period, self.path, config=config)
            self.assertEqual(dict(zip(cell["identities"], cell["times"])), first)
        page = self.home + "/page.html"
        said = self.expect(0, "tune", "--html", page, self.path, config=config).stdout.decode()
        with open(page, encoding="utf-8") as text:
            for shown in (" ".join(said.split()), text.read()):
                self.assertIn("Left out: block_for (10m, then 1d, then forever).", shown)
                self.assertNotIn("other rules", shown)
        with open(config, "w", encoding="utf-8") as out:
            out.write('[log]\ntimezone = "UTC"\n' + rule.format("fast", 8, "10m", "") + rule.format("slow", 40, "2h", ""))
        said = self.expect(0, "tune", self.path, config=config).stdout.decode()
        self.assertIn("Left out: the other rules of the same list.", " ".join(said.split()))
        self.assertNotIn("Left out: block_for", said)

    def test_labels_make_hits_misses_and_false_alarms(self):
        spammers = self.write("spammers", b"# last month's\nSPAMMER0@customer0.example\nspammer1@customer1.example\nnobody@x\n")
        honest = self.write("honest", b"".join(b"honest%d@customer%d.example\n" % (i, i % 5) for i in range(30)))
        cells = self.cells("--limits", "1,100", "--periods", "1h", "--spammers", spammers, "--honest", honest)
        one = cells["users", 3600, 100]
        self.assertEqual((one["hits"], one["misses"], one["false_alarms"]), (2, 1, 0))
        self.assertGreater(cells["users", 3600, 1]["false_alarms"], 10)
        self.assertIn("spammers/others", self.expect(0, "tune", "--spammers", spammers, self.path).stdout.decode())
        self.expect(66, "tune", "--honest", self.home + "/missing", self.path)

    def test_wrong_options(self):
        for wrong in (["--limits", "0"], ["--limits", "ten"], ["--limits", "1,,2"], ["--periods", "soon"], ["--periods", "0s"]):
            self.assertTrue(self.expect(64, "tune", *wrong, self.path).stderr)

    def test_csv(self):
        lines = self.expect(0, "tune", "-o", "csv", "--limits", "100", "--periods", "1h", self.path).stdout.decode().splitlines()
        self.assertEqual(lines[0], "rule,period,limit,blocked,identities")
        self.assertEqual(len(lines), 4)


class EveryCell(LogCase):
    """One pass of tune against what replay decides under each of 200 settings."""
    RULES = (("users", "user", "attempts"), ("relays", "relay", "attempts"), ("distinct", "user", "recipients"))

    def config_of(self, name, limits, period):
        """A rule with a list of its own for each: none knows of the others."""
        rules = "".join(f'[[rule]]\nname = "{rule}{limit}"\nidentity = "{kind}"\ncount = "{count}"\nlimit = {limit}\n'
                        f'period = "{period}"\nlist = "/nowhere/{rule}{limit}"\n'
                        for rule, kind, count in self.RULES for limit in limits)
        with open(self.config, encoding="utf-8") as before:
            return self.write(name, (before.read() + rules).encode())

    def test_200_settings(self):
        rng = random.Random(11)
        lines = []
        for i in range(24):  # each in bursts of its own length and pace
            user, second = f"U{i}@x.example", rng.randrange(20000)
            for k in range(rng.choice([1, 2, 6, 14, 30, 60])):
                second += rng.choice([0, 1, 40, 300, 4000])
                lines.append((second, refusal("{}", user if k % 2 else user.lower(), f"g{rng.randrange(1 + k // 2 + i)}@r.test")))
        for k in range(60):
            lines.append((k * 37, refusal("{}", None, f"g{k}@r.test", "192.0.2.70")))
        lines.sort(key=lambda line: line[0])
        path = self.write("mainlog", "".join(
            line.format(f"{BEGIN + datetime.timedelta(seconds=second):%Y-%m-%d %H:%M:%S}") + "\n" for second, line in lines).encode())
        config = self.config_of("tune.toml", [100], "1h")
        cells = {(one["rule"].removesuffix("100"), one["period"], one["limit"]): one for one in self.records(
            "tune", "--summary", "--limits", ",".join(map(str, LIMITS)), "--periods", ",".join(PERIODS), path, config=config)}
        self.assertEqual(len(LIMITS) * len(PERIODS), 200)
        different = set()
        for text, period in PERIODS.items():
            decided = {}
            for one in self.records("replay", path, config=self.config_of(f"{text}.toml", LIMITS, text)):
                decided.setdefault(one["rule"], {})[one["identity"]] = one["time"]
            for (rule, _, _), limit in itertools.product(self.RULES, LIMITS):
                times = decided.get(f"{rule}{limit}", {})
                one = cells[rule, period, limit]
                self.assertEqual(dict(zip(one["identities"], one["times"])), times, (rule, period, limit))
                self.assertEqual(one["blocked"], len(times))
                different.add((rule, tuple(sorted(times))))
        self.assertGreater(len(different), 60)


class Summary(LogCase):
    """What replay says was accepted before and after a decision."""

    def test_accepted_before_and_after(self):
        traffic = Traffic(BEGIN, 30, seed=4)
        path = self.write("mainlog", traffic.whole())
        truth = crossings(traffic.entries(), 100, 3600)
        wanted = {who: [0, 0, 0, 0, 0] for who in truth}
        owner, seen = {}, {who: 0 for who in truth}
        for _, line in traffic.entries():
            fields = line.split(" ")
            if fields[3] == "<=":
                owner[fields[2]] = (fields[4], fields[4] in seen and seen[fields[4]] >= 100)
            ident, user, after = fields[2], None, False
            if ident in owner:
                user, after = owner[ident]
            if user in wanted and fields[3] == "<=":
                wanted[user][2 if after else 0] += 1
            if user in wanted and fields[3] == "=>":
                wanted[user][3 if after else 1] += 1
            if " rejected RCPT " in line:
                for who in truth:
                    if f"A=plain:{who} " in line or f" [{who}] " in line:
                        # Every one of these spammers reaches 100 in an hour with its 100th refusal, or later.
                        seen[who] += 1
        for one in self.records("replay", "--summary", path):
            who = one["identity"]
            index = [instant for instant, line in traffic.entries()
                     if " rejected RCPT " in line and f"A=plain:{who} " in line].index(truth[who]) if "@" in who else None
            if index == 99:
                self.assertEqual([one["messages_before"], one["recipients_before"], one["messages_after"],
                                  one["recipients_after"]], wanted[who][:4], who)
            self.assertEqual(one["messages_before"] + one["messages_after"], wanted[who][0] + wanted[who][2])
            self.assertEqual(one["recipients_before"] + one["recipients_after"], wanted[who][1] + wanted[who][3])
            self.assertTrue(one["hosts"])
        text = self.expect(0, "replay", path).stdout.decode()
        self.assertEqual([line for line in text.splitlines() if len(line) > 80 and self.home not in line], [])
        for part in ("Rule authenticated (user)", "Rule relay (relay)", "sent before", "spammer0@customer0.example"):
            self.assertIn(part, text)
        self.assertEqual(remarks(self.expect(1, "replay", "--fail-on-block", "--brief", path).stderr), b"")
        self.assertIn(b"No limit was reached", self.expect(0, "replay", "--until", "2026-03-01", path).stdout)


if __name__ == "__main__":
    unittest.main()
