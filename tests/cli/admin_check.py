"""check, init, the help, the manual pages and the completions, from outside."""
import os
import re
import shutil
import subprocess
import unittest

import program
from admin_case import AdminCase, PROGRAM, SOURCE, refusals

EXIM = "/usr/sbin/exim4"


def say(*words, stdin=b""):
    return subprocess.run([PROGRAM, *words], input=stdin, capture_output=True, timeout=60, check=False)


def commands():
    text = say("--help").stdout.decode()
    return re.findall(r"^  (\w+) +\S", text, re.MULTILINE)


class Check(AdminCase):
    CONFIG = '''
[exim]
binary = "/no/such/exim"
user = "nobody"
[notify]
to = ["abuse@example.org"]
transports = ["sendmail"]
sendmail = ["/bin/true"]
'''

    def findings(self, *arguments, code=0):
        return self.records("check", *arguments, code=code)

    def worst(self, findings, about):
        return max((f["verdict"] for f in findings if f["about"] == about), key=["ok", "warn", "BAD"].index)

    def test_a_sound_corner(self):
        self.append_log(refusals("alice", 3, ago=0))
        findings = self.findings()
        self.assertEqual(self.worst(findings, "log"), "ok")
        self.assertEqual(self.worst(findings, "state"), "ok")
        self.assertEqual(self.worst(findings, "list"), "ok")
        self.assertEqual(self.worst(findings, "notice"), "ok")
        self.assertEqual(self.worst(findings, "exim"), "warn")  # none here: said, and no crash
        for finding in findings:
            self.assertEqual(finding["advice"] == "", finding["verdict"] == "ok", finding)
        self.assertFalse(os.path.exists(self.home + "/state"))  # it changes nothing

    def test_every_fault_has_its_line(self):
        self.append_log(b"no stamp at all\n")
        self.write_list(self.users, b'2001:db8::7\nbob\0\ncarol')
        os.chmod(self.users, 0o606)
        text = " ".join(f["what"] for f in self.findings(code=1))
        for part in ("not one line of it is an entry of Exim's", "everybody can write it", "NUL byte", "cut at a colon", "no newline"):
            self.assertIn(part, text)

    def test_a_log_of_another_program(self):
        self.append_log(program.stamp().encode() + b" status unpacked exim4-base:amd64\n")
        self.assertIn("not one line of it is an entry of Exim's", " ".join(f["what"] for f in self.findings(code=1)))
        self.append_log(program.stamp().encode() + b" Start queue run: pid=1\n")
        self.assertEqual(self.worst(self.findings(), "log"), "ok")

    def test_a_zone_that_is_not_the_logs(self):
        self.append_log(refusals("alice", 3, ago=5 * 3600))
        self.assertEqual(self.worst(self.findings(), "log"), "warn")

    @unittest.skipUnless(os.geteuid() == 0, "needs root to become Exim's user")
    def test_a_list_that_exim_cannot_read(self):
        self.append_log(b"")
        self.write_list(self.users, b"bob\n")
        os.chmod(self.users, 0o600)
        findings = self.findings(code=1)
        self.assertIn("may not read this file", " ".join(f["what"] for f in findings))
        os.chmod(self.users, 0o644)
        os.chmod(self.home, 0o700)
        self.assertIn("may not search this directory", " ".join(f["what"] for f in self.findings(code=1)))

    def test_a_bad_configuration(self):
        self.configure("[log]\nlimits = 3\n")
        self.expect(78, "check")
        self.configure('[notify]\nsmpt = "x"\n[[rule]]\nname = "a"\nidentity = "usr"\n')
        errors = self.expect(78, "check").stderr.decode()
        self.assertIn("smtp", errors)
        self.assertIn("user", errors)

    def test_what_is_in_force(self):
        shown = self.expect(0, "check", "--config-only").stdout.decode()
        self.assertIn('to = ["abuse@example.org"]', shown)

    def test_send_test(self):
        letter = self.home + "/letter"
        program = self.home + "/sendmail"
        with open(program, "w", encoding="ascii") as out:
            out.write(f'#!/bin/sh\ncat > {letter}.new && mv {letter}.new {letter}\n')
        os.chmod(program, 0o755)
        self.append_log(b"")
        self.configure(self.CONFIG.replace("/bin/true", program))
        self.findings("--send-test")
        self.assertIn(b"a test notice", self.read(letter))
        self.configure(self.CONFIG.replace("/bin/true", "/bin/false"))
        self.assertEqual(self.worst(self.findings("--send-test", code=1), "notice"), "BAD")

    def test_plain_text_in_a_pipe(self):
        self.append_log(b"")
        text = self.expect(0, "check", env={**os.environ, "TERM": "xterm"}).stdout
        self.assertNotIn(b"\x1b", text)
        self.assertIn(b"ok    config", text)

    @unittest.skipUnless(os.access(EXIM, os.X_OK), "no Exim here")
    def test_init(self):
        done = say("init", "--exim", EXIM)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(b"[log]\n", done.stdout)
        self.assertIn(b"macros.conf", done.stdout)
        written = self.home + "/new/new.toml"  # as on a machine without the package: no /etc/exiwarden
        self.assertEqual(say("init", "--exim", EXIM, "--write", written).returncode, 0)
        self.assertEqual(say("check", "-c", written, "--config-only").returncode, 0)
        before = self.read(written)
        again = say("init", "--exim", EXIM, "--write", written)
        self.assertEqual((again.returncode, again.stderr), (73, f"exiwarden: {written} exists already; not overwritten\n".encode()))
        self.assertEqual(self.read(written), before)
        self.assertEqual(say("init", "--exim", "/no/such/exim").returncode, 69)

    def test_init_finds_the_list_of_relay_hosts(self):
        for name, guide in (("relay_from_hosts", None), ("relay_hosts", "EXIWARDEN_RELAY_HOSTS = +relay_hosts"),
                            ("others", "EXIWARDEN_RELAY_HOSTS =")):
            with self.subTest(name):
                exim = self.home + "/exim"
                with open(exim, "w", encoding="ascii") as out:
                    out.write(f"""#!/bin/sh
case $2 in
  +{name}) echo 'hostlist {name} = 192.0.2.0/24' ;;
  +*) exit 1 ;;
  *) echo log_file_path = /l/%slog ;;
esac
""")
                os.chmod(exim, 0o755)
                said = say("init", "--exim", exim).stdout.decode()
                self.assertEqual('hosts = ["192.0.2.0/24"]' in said, name != "others")
                self.assertEqual(re.findall(r"EXIWARDEN_RELAY_HOSTS.*", said), [guide] if guide else [])

    def test_init_remove(self):
        exim = self.home + "/exim"
        with open(exim, "w", encoding="ascii") as out:
            out.write("#!/bin/sh\necho acl_smtp_rcpt = my_rcpt\n")
        os.chmod(exim, 0o755)
        done = say("init", "--exim", exim, "--remove")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(b"take out:\n    .include /usr/share/exiwarden/exim/rcpt-reject.conf", done.stdout)
        self.assertNotIn(b"[log]", done.stdout)
        written = self.home + "/none.toml"
        self.assertEqual(say("init", "--exim", exim, "--remove", "--write", written).returncode, 64)
        self.assertFalse(os.path.exists(written))

    def test_init_says_what_it_did_not_find(self):
        exim = self.home + "/exim"
        with open(exim, "w", encoding="ascii") as out:
            out.write("#!/bin/sh\necho log_file_path = syslog\necho exim_user = 93\n")
        os.chmod(exim, 0o755)
        done = say("init", "--exim", exim)
        self.assertEqual(done.returncode, 0, done)
        for what in ("Exim logs to syslog only", "the name of Exim's user", "mail domain"):
            self.assertIn(f"not found: {what}" if "user" in what or "syslog" in what else what, done.stderr.decode())


