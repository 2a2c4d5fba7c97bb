"""Notices by exec and webhook: what arrives there, that no shell is near, and that a refusal is tried again."""

import http.server
import json
import os
import re
import socket
import threading
import unittest

from program import Place, Service, call, refusal, wait_for

HOSTILE = "a$(touch PROOF)`id`;x"


class Hook:
    """A web server that answers with each of `codes` in turn, the last one from then on."""

    def __init__(self, *codes):
        self.requests = []
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                code = codes[min(len(hook.requests), len(codes) - 1)]
                hook.requests.append((self.path, self.headers["Content-Type"], json.loads(body)))
                self.send_response(code)
                self.end_headers()
                self.wfile.write(b"said the hook")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/secret"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Transports(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.remove)

    def configure(self, notify, rule=""):
        self.place.write_config()
        text = self.place.config.read_text()
        begin, end = text.index("[notify]"), text.index("[[rule]]")
        self.place.config.write_text(text[:begin] + "[notify]\n" + notify + "\n" +
                                     text[end:].replace("limit = 3\n", "limit = 3\n" + rule))
        self.place.append(b"")

    def hook(self, *codes):
        hook = Hook(*codes)
        self.addCleanup(hook.close)
        return hook

    def program(self, script):
        path = self.place.root / "tell"
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)
        return path

    def test_exec(self):
        root = self.place.root
        program = self.program(f'printf "%s\\n" "$@" > {root}/args; env > {root}/env; '
                               f'grep SigBlk /proc/self/status > {root}/mask; cat > {root}/in.part; '
                               f"mv {root}/in.part {root}/in\n")
        self.configure(f'transports = ["exec"]\nexec = ["{program}", "$(id)", "a b"]')
        with Service(self.place):
            self.place.append(*[refusal(HOSTILE.replace("PROOF", str(root / "proof")), n) for n in range(3)])
            wait_for((root / "in").exists, "the notice")
        told = json.loads((root / "in").read_text())
        event, = told["events"]
        self.assertEqual((event["event"], event["count"], event["rule"]), ("blocked", 3, "users"))
        self.assertEqual(event["identity"], HOSTILE.replace("PROOF", str(root / "proof")))
        self.assertIn("blocked: 3 refused recipients in 1h", told["text"])
        self.assertIn("has blocked the user", told["body"])
        self.assertEqual((root / "args").read_text().splitlines(), ["$(id)", "a b"])
        environment = dict(line.split("=", 1) for line in (root / "env").read_text().splitlines())
        self.assertEqual(environment["EXIWARDEN_IDENTITY"], event["identity"])
        self.assertEqual(environment["EXIWARDEN_EVENT"], "blocked")
        self.assertNotIn("NOTIFY_SOCKET", environment)
        self.assertNotIn("EXIWARDEN_UNTIL", environment)  # this block has no end
        self.assertEqual(environment["PATH"], "/usr/sbin:/usr/bin:/sbin:/bin")
        self.assertEqual((root / "mask").read_text().split()[1].strip("0"), "")  # the service's own signals are blocked
        self.assertFalse((root / "proof").exists())

    def test_webhook_is_tried_again_until_it_is_taken(self):
        hook = self.hook(503, 204)
        self.configure(f'transports = ["webhook"]\nwebhook = "{hook.url}"')
        with Service(self.place) as service:
            self.place.append(*[refusal("bob", n) for n in range(3)])
            wait_for(lambda: len(hook.requests) == 2, "the second try")
            wait_for(lambda: "notices are accepted again" in service.errors.read_text(), "it to be said")
            said = service.errors.read_text()
        self.assertIn("answered 503 said the hook; trying again", said)
        self.assertNotIn("secret", said)
        (path, kind, first), (_, _, second) = hook.requests
        self.assertEqual((path, kind), ("/hooks/secret", "application/json"))
        self.assertEqual(first, second)
        self.assertEqual(second["events"][0]["identity"], "bob")

    def test_the_next_one_takes_what_the_first_does_not(self):
        hook = self.hook(200)
        self.configure('transports = ["exec", "webhook"]\n'
                       f'exec = ["{self.program("exit 3")}"]\nwebhook = "{hook.url}"\n'
                       'subject = "{identity} {event} by {rule}"', 'watch = "60%"\n')
        with Service(self.place):
            self.place.append(refusal("bob", 1), refusal("bob", 2))
            wait_for(lambda: hook.requests, "the watch notice")
            self.assertEqual(self.place.keys(), [])
            self.place.append(refusal("bob", 3))
            wait_for(lambda: len(hook.requests) == 2, "the block's notice")
        self.assertEqual([request["subject"] for _, _, request in hook.requests],
                         ["bob watched by users", "bob blocked by users"])

    def test_mail_to_nobody_is_not_tried(self):
        hook = self.hook(503, 200)
        self.configure(f'to = []\ntransports = ["smtp", "sendmail", "webhook"]\nsmtp = "127.0.0.1:1"\n'
                       f'webhook = "{hook.url}"')
        with Service(self.place) as service:
            self.place.append(*[refusal("bob", n) for n in range(3)])
            wait_for(lambda: len(hook.requests) == 2, "the second try")
        said, = re.findall("notice not sent: (.*);", service.errors.read_text())
        self.assertRegex(said, r"\Awebhook http://127.0.0.1:\d+: answered 503 said the hook\Z")
        self.assertEqual(self.place.notices(), [])

    def test_check_sends_one(self):
        hook = self.hook(200)
        self.configure(f'transports = ["webhook"]\nwebhook = "{hook.url}"')
        done = call("check", "-c", self.place.config, "--send-test", "-o", "jsonl",
                    env={"http_proxy": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1"})  # none is asked
        found = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertIn(("ok", f"a test notice was accepted by webhook {hook.url.removesuffix('/hooks/secret')}; check that it arrives"),
                      [(one["verdict"], one["what"]) for one in found])
        self.assertIn("a test notice", hook.requests[0][2]["text"])

    def test_what_an_address_keeps_secret_is_shown_nowhere(self):
        """Its path is a password to chat systems, and it may hold a user and password of its own."""
        hook = self.hook(503)
        host = hook.url.split("/")[2]
        for url, shown in ((f"http://us3r:pa55word@{host}/hooks/t0ken", f"webhook http://{host}: answered 503"),
                           (f"http://us3r:pa55%40word@{host}?t0ken", f"webhook http://{host}: answered 503"),
                           ("http://us3r:pa55word@127.0.0.1:1/t0ken", "webhook http://127.0.0.1:1: Failed")):
            with self.subTest(url):
                self.place.remove()
                self.place = Place()
                self.configure(f'transports = ["webhook"]\nwebhook = "{url}"')
                with Service(self.place) as service:
                    self.place.append(*[refusal("bob", n) for n in range(3)])
                    wait_for(lambda: "trying again" in service.errors.read_text(), "the first try")
                said = service.errors.read_text()
                self.assertIn(shown, said)
                config = ("-c", self.place.config)
                page = self.place.root / "page.html"
                for words in (("status",), ("status", "-o", "jsonl"), ("check",), ("check", "--send-test"),
                              ("check", "--config-only"), ("evidence", "bob", self.place.log, "--html", page)):
                    done = call(words[0], *config, *words[1:])
                    said += done.stdout.decode() + done.stderr.decode()
                self.assertIn(f"# webhook: at http://{url.split('@')[-1].split('/')[0].split('?')[0]};", said)
                said += (self.place.root / "metrics.prom").read_text() + page.read_text()
                self.assertNotRegex(said, "us3r|pa55|t0ken")
        for url in ("htps://us3r:pa55word@chat.example.org/t0ken", f"http://us3r@pa55word@{host}/t0ken",
                    "http://us3r:pa55word/x@127.0.0.1/t0ken", "http://us3r:pa55word@[::1/t0ken",
                    "http://us3r:pa55word@127.0.0.1:99999/t0ken", "us3r:pa55word@127.0.0.1/t0ken", "https://"):
            with self.subTest(url):
                self.configure(f'transports = ["webhook"]\nwebhook = "{url}"')
                done = call("check", "-c", self.place.config)
                self.assertEqual(done.returncode, 78)
                self.assertIn(b"notify.webhook is not accepted", done.stderr)
                self.assertNotRegex(done.stderr.decode(), "us3r|pa55|t0ken")

    def test_libcurl_is_loaded_by_those_who_send(self):
        """Some thirty libraries come with it, which every command would wait for."""
        loaded = call("--version", env={"LD_TRACE_LOADED_OBJECTS": "1"}).stdout
        self.assertIn(b"libc.so.6", loaded)
        self.assertNotIn(b"curl", loaded)

    def test_a_libcurl_that_cannot_be_loaded(self):
        """Mail goes by the next transport; check says what is missing."""
        broken = self.place.root / "broken"
        broken.mkdir()
        for name in ("libcurl.so.4", "libcurl-gnutls.so.4"):
            (broken / name).write_bytes(b"")
        with socket.create_server(("127.0.0.1", 0)) as server:
            smtp = f'smtp = "127.0.0.1:{server.getsockname()[1]}"'
            mail = f'to = ["abuse@example.org"]\nsendmail = ["{self.place.sendmail}"]\n{smtp}'
            for transports, verdict, sent in (('["smtp", "sendmail"]', "warn", "sendmail"), ('["smtp"]', "BAD", "")):
                with self.subTest(transports):
                    self.configure(f"transports = {transports}\n{mail}")
                    done = call("check", "-c", self.place.config, "--send-test", "-o", "jsonl",
                                env={"LD_LIBRARY_PATH": broken})
                    found = [json.loads(line) for line in done.stdout.splitlines()]
                    notice = [one for one in found if one["about"] == "notice"]
                    self.assertEqual(notice[0]["verdict"], verdict, notice)
                    self.assertIn("libcurl can't be loaded: ", notice[0]["what"])
                    self.assertIn("libcurl.so.4", notice[0]["what"])
                    self.assertEqual(len(self.place.notices()), 1)
                    self.assertIn(sent, str(notice[1:]))

    def test_a_text_of_the_site(self):
        body = self.place.root / "body"
        body.write_text("{identity}: {count}\n{commands}")
        self.configure(f'to = ["abuse@example.org"]\ntransports = ["sendmail"]\n'
                       f'sendmail = ["{self.place.sendmail}"]\nbody_file = "{body}"')
        with Service(self.place):
            self.place.append(*[refusal("bob", n) for n in range(3)])
            wait_for(self.place.notices, "the mail")
        (_, message), = self.place.notices()
        self.assertIn(b"\nbob: 3\nLook at what is frozen:", message)
        body.write_text("{identiy}")
        done = call("check", "--config-only", "-c", self.place.config)
        self.assertEqual(done.returncode, 78)
        self.assertIn(b"did you mean {identity}?", done.stderr)
        os.unlink(body)
        done = call("check", "--config-only", "-c", self.place.config)
        self.assertIn(b"notify.body_file", done.stderr)


if __name__ == "__main__":
    unittest.main()
