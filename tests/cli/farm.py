"""Four services and a real redis-server: one count, one notice, one unblock; and what the commands
say of it. Without a redis-server, or a program that knows farms, this says so and is skipped."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from program import Place, Service, call, refusal, wait_for

ACL = Path(os.environ["EXIWARDEN_SOURCE"]) / "conf/redis/exiwarden.acl"
REDIS = shutil.which("redis-server")


class Redis:
    def __init__(self):
        self.root = Path(tempfile.mkdtemp(prefix="exiwarden-redis-"))
        self.socket = self.root / "redis.sock"
        self.password = self.root / "password"
        self.password.write_text("secret\n")
        self.password.chmod(0o600)
        digest = hashlib.sha256(b"secret").hexdigest()
        (self.root / "acl").write_text(ACL.read_text().replace("PASSWORD_SHA256", digest))
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [REDIS, "--port", "0", "--unixsocket", self.socket, "--save", "", "--dir", self.root,
             "--maxmemory-policy", "noeviction", "--aclfile", self.root / "acl"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_for(self.socket.exists, "redis's socket")

    def kill(self):
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(FileNotFoundError):
            self.socket.unlink()

    def remove(self):
        self.kill()
        shutil.rmtree(self.root, ignore_errors=True)


@unittest.skipUnless(REDIS, "no redis-server here: conf/packages.sh test installs it")
class Farm(unittest.TestCase):
    SIZE = 4

    def setUp(self):
        self.redis = Redis()
        self.addCleanup(self.redis.remove)
        self.places = [Place() for _ in range(self.SIZE)]
        for number, place in enumerate(self.places, 1):
            self.addCleanup(place.remove)
            place.write_config(limit=20, more=f'[farm]\nurl = "redis+unix://{self.redis.socket}"\n'
                               f'user = "exiwarden"\npassword_file = "{self.redis.password}"\n'
                               f'host = "mx{number}"\n')
            place.append(b"")
        if b"built without it" in call("check", "--config-only", "-c", self.places[0].config).stderr:
            self.skipTest("this exiwarden was built without the farm")

    def run_all(self, stack):
        services = [stack.enter_context(Service(place)) for place in self.places]
        for service in services:
            wait_for(lambda: "counting with the others" in service.errors.read_text(), "connected")
        return services

    def wait_listed(self, *keys):
        wait_for(lambda: all(place.keys() == list(keys) for place in self.places), f"{keys} on all")

    def notices(self):
        return [message for place in self.places for _, message in place.notices()]

    def test_a_quarter_each_is_blocked_on_all_within_a_second_with_one_notice(self):
        with contextlib.ExitStack() as stack:
            self.run_all(stack)
            for place in self.places:
                place.append(*[refusal("bob", n) for n in range(5 if place != self.places[0] else 4)])
                place.append(*[refusal(f"other{place.root.name}", n) for n in range(19)])
            self.assertEqual(self.notices(), [])
            place = self.places[1]

            def evidence():
                return call("evidence", "bob", place.log, "-c", place.config).stdout.split()
            wait_for(lambda: b" ".join(evidence()).count(b": mx2 5 mx3 5 mx4 5 mx1 4 ") == 1, "what each has counted")
            begin = time.monotonic()
            self.places[0].append(refusal("bob", 9))
            self.wait_listed(b"bob")
            took = time.monotonic() - begin
            self.assertLess(took, 1)
            wait_for(self.notices, "a notice")

            farm = call("list", "--farm", "-o", "jsonl", "-c", self.places[2].config)
            record, = [json.loads(line) for line in farm.stdout.splitlines()]
            self.assertEqual((record["identity"], record["count"], record["why"]), ("bob", 20, "the farm's count"))
            self.assertEqual(sorted(record["hosts"]), [f"mx{n}:5" for n in range(1, 5)])
            self.assertIn(b"bob", call("list", "--farm", "-c", self.places[2].config).stdout)
            said, = [json.loads(line)["farm"] for line in call(
                "evidence", "BOB", "-o", "jsonl", place.log, "-c", place.config).stdout.splitlines()]
            self.assertRegex(said[0], r"^blocked in .* since .* by mx\d, the farm's count: mx1 5 mx2 5 mx3 5 mx4 5$")
            away = call("evidence", "othernobody", place.log, "-c", place.config)
            self.assertEqual(away.returncode, 1)
            self.assertNotIn(b"in the farm", away.stderr)

            self.assertEqual(call("unblock", "bob", "-c", self.places[3].config).returncode, 0)
            self.wait_listed()
            self.assertEqual(call("list", "--farm", "-c", self.places[0].config).stdout, b"")
            self.assertRegex(b" ".join(evidence()), rb"freed in blocked_authenticated_users at \S+ \S+ by mx4 ")
            self.assertEqual(call("block", "bob", "--for", "2s", "-c", self.places[1].config).returncode, 0)
            self.wait_listed(b"bob")
            self.wait_listed()
            self.assertRegex(b" ".join(evidence()),
                             rb"was blocked in blocked_authenticated_users since \S+ \S+ by mx2\b.*, until \S+")
            self.assertEqual(call("block", "eve", "-c", self.places[1].config).returncode, 0)
            self.wait_listed(b"eve")
            status = call("status", "--farm", "-o", "jsonl", "-c", self.places[0].config)
            self.assertEqual(status.returncode, 0, status)
            self.assertEqual([json.loads(line)["host"] for line in status.stdout.splitlines()],
                             ["mx1", "mx2", "mx3", "mx4"])
        notice, = self.notices()
        for host in (b"mx1", b"mx2", b"mx3", b"mx4"):
            self.assertIn(b"      5  " + host, notice)

    def test_a_server_that_dies_and_comes_back_empty(self):
        with contextlib.ExitStack() as stack:
            services = self.run_all(stack)
            for place in self.places:
                place.append(*[refusal("bob", n) for n in range(4)])
            self.places[1].append(*[refusal("eve", n) for n in range(20)])
            self.wait_listed(b"eve")
            self.redis.kill()
            wait_for(lambda: all("counting alone" in service.errors.read_text() for service in services),
                     "all say that they count alone")
            self.places[0].append(*[refusal("carol", n) for n in range(20)])
            wait_for(lambda: b"carol" in self.places[0].keys(), "a block without the server")
            self.assertEqual(self.places[1].keys(), [b"eve"])
            lost = call("list", "--farm", "-c", self.places[0].config)
            self.assertEqual(lost.returncode, 69)
            self.assertNotIn(b"secret", lost.stderr)
            alone = call("evidence", "carol", self.places[0].log, "-c", self.places[0].config)
            self.assertEqual(alone.returncode, 0)
            self.assertIn(b"The farm can't be asked", alone.stdout)
            self.redis.start()
            wait_for(lambda: all(sorted(place.keys()) == [b"carol", b"eve"] for place in self.places), "equal lists")
            self.places[3].append(*[refusal("bob", 10 + n) for n in range(4)])
            wait_for(lambda: all(sorted(place.keys()) == [b"bob", b"carol", b"eve"] for place in self.places),
                     "bob, counted over the loss")
            for service in services:
                self.assertEqual(service.stop(), 0)
        self.assertNotIn("secret", "".join(service.errors.read_text() for service in services))

    def test_check_looks_at_the_server(self):
        place = self.places[0]

        def rows():
            result = call("check", "-o", "jsonl", "-c", place.config)
            return [row for row in map(json.loads, result.stdout.splitlines()) if row["about"] == "farm"]

        self.assertEqual([row["verdict"] for row in rows()], ["ok"] * 5, rows())
        self.redis.password.chmod(0o644)
        self.assertIn("chmod 0640", next(row["advice"] for row in rows() if row["verdict"] == "BAD"))
        self.redis.password.write_text("wrong\n")
        self.assertIn("does not take farm.user", rows()[-1]["what"])
        os.kill(self.redis.process.pid, signal.SIGSTOP)
        begin = time.monotonic()
        self.assertIn("does not answer", rows()[-1]["what"])
        self.assertLess(time.monotonic() - begin, 20)
        self.redis.kill()
        self.assertEqual(rows()[-1]["verdict"], "BAD")


if __name__ == "__main__":
    unittest.main()