class Help(unittest.TestCase):
    def options(self, command):
        return re.findall(r"(?<![\w-])(--[a-z-]+)", say(command, "--help").stdout.decode().split("Options:")[1])

    def test_every_help_fits_a_screen(self):
        for words in [["--help"]] + [[command, "--help"] for command in commands()]:
            with self.subTest(words):
                done = say(*words)
                self.assertEqual(done.returncode, 0)
                lines = done.stdout.decode().splitlines()
                self.assertLessEqual(len(lines), 24)
                self.assertLessEqual(max(map(len, lines)), 80)

    def test_the_manual_has_every_command_and_option(self):
        page = say("--man").stdout.decode().replace("\\-", "-")
        self.assertGreater(len(commands()), 8)
        for command in commands():
            self.assertIn(f".SS {command}", page)
            for option in self.options(command):
                self.assertIn(option, page)

    def test_the_other_manual_has_every_key(self):
        with open(SOURCE + "/conf/exiwarden.toml", "rb") as text:
            toml = text.read()
        page = say("--man-config", stdin=toml).stdout.decode().replace("\\-", "-")
        keys = re.findall(r"^#? ?(\w+) = ", toml.decode(), re.MULTILINE)
        self.assertGreater(len(keys), 20)
        for key in keys:
            self.assertRegex(page, rf"(?m)^\.B {key} = ")

    @unittest.skipUnless(shutil.which("man") and shutil.which("groff"), "no man here")
    def test_man_likes_the_pages(self):
        with open(SOURCE + "/conf/exiwarden.toml", "rb") as text:
            toml = text.read()
        for page in (say("--man").stdout, say("--man-config", stdin=toml).stdout):
            done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", "-"], input=page,
                                  capture_output=True, timeout=60, check=False,
                                  env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"})
            self.assertEqual((done.returncode, done.stderr), (0, b""))

    @unittest.skipUnless(shutil.which("bash"), "no bash here")
    def test_bash_completes(self):
        script = say("--completion", "bash").stdout.decode()
        for words, wanted in [(["exiwarden", "unb"], "unblock"), (["exiwarden", "unblock", "--rel"], "--release"),
                              (["exiwarden", "list", "-o", "js"], "jsonl"), (["exiwarden", "unblock", "al"],
                              "alice\\ x@example.org")]:
            with self.subTest(words):
                quoted = " ".join(f"'{word}'" for word in words)
                test = ("exiwarden() { printf '%s\\n' 'alice x@example.org' 'bob'; }\ncomplete() { :; }\n" + script +
                        f"\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _exiwarden\n"
                        "printf '%s\\n' \"${COMPREPLY[@]}\"")
                done = subprocess.run(["bash", "-c", test], capture_output=True, text=True, timeout=60, check=False)
                self.assertEqual(done.stdout.splitlines(), [wanted], done)

    def test_typos_have_hints(self):
        for words, hint in [(["unblok"], "unblock"), (["unblock", "--relase", "x"], "--release"),
                            (["status", "--tpo", "3"], "--top")]:
            done = say(*words)
            self.assertEqual(done.returncode, 64)
            self.assertIn(f'did you mean "{hint}"?', done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
