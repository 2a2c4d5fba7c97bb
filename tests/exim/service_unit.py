"""The packaged service as a real systemd runs it: its sandbox, what check says of that, the drop-ins, and that it comes
back. What first_day.py shows by the way is not shown here again."""

import http.server
import json
import re
import tempfile
import threading
import unittest

from booted_site import BootedSite
from clean_root import make_package
from world import until

CONFIG = "/etc/exiwarden/exiwarden.toml"
ELSEWHERE = "198.51.100.9"
SHARE = "/usr/share/exiwarden"
DROP_INS = "/etc/systemd/system/exiwarden.service.d"


class ServiceUnit(unittest.TestCase):
    def setUp(self):
        packages = self.enterContext(tempfile.TemporaryDirectory())
        package = make_package(packages, "1")
        self.root = self.enterContext(BootedSite("split"))
        self.root.boot()
        self.root.run("systemctl", "start", "exim4")
        self.root.install(package)
        self.root.run("exiwarden", "init", "--write", CONFIG)

    def hook(self):
        """What is posted to a web server on another machine, and the keys that make the service post there."""
        posted = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer((ELSEWHERE, 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return posted, f'transports = ["webhook"]\nwebhook = "http://{ELSEWHERE}:{server.server_port}/x"\n'

    def findings(self, about):
        found = [json.loads(line) for line in self.root.program("check", "--send-test", "-o", "jsonl").stdout.splitlines()]
        return [(line["verdict"], line["what"]) for line in found if line["about"] == about]

    def shown(self, *names):
        shown = self.root.run("systemctl", "show", "exiwarden", *(f"-p{name}" for name in names))
        return dict(line.split("=", 1) for line in shown.splitlines())

    def test_it(self):
        posted, keys = self.hook()
        before = self.root.read(CONFIG)
        self.root.write(CONFIG, before.replace("[notify]\n", "[notify]\n" + keys))
        self.root.run("systemctl", "enable", "--now", "exiwarden")
        self.assertEqual(self.shown("ActiveState", "User"), {"ActiveState": "active", "User": "exiwarden"})

        with self.subTest("the sandbox keeps a web address out, and check says so"):
            self.assertIn(("BAD", f"the service may not reach {ELSEWHERE} (notify.webhook): IPAddressDeny of its unit"),
                          self.findings("unit"))
            (verdict, what), = self.findings("notice")
            self.assertEqual(verdict, "BAD")
            self.assertIn("not accepted within the service's limits, as exiwarden", what)
            self.assertEqual(posted, [])
            self.assertIn(f"may not reach {ELSEWHERE}", self.root.run("exiwarden", "status"))

        with self.subTest("the drop-in lets it out"):
            self.root.run("install", "-D", "-m", "0644", f"{SHARE}/exiwarden-network.conf", f"{DROP_INS}/network.conf")
            self.root.run("systemctl", "daemon-reload")
            self.root.run("systemctl", "restart", "exiwarden")
            (verdict, what), = self.findings("notice")
            self.assertEqual(verdict, "ok", what)
            self.assertEqual(len(posted), 1)
            self.assertNotIn("may not reach", self.root.run("exiwarden", "status"))

        with self.subTest("killed, it is started again"):
            self.root.run("systemctl", "kill", "-s", "KILL", "exiwarden")
            until(lambda: self.shown("NRestarts", "ActiveState") == {"NRestarts": "1", "ActiveState": "active"},
                  what="the service to be back")

        with self.subTest("a reload keeps the old configuration for a wrong one"):
            sound = self.root.read(CONFIG)
            self.root.write(CONFIG, sound.replace("limit = 100", "limit = 0", 1))
            self.root.run("systemctl", "reload", "exiwarden")
            until(lambda: "limit is 0" in self.root.run("journalctl", "-u", "exiwarden", "-o", "cat"),
                  what="the journal to say so")
            self.assertEqual(self.shown("ActiveState", "NRestarts"), {"ActiveState": "active", "NRestarts": "1"})
            self.root.write(CONFIG, sound)
            self.root.run("systemctl", "reload", "exiwarden")
            until(lambda: "no faults" in self.root.run("exiwarden", "status"), what="the fault to be over")
            self.assertEqual(self.shown("NRestarts"), {"NRestarts": "1"})

        with self.subTest("the sandbox is a tight one"):
            said = self.root.run("systemd-analyze", "security", "--no-pager", "exiwarden")
            exposure = float(re.search(r"Overall exposure level for exiwarden.service: ([\d.]+)", said)[1])
            self.assertLess(exposure, 2)

        self.root.run("systemctl", "stop", "exiwarden")
        self.assertEqual(self.shown("ActiveState", "Result", "ExecMainStatus"),
                         {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"})


if __name__ == "__main__":
    unittest.main()
