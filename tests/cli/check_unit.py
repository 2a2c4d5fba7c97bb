"""check and status beside the unit that runs the service, drop-ins and all: systemd is played by two scripts on
PATH, which say what systemctl show says and run what systemd-run is given."""
import http.server
import json
import os
import threading
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
# As systemctl show prints the packaged unit, where daemon stands for exiwarden.
UNIT = {
    "LoadState": "loaded", "User": "daemon", "Group": "daemon", "SupplementaryGroups": "adm",
    "NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "ProtectSystem": "strict", "ProtectHome": "yes",
    "PrivateTmp": "no", "PrivateDevices": "yes", "ReadWritePaths": "", "StateDirectory": "exiwarden",
    "IPAddressAllow": "127.0.0.0/8 ::1/128", "IPAddressDeny": "::/0 0.0.0.0/0",
}
HOOK = SOUND.replace('transports = ["sendmail"]', 'transports = ["webhook"]\nwebhook = "https://{}/x"')

# configuration; what the unit says otherwise; verdict (None: no such line), words of it, words of its advice.
# tests/agent/check/check_unit_test.cpp has the rest.
TABLE = [
    (SOUND, {}, "warn", "runs as daemon: what a blocked sender has in the queue already is not frozen, and "
     "notify.sendmail does not work", "exiwarden-queue.conf"),
    (SOUND, {"User": "nobody"}, "ok", "runs as nobody: what a blocked sender has", ""),
    (SOUND, {"ReadWritePaths": ""}, "BAD", "may not write below {home}/state (state.directory)",
     "ReadWritePaths={home}/state"),
    (HOOK.format("192.0.2.9"), {}, "BAD", "may not reach 192.0.2.9 (notify.webhook)", "exiwarden-network.conf"),
    # A unit that systemd does not know, or no systemd at all, is no unit.
    (HOOK.format("192.0.2.9"), {"LoadState": "not-found"}, None, "", ""),
    (HOOK.format("192.0.2.9"), None, None, "", ""),
]


class PlayedSystemd(AdminCase):
    CONFIG = SOUND

    def setUp(self):
        super().setUp()
        self.append_log(refusals("alice", 3, ago=0))
        self.write_list(self.users, b"bob: x\n")
        for directory in (self.home + "/state", os.path.dirname(self.users)):
            os.chown(directory, 1, 1)
        os.chown(self.users, 1, 1)
        os.chmod(self.users, 0o644)
        os.mkdir(self.home + "/bin")
        self.env = {**os.environ, "PATH": f"{self.home}/bin:{os.environ['PATH']}"}

    def script(self, name, text):
        path = f"{self.home}/bin/{name}"
        with open(path, "w", encoding="ascii") as out:
            out.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)

    def unit(self, **other):
        """systemctl show answers so from now on."""
        values = {"ReadWritePaths": self.home + "/state", **other}
        values = {**UNIT, **{key: value.format(home=self.home) for key, value in values.items()}}
        self.script("systemctl", "cat <<'END'\n" + "".join(f"{key}={value}\n" for key, value in values.items()) +
                    "END\n")

    def no_systemd(self):
        self.script("systemctl", "echo 'System has not been booted with systemd' >&2; exit 1\n")


