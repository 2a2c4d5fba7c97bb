"""check, one fault at a time: the line about it, how grave it is, and what to do. As root: it becomes others."""
import json
import os
import shutil
import unittest

from admin_case import AdminCase, refusals

SOUND = """
[exim]
binary = "/no/such/exim"
user = "nobody"
[notify]
to = ["abuse@example.org"]
transports = ["sendmail"]
sendmail = ["/bin/true"]
"""


def change(old, new):
    return lambda test: test.configure(SOUND.replace(old, new))


def metrics(test):
    os.mkdir(test.home + "/away")
    test.configure(f'metrics = "{test.home}/away/m.prom"\n' + SOUND)


def secret(mode, group="nogroup"):
    """A tag secret that Exim's user (nobody) reads by its group, with another mode or group."""
    def make(test):
        path = test.home + "/tag.secret"
        with open(path, "w", encoding="ascii") as out:
            out.write("x" * 40 + "\n")
        shutil.chown(path, "daemon", group)
        os.chmod(path, mode)
        test.configure(f'[log]\npaths = ["{test.log}"]\ntimezone = "UTC"\ntag_secret_file = "{path}"\n'
                       f'[state]\ndirectory = "{test.home}/state"\n{SOUND}', whole=True)
    return make


# what is broken; what check says: about, verdict, words of it, words of its advice
TABLE = [
    (lambda t: os.chmod(t.log, 0o600), "log", "BAD", "as daemon: read {0.log}", "group adm"),
    (lambda t: os.chmod(t.home, 0o711), "log", "BAD", "as daemon: ", "log's directory"),
    (lambda t: os.chown(t.home + "/state", 0, 0), "state", "BAD", "as daemon: ", "must be the service's"),
    (metrics, "state", "BAD", "as daemon: ", "directory of state.metrics"),
    (lambda t: os.chown(t.lists(), 0, 0), "list", "BAD", "as daemon: ", "new files are made in it"),
    (lambda t: os.chmod(t.lists(), 0o757), "list", "BAD", "everybody can write into it", "chmod o-w /"),
    (lambda t: os.chmod(t.users, 0o646), "list", "BAD", "everybody can write it", "chmod o-w /"),
    (lambda t: os.chown(t.users, 0, 0), "list", "BAD", "as daemon: ", "append: chown"),
    (lambda t: os.chmod(t.users, 0o640), "list", "BAD", "may not read", "fix it at once"),
    (change('user = "nobody"', 'user = "noboddy"'), "list", "warn", 'no user "noboddy"', "set exim.user"),
    (change('"/bin/true"', '"/no/such/mailer"'), "notice", "BAD", "no transport works", "notify.sendmail"),
    (change('to = ["abuse@example.org"]', "to = []"), "notice", "warn", "nobody is told", "notify.to"),
    (change("[notify]", '[[rule]]\nname = "r"\nidentity = "relay"\n[notify]'), "config", "warn",
     "relay.hosts is not given", "exiwarden.toml(5)"),
    (change('sendmail = ["/bin/true"]', 'sendmail = ["/bin/true"]\nwebhook = "http://127.0.0.1/"'), "config", "warn",
     'notify.webhook is never used: notify.transports does not hold "webhook"', "exiwarden.toml(5)"),
    (change('sendmail = ["/bin/true"]', 'sendmail = ["/bin/true"]\nexec = ["/bin/true"]'), "config", "warn",
     'notify.exec is never used: notify.transports does not hold "exec"', "exiwarden.toml(5)"),
    (change('to = ["abuse@example.org"]', 'to = []\nreport = "weekly"'), "config", "warn",
     "notify.report is never sent: notify.to is empty", "exiwarden.toml(5)"),
    (secret(0o444), "tag", "BAD", "everybody can read this secret", "chown daemon:nogroup {0.home}/tag.secret; chmod"),
    (secret(0o460), "tag", "BAD", "others can change this secret", "chmod 0440"),
    (secret(0o440, "daemon"), "tag", "BAD", "as nobody: read {0.home}/tag.secret", "chmod 0440"),
    (secret(0o440, "daemon"), "tag", "warn", "group daemon can read this secret, and it is not Exim's", "chmod"),
    (secret(0o040), "tag", "BAD", "as daemon: read {0.home}/tag.secret", "does not start"),
    (lambda t: (secret(0o440)(t), t.configure(t.text() + '[[rule]]\nname = "a"\nidentity = "user"\n'
                'signals = ["rejected_rcpt"]\n', whole=True)), "tag", "warn", "no rule counts tagged lines", "signals"),
    (secret(0o440), "tag", "ok", "tag.secret: Exim and the service can read it, others can't", ""),
]


@unittest.skipUnless(os.geteuid() == 0, "needs root to become the service's user and Exim's")
class CheckFaults(AdminCase):
    CONFIG = SOUND

    def setUp(self):
        super().setUp()
        self.append_log(refusals("alice", 3, ago=0))
        self.write_list(self.users, b"bob: x\n")
        for directory in (self.home + "/state", os.path.dirname(self.users)):
            os.chown(directory, 1, 1)  # daemon's
            os.chmod(directory, 0o755)
        os.chown(self.users, 1, 1)
        os.chmod(self.users, 0o644)

    def findings(self, code, *arguments):
        return self.records("check", "--user", "daemon", *arguments, code=code)

    def test_sound(self):
        worst = {f["about"]: f for f in self.findings(0) if f["verdict"] != "ok"}
        self.assertLessEqual(worst.keys(), {"exim", "machine", "unit"}, worst)

    def text(self):
        return self.read(self.config).decode()

    def lists(self):
        return os.path.dirname(self.users)

    def test_table(self):
        for number, (break_it, about, verdict, what, advice) in enumerate(TABLE):
            with self.subTest(what=what, advice=advice):
                if number > 0:
                    self.doCleanups()
                    self.setUp()
                break_it(self)
                also_bad = "and it is not Exim's" in what  # nor is it read by Exim then
                found = self.findings(1 if verdict == "BAD" or also_bad else 0)
                told = [f["verdict"] for f in found
                        if f["about"] == about and what.format(self) in f["what"] and advice.format(self) in f["advice"]]
                self.assertEqual(told[:1], [verdict], json.dumps(found, indent=1))

    def test_the_count_at_the_end(self):
        os.chmod(self.users, 0o646)
        os.chown(self.home + "/state", 0, 0)
        os.chmod(self.log, 0o600)
        lines = self.expect(1, "check", "--user", "daemon").stdout.decode().splitlines()
        bad, warnings = (len([line for line in lines if line.startswith(word)]) for word in ("BAD ", "warn "))
        self.assertEqual((bad, lines[-1]), (3, f"3 errors, {warnings} warning{'' if warnings == 1 else 's'}"))


if __name__ == "__main__":
    unittest.main()
