"""[[action]]: all run, each by itself; what hangs or fails holds up no other, and nothing is lost by a kill."""

import json
import re
import signal
import unittest

from program import Place, Service, call, refusal, wait_for


class ActionCase(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.remove)
        self.place.append(b"")

    def configure(self, *actions, rule=""):
        text = "".join("[[action]]\n" + action + "\n" for action in actions)
        self.place.write_config(more=text)
        config = self.place.config.read_text()
        self.place.config.write_text(config.replace("limit = 3\n", "limit = 3\n" + rule, 1))

    def program(self, name, script):
        path = self.place.root / name
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)
        return path

    def teller(self, name="tell"):
        """A program that writes down each event; the file, and what to configure."""
        told = self.place.root / (name + ".told")
        path = self.program(name, f'echo "$EXIWARDEN_EVENT $EXIWARDEN_KIND $EXIWARDEN_IDENTITY" >> {told}\n')
        return (lambda: told.read_text().splitlines() if told.exists() else []), f'transport = "exec"\nexec = ["{path}"]'

    def block(self, user="bob"):
        self.place.append(*[refusal(user, n) for n in range(3)])

    def free(self, user):
        self.assertEqual(call("unblock", "-c", self.place.config, "--", user).returncode, 0)

    def row(self, name):
        done = call("status", "-c", self.place.config, "-o", "jsonl")
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return next((row for row in rows if row.get("about") == "action" and row["action"] == name), None), rows


