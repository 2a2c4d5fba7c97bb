"""The README beside its walk-through and incident: the first screen's output, the recipes, the places it names."""
import datetime
import glob
import json
import os
import re
import unittest

from log_case import LogCase, Traffic
from program import Place, Service, call, refusal, wait_for
from transports import Hook

SOURCE = os.path.join(os.path.dirname(__file__), "../..")


def readme():
    with open(SOURCE + "/README.md", encoding="utf-8") as file:
        return file.read()


def blocks(kind):
    return re.findall(rf"(?ms)^```{kind}\n(.*?)^```$", readme())


def holds(said, shown):
    """Whether these lines are said in this order; "..." stands for any others."""
    said = iter(said.splitlines())
    return all(line == "..." or line in said for line in shown.splitlines())


class FirstScreen(LogCase):
    def setUp(self):
        super().setUp()
        traffic = Traffic(datetime.datetime(2026, 11, 23), 60, seed=7, spammers=0)
        traffic.lines = [line for line in traffic.lines if "[203.0.113.7]" not in line[1][0]]
        for i in range(172):
            host = "203.0.113.7" if i % 3 else "198.51.100.9"
            traffic.refuse(34000 + i * 2, "mallory@example.org", f"guess{i}@remote.test", host)
            if i % 9 == 0:
                traffic.deliver(34000 + i * 2, "mallory@example.org")
        for i in range(130):
            traffic.refuse(130000 + i * 11, "newsletter@example.org", f"old{i}@remote.test", "192.0.2.20")
            if i % 2 == 0:
                traffic.deliver(130000 + i * 11, "newsletter@example.org")
        traffic.lines.sort(key=lambda line: line[0])
        for age, day in enumerate(reversed(traffic.days())):
            self.write(f"exim4/mainlog{f'.{age}' if age else ''}", day)

    def test_replay_says_what_the_readme_shows(self):
        shown = next(block for block in blocks("") if "exiwarden replay" in block)
        command, _, expected = shown.partition("\n")
        self.assertEqual(command, "$ build/release/exiwarden replay /var/log/exim4")
        said = self.expect(0, "replay", self.home + "/exim4").stdout.decode()
        self.assertEqual(said.replace(self.home, "/var/log"), expected)

    def test_tune_says_what_the_readme_shows(self):
        shown = next(block for block in blocks("") if "exiwarden tune" in block).splitlines(keepends=True)
        self.assertEqual(shown[:2], ["$ echo newsletter@example.org > good\n",
                                     "$ exiwarden tune --honest good /var/log/exim4\n"])
        good = self.write("good", b"newsletter@example.org\n")
        said = self.expect(0, "tune", "--honest", good, self.home + "/exim4").stdout.decode()
        self.assertTrue(holds(said, "".join(shown[2:])), said)
        self.assertFalse(holds(said, "".join(shown[2:]).replace("172", "173")))

    def test_who_is_exempt_as_the_readme_shows_is_not_charged(self):
        block = next(block for block in blocks("toml") if "[exempt]" in block)
        config = self.write("exempt.toml", (block + '[relay]\nhosts = ["192.0.2.70"]\n').encode())
        said = self.run_program("replay", self.home + "/exim4", config=config).stdout
        self.assertIn(b"mallory@example.org", said)
        self.assertNotIn(b"newsletter@example.org", said)


class Recipes(unittest.TestCase):
    def test_configurations_are_sound(self):
        place = Place()
        self.addCleanup(place.remove)
        secret = place.root / "tag.secret"
        secret.write_text("0123456789abcdef" * 4)
        self.assertGreaterEqual(len(blocks("toml")), 3)
        for block in blocks("toml"):
            with self.subTest(block):
                place.config.write_text(block.replace("/etc/exiwarden/tag.secret", str(secret)))
                done = call("check", "--config-only", "-c", place.config)
                self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_webhook_sends_what_it_shows(self):
        shown, = blocks("json")
        shown = json.loads(shown)
        place = Place()
        self.addCleanup(place.remove)
        hook = Hook(200)
        self.addCleanup(hook.close)
        place.write_config()
        text = place.config.read_text()
        place.config.write_text(text.replace('transports = ["sendmail"]', f'transports = ["webhook"]\nwebhook = "{hook.url}"'))
        place.append(*(refusal("alice", number) for number in range(3)))
        with Service(place):
            wait_for(lambda: hook.requests, "the webhook to be called")
        sent = hook.requests[0][2]
        self.assertEqual((list(shown), list(shown["events"][0])), (list(sent), list(sent["events"][0])))
        for name, value in {**shown, **shown["events"][0]}.items():
            self.assertIs(type(value), type({**sent, **sent["events"][0]}[name]), name)

    def test_what_it_names_is_there(self):
        text = readme()
        for path in re.findall(r"\]\(([^)]+)\)", text):
            self.assertTrue(os.path.exists(f"{SOURCE}/{path}"), path)
        for path in re.findall(r"/usr/share/exiwarden/([\w/.-]+\w)", text):
            self.assertTrue(os.path.exists(f"{SOURCE}/conf/{path}"), path)
        acl = {os.path.basename(path) for path in glob.glob(SOURCE + "/conf/exim/*.conf")}
        for name in re.findall(r"`([\w-]+\.conf)`", text):
            self.assertIn(name, acl)
        for name in re.findall(r"`((?:conf|tests|agent)/[\w/.-]+)", text):
            self.assertTrue(os.path.exists(f"{SOURCE}/{name}"), name)

    def test_the_dashboards_ask_for_metrics_that_are_written(self):
        place = Place()
        self.addCleanup(place.remove)
        place.append(*(refusal("alice", number) for number in range(3)))
        metrics = place.root / "metrics.prom"
        with Service(place):
            wait_for(metrics.exists, "the metrics")
            wait_for(place.listed, "a block")
        written = set(re.findall(r"(?m)^# TYPE (\w+)", metrics.read_text()))
        with open(SOURCE + "/agent/service/metrics.cpp", encoding="utf-8") as file:
            known = written | set(re.findall(r'"(exiwarden_(?:farm|action)_\w+)"', file.read()))  # of what may not be there
        for name in ("alerts.yml", "grafana/exiwarden.json"):
            with open(f"{SOURCE}/conf/{name}", encoding="utf-8") as file:
                asked = set(re.findall(r"\bexiwarden_\w+", file.read()))
            self.assertTrue(asked)
            self.assertEqual(asked - known, set(), name)


if __name__ == "__main__":
    unittest.main()