@unittest.skipUnless(os.geteuid() == 0, "needs root to become the service's user")
class CheckUnit(PlayedSystemd):
    def findings(self, *arguments, code=None):
        done = self.expect(code, "check", "-o", "jsonl", *arguments, env=self.env)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_table(self):
        for config, other, verdict, what, advice in TABLE:
            with self.subTest(config=config, other=other, what=what):
                self.configure(config)
                if other is None:
                    self.no_systemd()
                else:
                    self.unit(**other)
                what, advice = (text.format(home=self.home) for text in (what, advice))
                found = [f for f in self.findings() if f["about"] == "unit" and what in f["what"]]
                self.assertEqual([f["verdict"] for f in found][:1], [verdict] if verdict else [], found)
                self.assertEqual([advice in f["advice"] for f in found][:1], [True] if verdict else [], found)
                # status says the same in its way, without the good news.
                said = [record["what"] for record in self.records("status", code=None, env=self.env)
                        if record["about"] == "unit"]
                if verdict in ("warn", "BAD"):
                    self.assertTrue([text for text in said if what in text], said)
                elif what:
                    self.assertFalse([text for text in said if what in text], said)

    def test_the_units_user_is_the_one_that_is_tried(self):
        self.unit()
        os.chown(self.home + "/state", 0, 0)
        self.assertIn("as daemon: ", " ".join(f["what"] for f in self.findings()))
        # A group that only the unit gives lets it read the log.
        os.chmod(self.log, 0o640)
        os.chown(self.log, 0, 4)  # adm
        self.assertFalse([f for f in self.findings() if f["about"] == "log" and f["verdict"] == "BAD"])
        self.unit(SupplementaryGroups="")
        self.assertTrue([f for f in self.findings() if f["about"] == "log" and f["verdict"] == "BAD"])

    def test_in_text(self):
        self.unit()
        self.assertIn("unit       the service runs as daemon: ",
                      self.expect(None, "status", env=self.env).stdout.decode())

    # --- a test notice within the unit's limits
    def hook(self):
        """A web server; the configuration that posts to it."""
        taken = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.configure(HOOK.format(f"127.0.0.1:{server.server_port}").replace("https", "http"))
        return taken

    def notice(self, code, *words):
        return [(f["verdict"], f["what"]) for f in self.findings("--send-test", *words, code=code)
                if f["about"] == "notice"]

    def test_a_test_notice_is_sent_within_the_limits(self):
        taken = self.hook()
        self.unit()
        # What is not for systemd-run is run, with what -E sets.
        self.script("systemd-run", f'printf "%s\\n" "$@" > {self.home}/words\n'
                    'while [ "$1" != -- ]; do if [ "$1" = -E ]; then export "$2"; fi; shift; done; shift\nexec "$@"\n')
        (verdict, what), = self.notice(0)
        self.assertEqual(verdict, "ok")
        self.assertRegex(what, r"accepted by webhook http://127.0.0.1:\d+ within the service's limits, as daemon")
        self.assertEqual(len(taken), 1)
        words = self.read(self.home + "/words").decode().splitlines()
        for word in ("User=daemon", "SupplementaryGroups=adm", "IPAddressDeny=::/0 0.0.0.0/0",
                     "IPAddressAllow=127.0.0.0/8 ::1/128", "ProtectSystem=strict", "CapabilityBoundingSet=",
                     f"ReadWritePaths={self.home}/state"):
            self.assertEqual(words[words.index(word) - 1], "-p", word)
        self.assertNotIn("StateDirectory=exiwarden", words)

    def test_a_refusal_there_is_bad(self):
        self.hook()
        self.unit()
        self.script("systemd-run", "echo 'webhook http://127.0.0.1: Operation not permitted'; exit 1\n")
        (verdict, what), = self.notice(1)
        self.assertEqual(verdict, "BAD")
        self.assertIn("not accepted within the service's limits, as daemon: webhook http://127.0.0.1: Oper", what)

    def test_where_it_cannot_be_tried_there_it_says_so(self):
        taken = self.hook()
        self.unit()
        self.script("systemd-run", "echo 'Failed to connect to bus' >&2; exit 1\n")
        (first, why), (second, what) = self.notice(0)
        self.assertEqual((first, second), ("warn", "ok"))
        self.assertIn("within the service's limits: systemd-run ended with 1: Failed to connect to bus", why)
        self.assertIn("from this shell", what)
        self.no_systemd()
        (first, _), (second, why) = self.notice(0, "--user", "daemon")
        self.assertEqual((first, second), ("ok", "warn"))
        self.assertIn("not within the service's limits", why)
        self.assertEqual(len(taken), 2)


if __name__ == "__main__":
    unittest.main()