class Actions(ActionCase):
    def test_nine_that_hang_or_fail_hold_up_neither_the_tenth_nor_the_log(self):
        root = self.place.root
        release = root / "release"
        hang = self.program("hang", f"echo >> {root}/hanging\nwhile ! [ -e {release} ]; do sleep 0.1; done\n")
        fail = self.program("fail", "echo no >&2; exit 3\n")
        told, last = self.teller()
        bad = [f'name = "bad {n}"\ntransport = "exec"\nexec = ["{hang if n % 2 else fail}"]' for n in range(8)]
        bad.append('name = "bad 8"\ntransport = "smtp"\nto = ["a@example.org"]\nsmtp = "127.0.0.1:1"')
        self.configure(*bad, 'name = "good"\n' + last)
        with Service(self.place):
            self.block("bob")
            wait_for(told, "the tenth")
            self.assertEqual(told(), ["blocked user bob"])
            wait_for(lambda: (root / "hanging").exists(), "one that hangs")
            self.assertFalse(release.exists())
            wait_for(self.place.notices, "the notice")
            # The log goes on, and so does the tenth, while four are still at the first event.
            self.block("carol")
            wait_for(lambda: len(told()) == 2, "the tenth again")
            self.assertEqual((root / "hanging").read_text().count("\n"), 4)
            faulty = lambda: [row["what"] for row in self.row("good")[1] if row["about"] == "fault"]
            wait_for(lambda: len(faulty()) == 5, "the faults")
            self.assertTrue(all(re.match("action bad [02468]: ", what) for what in faulty()), faulty())
            self.assertIn("exit status 3: no", faulty()[0])
            wait_for(lambda: self.row("good")[0]["waiting"] == 0, "the good one")
            self.assertEqual(self.row("bad 1")[0]["waiting"], 2)
            text = (root / "metrics.prom").read_text()
            self.assertIn('exiwarden_action_fault{action="bad 0"} 1', text)
            self.assertIn('exiwarden_action_fault{action="good"} 0', text)
            self.assertRegex(text, r"(?m)^exiwarden_log_lag_bytes 0$")
            release.write_text("")

    def test_each_edge_in_its_order(self):
        told, tell = self.teller()
        self.configure('on = ["blocked", "freed", "ended", "watched"]\n' + tell,
                       rule='watch = "60%"\nblock_for = ["1s", "forever"]\n')
        with Service(self.place):
            self.place.append(refusal("bob", 1), refusal("bob", 2))
            wait_for(lambda: told() == ["watched user bob"], "the watch level")
            self.place.append(refusal("bob", 3))
            wait_for(lambda: told()[1:] == ["blocked user bob", "ended user bob"], "the block and its end")
            self.block("bob")
            wait_for(lambda: told()[3:] == ["watched user bob", "blocked user bob"], "the second block")
            self.free("bob")
            wait_for(lambda: told()[5:] == ["freed user bob"], "the release")

    def test_a_release_does_not_overtake_the_block(self):
        told, _ = self.teller()
        root = self.place.root
        program = self.program("often", f'[ "$EXIWARDEN_EVENT" = blocked ] && ! [ -e {root}/works ] && '
                               f'{{ echo >> {root}/tried; exit 1; }}\n'
                               f'echo "$EXIWARDEN_EVENT $EXIWARDEN_KIND $EXIWARDEN_IDENTITY" >> {root}/tell.told\n')
        self.configure(f'on = ["blocked", "freed"]\ntransport = "exec"\nexec = ["{program}"]')
        with Service(self.place):
            self.block("bob")
            wait_for((root / "tried").exists, "the failure")
            self.free("bob")
            wait_for(lambda: self.row("exec-1")[0]["waiting"] == 2, "both wait")
            self.assertEqual(told(), [])
            (root / "works").write_text("")
            wait_for(lambda: told() == ["blocked user bob", "freed user bob"], "both, in order")

    def test_only_of_its_rules(self):
        told, tell = self.teller()
        self.configure('rules = ["relays"]\n' + tell)
        with Service(self.place):
            self.block("bob")
            wait_for(self.place.notices, "the notice")
            self.place.append(*[(b"%s H=(relay.test) [192.0.2.9] F=<s@example.org> rejected RCPT <d%d@example.net>: "
                                 b"Unrouteable address\n") % (refusal("x")[:19], n) for n in range(3)])
            wait_for(lambda: told() == ["blocked relay 192.0.2.9"], "the relay alone")

    def test_a_kill_loses_none(self):
        told, tell = self.teller()
        works = self.place.root / "works"
        gate = self.program("gate", f"[ -e {works} ] || exit 1\nexec {self.place.root}/tell\n")
        self.configure(f'name = "gate"\non = ["blocked", "freed"]\ntransport = "exec"\nexec = ["{gate}"]')
        with Service(self.place) as service:
            self.block("bob")
            wait_for(lambda: self.row("gate")[0] and self.row("gate")[0]["waiting"] == 1, "it to be saved")
            service.stop(signal.SIGKILL)
        self.free("bob")  # while nobody looks
        works.write_text("")
        with Service(self.place):
            wait_for(lambda: told()[-1:] == ["freed user bob"], "the release")
        self.assertIn(told(), (["blocked user bob", "freed user bob"],) +
                      (["blocked user bob"] * 2 + ["freed user bob"],))

    def test_one_that_is_taken_out_is_told_of(self):
        fail = self.program("fail", "exit 3\n")
        self.configure(f'name = "gone"\ntransport = "exec"\nexec = ["{fail}"]')
        with Service(self.place) as service:
            self.block("bob")
            wait_for(lambda: "action gone: notice not sent" in service.errors.read_text(), "the failure")
            self.configure()
            service.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "action gone: is configured no more; what waited for it is dropped (1)"
                     in service.errors.read_text(), "it to be said")

    def test_a_customer_is_told_about_the_own_account_only(self):
        customers = self.place.root / "customers"
        customers.write_text("bob: bob@home.example, \"Bcc: x\"\nexample.org: desk@example.org other@example.org\n")
        self.configure('name = "customers"\non = ["blocked", "freed"]\ntransport = "sendmail"\n'
                       f'to_file = "{customers}"\nfrom = "support@example.org"')
        mails = lambda: [(to, text) for to, text in self.place.notices() if b"support@example.org" in text]
        with Service(self.place) as service:
            self.block("bob")
            wait_for(lambda: "is no mail address" in service.errors.read_text(), "what is wrong")
            self.assertEqual(mails(), [])
            self.block("eve@example.org")  # another customer waits for nobody
            wait_for(lambda: len(mails()) == 1, "the other customer's mail")
            self.block("mallory")
            wait_for(lambda: "customers has no address for mallory" in service.errors.read_text(), "it to be said")
            (to, text), = mails()
            self.assertEqual(to[to.index("--") + 1:], ["desk@example.org", "other@example.org"])
            self.assertIn(b"Subject: Mail from your account eve@example.org is held back\n", text)
            body = text.partition(b"\n\n")[2]
            for inside in (b"bob", b"mallory", b"exiwarden", b"users", str(self.place.root).encode(), b"dead", b"198.51"):
                self.assertNotIn(inside, body)
            customers.write_text("bob: bob@home.example\nexample.org: desk@example.org\n")
            wait_for(lambda: len(mails()) == 2, "bob's, once the file is right")
            self.free("eve@example.org")
            wait_for(lambda: len(mails()) == 3, "the release")
            self.assertTrue(any(b"Subject: Your account eve@example.org can send mail again\n" in text
                                for _, text in mails()))

    def test_check(self):
        told, tell = self.teller()
        customers = self.place.root / "customers"
        customers.write_text("bob: nobody\n")
        self.configure('name = "tell"\n' + tell, 'name = "lost"\ntransport = "exec"\nexec = ["/nowhere/at/all"]',
                       f'name = "customers"\ntransport = "sendmail"\nto_file = "{customers}"')
        done = call("check", "-c", self.place.config, "--send-test", "-o", "jsonl")
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        found = {row["what"].split(":")[0]: row for row in rows if row["about"] == "action"}
        self.assertEqual({name: row["verdict"] for name, row in found.items() if name in ("tell", "lost", "customers")},
                         {"tell": "ok", "lost": "BAD", "customers": "BAD"})
        self.assertIn('bob: "nobody" is no mail address', found["customers"]["what"])
        self.assertEqual(told(), ["test  "])
        done = call("check", "-c", self.place.config, "--config-only")
        self.assertEqual(done.returncode, 0)
        again = self.place.root / "again.toml"
        again.write_bytes(done.stdout)
        self.assertEqual(call("check", "-c", again, "--config-only").stdout.splitlines()[1:], done.stdout.splitlines()[1:])

    def test_faults_of_the_configuration(self):
        program = 'transport = "exec"\nexec = ["/bin/true"]\n'
        for text, wrong in (
                ("", "action[1].transport is missing; accepted: smtp, sendmail, exec, webhook"),
                ('transport = "exec"', "action[1].exec is missing"),
                ('transport = "webhook"', "action[1].webhook is missing"),
                ('transport = "smtp"', "action[1].to is missing, and so is to_file"),
                ('transport = "smtp"\nto = ["a@b.example"]\nto_file = "/x"', "action[1].to is given beside to_file"),
                ('transport = "smtp"\nto = ["a@b.example\\nBcc: c@d.example"]', "action[1].to"),
                (program + 'to = ["a@b.example"]', "action[1].to makes sense with transport"),
                (program + 'on = ["bloked"]', 'did you mean "blocked"'),
                (program + "on = []", "action[1].on is empty"),
                (program + 'rules = ["user"]', 'action[1].rules names "user", and there is no such [[rule]]'),
                (program + 'nam = "x"', "action[1].nam"),
                ('transport = "smtp"\nto_file = "/x"\non = ["silent"]', 'action[1].on holds "silent"'),
                (program + 'name = "x"\n[[action]]\nname = "x"\n' + program, "is the name of an earlier action too")):
            with self.subTest(text):
                self.configure(text)
                done = call("check", "-c", self.place.config, "--config-only")
                self.assertEqual(done.returncode, 78, done)
                self.assertIn(wrong, done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
