"""The service end to end on a log of its own: lists, notices, signals, rotation, restarts."""

import contextlib
import csv
import email
import email.policy
import io
import json
import os
import re
import signal
import socket
import subprocess
import unittest

from program import EXIWARDEN, Place, Service, call, environment, refusal, relay_refusal, stamp, wait_for


class ServiceRun(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.remove)

    def wait_listed(self, *keys, path=None):
        wait_for(lambda: sorted(self.place.keys(path)) == sorted(keys), f"{keys} listed")

    def bodies(self):
        """Of the mails; a mail that a stop cut short may come twice, with the same Message-ID."""
        mails = [email.message_from_bytes(message, policy=email.policy.default) for _, message in self.place.notices()]
        return {mail["Message-ID"]: mail.get_content() for mail in mails}.values()

    def reported(self):
        """Who was reported, sorted: several notices may go together in one mail."""
        return sorted(name for body in self.bodies()
                      for name in re.findall(r"has blocked the \w+\n\n    (.*)\n", body))

    def wait_reported(self, *names):
        wait_for(lambda: self.reported() == sorted(names), f"notices of {names}")

    def test_a_user_who_reaches_the_limit_is_listed_and_reported(self):
        self.place.append(b"")
        with Service(self.place, "-o", "jsonl") as service:
            self.place.append(refusal("bob", 1), refusal("bob", 2), refusal("carol", 1), refusal("carol", 2))
            self.place.append(refusal("bob", 3, recipient="gone@example.net"))
            self.wait_listed(b"bob")
            self.wait_reported("bob")
            self.assertEqual(service.stop(), 0)
            self.assertTrue(service.told("STOPPING=1"))
        line, = self.place.listed()
        self.assertRegex(line, rb"^bob: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00 exiwarden rule=users count=3 period=1h$")
        self.assertEqual(self.place.listed(self.place.relays), [])
        (arguments, message), = self.place.notices()
        self.assertEqual(arguments, ["-i", "-f", "<>", "--", "abuse@example.org", "second@example.org"])
        mail = email.message_from_bytes(message, policy=email.policy.default)
        self.assertEqual(mail["From"], "exiwarden@example.org")
        self.assertEqual(mail["To"], "abuse@example.org, second@example.org")
        self.assertEqual(mail["Auto-Submitted"], "auto-generated")
        self.assertIn("user bob blocked: 3 refused recipients in 1h", mail["Subject"])
        self.assertIsNotNone(mail["Date"].datetime)
        self.assertRegex(mail["Message-ID"], r"^<exiwarden\.[0-9a-f]{32}@[A-Za-z0-9.-]+>$")
        self.assertEqual(mail.get_content_type(), "text/plain")
        body = mail.get_content()
        for part in ("bob", "198.51.100.7", "gone@example.net", "Unrouteable address", line.decode(),
                     str(self.place.users), f"release -c '{self.place.config}' --exact --rule 'users'"):
            self.assertIn(part, body)
        decision, = [json.loads(text) for text in service.output.read_text().splitlines()]
        self.assertEqual((decision["identity"], decision["count"], decision["line"]), ("bob", 3, 5))

    def test_every_form_of_syslog_is_followed_doubled_and_split(self):
        forms = (b"<22>1 %(day)bT%(time)b.5+00:00 mx exim 7 - - ", b"1 %(day)bT%(time)bZ mx exim 7 - [a b=\"c\"] ",
                 b"%(day)bT%(time)b+0000 mx exim[7]: ", b"Mon %(day)b %(time)b UTC mx exim[7]: ")
        for form in forms:
            with self.subTest(form=form):
                self.place = Place()
                self.addCleanup(self.place.remove)
                self.place.append(b"")
                with Service(self.place, "-o", "jsonl") as service:
                    for dead in range(3):
                        entry = refusal("bob", dead).rstrip(b"\n") + b" really" * 150
                        begin = form % {b"day": entry[:10], b"time": entry[11:19]}
                        pieces = [begin + b"[1/2] " + entry[:870] + b"\n", begin + b"[2/2] " + entry[870:] + b"\n"]
                        self.place.append(*pieces, *pieces)  # at mail.info and at mail.notice
                    self.wait_listed(b"bob")
                    self.assertEqual(service.stop(), 0)
                decision, = [json.loads(text) for text in service.output.read_text().splitlines()]
                self.assertEqual((decision["count"], decision["line"]), (3, 10))

    def test_relay_hosts_are_listed_quoted_and_outsiders_never(self):
        self.place.write_config(relays='["192.0.2.0/24", "2001:db8::/32"]')
        self.place.append(b"")
        with Service(self.place):
            for number in range(3):
                self.place.append(relay_refusal("192.0.2.7", number), relay_refusal("203.0.113.9", number),
                                  relay_refusal("2001:db8::7", number))
            self.wait_listed(b"192.0.2.7", b'"2001:db8::7"', path=self.place.relays)
            self.wait_reported("192.0.2.7", "2001:db8::7")
        self.assertEqual(self.place.listed(), [])

    def test_a_line_that_is_deleted_frees_the_user_for_a_fresh_window(self):
        self.place.append(b"")
        with Service(self.place) as service:
            self.place.append(*[refusal("bob", n) for n in range(5)])
            self.wait_listed(b"bob")
            self.place.users.write_bytes(b"# kept by hand\n")
            wait_for(lambda: b"bob is free again" in service.errors.read_bytes(), "freed")
            self.place.append(refusal("bob", 5), refusal("bob", 6), refusal("eve", 1), refusal("eve", 2),
                              refusal("eve", 3))
            self.wait_listed(b"# kept by hand", b"eve")  # so the two of bob were read, and decided nothing
            self.place.append(refusal("bob", 7))
            self.wait_listed(b"# kept by hand", b"eve", b"bob")
            self.wait_reported("bob", "bob", "eve")

    def test_removing_the_whole_list_frees_everybody(self):
        self.place.append(b"")
        with Service(self.place) as service:
            self.place.append(*[refusal("bob", n) for n in range(3)])
            self.wait_listed(b"bob")
            self.place.users.unlink()
            wait_for(lambda: b"bob is free again" in service.errors.read_bytes(), "freed")
            self.place.append(*[refusal("bob", n) for n in range(3)])
            self.wait_listed(b"bob")

    def test_who_is_listed_by_hand_is_not_decided_again(self):
        self.place.append(b"")
        self.place.users.parent.mkdir(parents=True)
        self.place.users.write_bytes(b"BOB: by hand\n")
        with Service(self.place):
            self.place.append(*[refusal("bob", n) for n in range(4)], *[refusal("eve", n) for n in range(3)])
            self.wait_listed(b"BOB", b"eve")
            self.wait_reported("eve")

    def test_a_restart_repeats_nothing_and_loses_nothing(self):
        self.place.append(b"")
        with Service(self.place) as service:
            self.place.append(*[refusal("bob", n) for n in range(3)], refusal("carol", 1), refusal("carol", 2))
            self.wait_listed(b"bob")
            self.wait_reported("bob")
            self.assertEqual(service.stop(), 0)
        self.place.append(refusal("bob", 9), refusal("carol", 3))  # while nobody watches
        with Service(self.place) as service:
            self.wait_listed(b"bob", b"carol")
            self.wait_reported("bob", "carol")
            self.assertEqual(service.stop(), 0)
        with Service(self.place) as service:
            self.place.append(*[refusal("eve", n) for n in range(3)])
            self.wait_listed(b"bob", b"carol", b"eve")
            self.wait_reported("bob", "carol", "eve")
            self.assertEqual(service.stop(), 0)

    def test_dry_run_decides_and_touches_nothing(self):
        self.place.append(*[refusal("bob", n) for n in range(3)])
        before = sorted(str(path) for path in self.place.root.rglob("*"))
        with Service(self.place, "--dry-run") as service:
            wait_for(lambda: b"user bob" in service.output.read_bytes(), "the decision said")
            self.place.append(*[refusal("eve", n) for n in range(3)])
            wait_for(lambda: b"user eve" in service.output.read_bytes(), "the next decision said")
            self.assertEqual(service.stop(), 0)
        after = sorted(str(path) for path in self.place.root.rglob("*"))
        own = {str(self.place.root / name) for name in ("stdout", "stderr", "notify")}
        self.assertEqual([path for path in after if path not in own], before)

    def test_decisions_as_a_table_have_a_header(self):
        with Service(self.place, "-o", "csv") as service:
            self.place.append(*[refusal(user, n) for user in ("bob", "eve") for n in range(3)])
            wait_for(lambda: service.output.read_bytes().count(b"\n") == 3, "both decisions")
            self.assertEqual(service.stop(), 0)
        rows = list(csv.DictReader(io.StringIO(service.output.read_text())))
        self.assertEqual([(row["identity"], row["count"], row["limit"]) for row in rows],
                         [("bob", "3", "3"), ("eve", "3", "3")])

    def test_half_a_line_waits_for_its_end(self):
        other = self.place.root / "other"
        self.place.write_config(logs=[other])
        self.place.append(refusal("bob", 1), refusal("bob", 2))
        whole = refusal("bob", 3)
        with Service(self.place):
            # What came into the other log later shows that the half line was read and held back.
            self.place.append(whole[:-30])
            self.place.append(*[refusal("eve", n) for n in range(3)], to=other)
            self.wait_listed(b"eve")
            self.place.append(whole[-30:-1])
            self.place.append(*[refusal("mallory", n) for n in range(3)], to=other)
            self.wait_listed(b"eve", b"mallory")
            self.place.append(b"\n")
            self.wait_listed(b"eve", b"mallory", b"bob")

    def test_one_byte_at_a_time(self):
        self.place.append(b"")
        content = b"".join([refusal("bob", 1), relay_refusal("192.0.2.7", 1), refusal("carol", 1), refusal("bob", 2),
                            refusal("bob", 3)])
        with Service(self.place):
            for i in range(len(content)):
                self.place.append(content[i:i + 1])
            self.wait_listed(b"bob")
        self.assertEqual(self.place.listed(self.place.relays), [])

    def test_a_rotated_log_is_read_to_its_end_and_the_new_one_from_its_start(self):
        self.place.append(refusal("bob", 1))
        with Service(self.place):
            with open(self.place.log, "ab", buffering=0) as old:
                os.rename(self.place.log, self.place.root / "mainlog.1")
                old.write(refusal("bob", 2))  # a writer that has not noticed yet
                self.place.append(refusal("bob", 3))  # creates it
                self.wait_listed(b"bob")
            os.rename(self.place.log, self.place.root / "mainlog.2")
            self.place.append(*[refusal("eve", n) for n in range(3)])
            self.wait_listed(b"bob", b"eve")
            self.wait_reported("bob", "eve")

    def test_a_log_that_is_not_there_yet_is_waited_for(self):
        with Service(self.place):
            self.place.append(*[refusal("bob", n) for n in range(3)])
            self.wait_listed(b"bob")

    def test_old_lines_fill_windows_but_do_not_decide(self):
        self.place.append(*[refusal("old", n, ago=4000) for n in range(5)])
        self.place.append(*[refusal("young", n, ago=600) for n in range(3)])
        with Service(self.place):
            self.wait_listed(b"young")

    def test_a_list_that_cannot_be_written_is_tried_again(self):
        self.place.append(b"")
        self.place.users.parent.mkdir(parents=True)
        self.place.users.mkdir()  # nobody's list
        with Service(self.place) as service:
            self.place.append(*[refusal("bob", n) for n in range(3)])
            wait_for(lambda: b"user bob" in service.output.read_bytes(), "decided")
            self.wait_reported("bob")
            self.assertIn("NOT WRITTEN YET", *self.bodies())
            self.place.users.rmdir()
            self.wait_listed(b"bob")
            self.assertEqual(service.stop(), 0)

    def test_a_notice_that_nobody_takes_is_sent_later(self):
        self.place.append(b"")
        works = self.place.sendmail.read_text()
        self.place.sendmail.write_text("#!/bin/sh\necho 'no \033[31m room' >&2\nexit 75\n")
        with Service(self.place) as service:
            self.place.append(*[refusal("bob", n) for n in range(3)])
            wait_for(lambda: b"notice not sent: " in service.errors.read_bytes(), "a failed notice")
            self.assertEqual(service.stop(), 0)
        self.assertIn(b"exit status 75: no  [31m room; trying again", service.errors.read_bytes())
        self.place.sendmail.write_text(works)
        with Service(self.place) as service:
            self.wait_reported("bob")
            self.assertEqual(service.stop(), 0)

    def test_sighup_takes_a_good_config_and_refuses_a_bad_one(self):
        self.place.append(b"")
        self.place.write_config(limit=100)
        with Service(self.place) as service:
            self.place.config.write_text("[log]\npath = 1\n")
            service.process.send_signal(signal.SIGHUP)
            wait_for(lambda: b"stays as it was" in service.errors.read_bytes(), "refused")
            self.assertIn(b'did you mean "paths"?', service.errors.read_bytes())
            self.place.write_config(limit=2)
            service.process.send_signal(signal.SIGHUP)
            wait_for(lambda: b"new configuration is in force" in service.errors.read_bytes(), "reloaded")
            self.place.append(refusal("bob", 1), refusal("bob", 2))
            self.wait_listed(b"bob")
            self.assertEqual(service.stop(signal.SIGINT), 0)

    def test_a_stop_during_the_start_waits_until_all_is_saved(self):
        asked, answer = self.place.root / "asked", self.place.root / "answer"
        self.place.write_config(exim=self.place.pretend_exim(
            script=f"touch '{asked}'\nwhile [ ! -e '{answer}' ]; do sleep 0.01; done\n"))
        self.place.append(refusal("bob", 1))
        self.place.state.mkdir()
        checkpoint = self.place.state / "checkpoint"
        checkpoint.write_text("damaged")  # set aside while Exim is asked
        with open(self.place.root / "stderr", "wb") as errors:
            process = subprocess.Popen([EXIWARDEN, "run", "-c", self.place.config], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=errors, env=environment())
        try:
            wait_for(lambda: asked.exists() and checkpoint.with_suffix(".damaged").exists(), "the midst of a start")
            process.terminate()
            answer.touch()
            self.assertEqual(process.wait(60), 0)
            self.assertIn(b"exiwarden-state", checkpoint.read_bytes())
        finally:
            process.kill()
            process.wait()

    def test_the_loop_feeds_the_watchdog(self):
        with Service(self.place) as service:
            wait_for(lambda: service.told("WATCHDOG=1"), "the first sign of life")
            fed = service.said.count("WATCHDOG=1")
            self.place.append(refusal("bob"))
            wait_for(lambda: service.told("WATCHDOG=1") and service.said.count("WATCHDOG=1") > fed, "the next one")

    def test_a_service_manager_that_does_not_listen_holds_nothing_up(self):
        self.place.append(b"")
        with Service(self.place) as service, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as full:
            full.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    full.sendto(b"x", str(self.place.root / "notify"))
            self.place.append(*[refusal("bob", n) for n in range(3)])
            self.wait_listed(b"bob")
            self.assertEqual(service.stop(), 0)

    def test_the_readme_s_way_to_prometheus(self):
        """Its setting and its command, in directories of this test's own."""
        with open(os.path.join(os.path.dirname(__file__), "../../README.md"), encoding="utf-8") as file:
            recipe = file.read().split("### Prometheus and Grafana")[1].split("\n### ")[0]
        path = re.search(r'^metrics = "(.*)"$', recipe, re.M)[1]
        node_exporter = self.place.root / "node-exporter"
        node_exporter.mkdir()
        _, target, link = re.search(r"^    (ln -s) (\S+) (\S+)$", recipe, re.M).groups()
        self.assertEqual(target, path)
        metrics = self.place.state / os.path.basename(path)
        self.place.config.write_text(self.place.config.read_text().replace(f"{self.place.root}/metrics.prom", str(metrics)))
        shown = node_exporter / os.path.basename(link)
        subprocess.run(["ln", "-s", metrics, shown], check=True)
        self.place.append(b"")
        with Service(self.place):
            self.place.append(*(refusal("bob", dead) for dead in range(3)))
            wait_for(lambda: shown.exists() and "\nexiwarden_decisions_total 1\n" in shown.read_text(), "the decision")

    def test_metrics_are_written(self):
        self.place.append(b"")
        with Service(self.place) as service:
            self.place.append(*[refusal("bob", n) for n in range(3)])
            self.wait_listed(b"bob")
            self.assertEqual(service.stop(), 0)
        metrics = (self.place.root / "metrics.prom").read_text()
        self.assertIn("\nexiwarden_decisions_total 1\n", metrics)
        self.assertIn('\nexiwarden_events_total{kind="rejected_rcpt"} 3\n', metrics)

    def test_what_hides_evidence_is_said_once_and_counted(self):
        self.place.append(b"")
        overflow = f"{stamp()} **** log string overflowed log buffer ****\n\n".encode()
        junk = refusal("bob").replace(b"client.test", b"two words")
        doubtful = refusal("bob").replace(b" F=", b" U=x F=<a@b> A=plain:eve rejected RCPT <c@d>: no such user F=")
        with Service(self.place) as service:
            self.place.append(overflow, junk, doubtful)
            wait_for(lambda: service.errors.read_bytes().count(b"in the log: 1 ") == 3, "all three said")
            self.place.append(overflow, *[refusal("carol", n) for n in range(3)])
            self.wait_listed(b"carol")
            self.assertEqual(service.stop(), 0)
            self.assertEqual(service.errors.read_bytes().count(b"in the log: "), 3)
        metrics = (self.place.root / "metrics.prom").read_text()
        for sample in ("log_overflows_total 2", 'unreadable_rejections_total{step="host"} 1',
                       'events_total{kind="ambiguous"} 1'):
            self.assertIn(f"\nexiwarden_{sample}\n", metrics)

    def test_settings_of_exim_that_make_its_log_untrustworthy_are_said_counted_and_shown(self):
        exim = self.place.pretend_exim("log_selector = +pid +smtp_mailauth", "helo_accept_junk_hosts = *",
                                       "rfc1413_query_timeout = 5s", "untrusted_set_sender = ")
        self.place.write_config(exim=exim)
        # Where any HELO may pass, all up to the last address may be one.
        self.place.append(*[refusal("eve", n).replace(b"sender@", b'"h) [198.51.100.9]"@') for n in range(9)])
        with Service(self.place) as service:
            for name in (b"log_selector has +smtp_mailauth", b"helo_accept_junk_hosts", b"rfc1413_query_timeout"):
                self.assertEqual(service.errors.read_bytes().count(b"exim: " + name), 1)
            wait_for(lambda: b"in the log: 9 refusals whose sender" in service.errors.read_bytes(), "read")
            shown = call("status", "-c", self.place.config, "-o", "jsonl").stdout.decode()
            self.assertEqual(service.stop(), 0)
        self.assertEqual(self.place.listed(), [])
        metrics = (self.place.root / "metrics.prom").read_text()
        for name in ("log_selector", "helo_accept_junk_hosts", "rfc1413_query_timeout"):
            self.assertIn(f'\nexiwarden_doubtful_exim_setting{{setting="{name}"}} 1\n', metrics)
            self.assertIn(f'"about":"exim","setting":"{name}"', shown)
        self.assertIn("\nexiwarden_exim_settings_read 1\n", metrics)

    def test_an_exim_that_is_missing_or_hangs_holds_up_nothing(self):
        self.place.append(b"")
        for script, what in ((None, b"no such program"), ("exec sleep 600", b"no end in time"),
                             ("echo 'exim: permission denied' >&2; exit 1", b"permission denied")):
            with self.subTest(what=what):
                self.place.write_config(
                    exim=self.place.pretend_exim(script=script) if script else self.place.root / "none")
                with Service(self.place) as service:
                    said = service.errors.read_bytes()
                    self.assertEqual(service.stop(), 0)
                service.errors.unlink()
                self.assertEqual(said.count(b"whether Exim's settings make its log untrustworthy"), 1, said)
                self.assertIn(what, said)
                self.assertIn("\nexiwarden_exim_settings_read 0\n",
                              (self.place.root / "metrics.prom").read_text())

    def test_a_state_directory_that_cannot_be_made_ends_it(self):
        self.place.state.write_text("a file")
        done = call("run", "-c", self.place.config)
        self.assertEqual(done.returncode, 73)
        self.assertIn(b"not a directory", done.stderr)

    HOSTILE = [b"bob", b"a b", b"o'hara", b"$(touch pwned)", b"`touch pwned`", b'a"b;touch pwned', b"a == b",
               b"a =~ b", b'"; system("touch pwned"); "', b"@{[`touch pwned`]}", b"${\\system(1)}", b"tab\there",
               b"back\\slash\\", b"a:b", b"#x", b"-n", b"%s%n", b"!!", b"a|b", b"*", b"\\033[31m"]

    def test_the_commands_in_a_notice_do_what_they_say_for_any_id(self):
        """Pasted into a shell: exipick finds that sender's mail only, and release frees exactly that one."""
        bin_directory = self.place.root / "bin"
        bin_directory.mkdir()
        recorder = '#!/bin/sh\nfor word in "$@"; do printf "%s\\000" "$word"; done >> "$RECORD"\n'
        for name in ("exiwarden", "exipick"):
            (bin_directory / name).write_text(recorder)
            (bin_directory / name).chmod(0o755)
        self.place.write_config(limit=1)
        self.place.append(b"")
        with Service(self.place):
            self.place.append(*[refusal(user) for user in self.HOSTILE])
            wait_for(lambda: len(self.reported()) >= len(self.HOSTILE), "all notices")
        freed, criteria = set(), set()
        for body in self.bodies():
            for line in body.splitlines():
                if not line.startswith(("    exiwarden release", "    exipick -z ")):
                    continue
                record = self.place.root / "record"
                record.write_bytes(b"")
                subprocess.run(["/bin/sh", "-c", line], check=True, cwd=self.place.root,
                               env={"PATH": f"{bin_directory}:/usr/bin:/bin", "RECORD": str(record)})
                words = record.read_bytes().split(b"\0")[:-1]
                if words[0] == b"release":
                    self.assertEqual(words[1:-1], [b"-c", str(self.place.config).encode(), b"--exact", b"--rule", b"users",
                                                   b"--"])
                    freed.add(words[-1])
                else:
                    self.assertEqual(words[0], b"-z")
                    criteria.add(words[1])
        self.assertEqual(freed, set(self.HOSTILE))
        self.assertEqual(len(criteria), len(self.HOSTILE))
        self.assertFalse((self.place.root / "pwned").exists())
        # What exipick does with a criterion: the value is evaluated by Perl between double quotes,
        # with "@" escaped before.
        script = r'''
            for (@ARGV) { s/@/\\@/g;
              die "other operator: $_" if /^(.*?)\s+(<=|>=|==|!=|<|>|=~|!~|=)\s+(.*)$/;
              /^\$authenticated_id\s+eq\s+(.*)$/ or die "no criterion: $_";
              my $value = $1; $value =~ s|^(['"])(.*)\1$|$2|;
              my $seen = eval "\"$value\""; die $@ if $@; print "$seen\0"; }'''
        done = subprocess.run(["perl", "-e", script, *criteria], capture_output=True, check=True,
                              cwd=self.place.root)
        self.assertEqual(set(done.stdout.split(b"\0")[:-1]), set(self.HOSTILE))
        self.assertFalse((self.place.root / "pwned").exists())


if __name__ == "__main__":
    unittest.main()
