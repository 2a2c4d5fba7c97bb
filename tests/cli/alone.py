"""A program that was built without the farm says so, wherever somebody asks it for one."""

import os
import subprocess
import unittest

from program import Place, environment


class Alone(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.remove)

    def call(self, *args):
        return subprocess.run([os.environ["EXIWARDEN_ALONE"], *args, "-c", self.place.config],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60, env=environment(), check=False)

    def test_a_farm_in_the_configuration_is_an_error_that_says_why(self):
        self.assertEqual(self.call("check", "--config-only").returncode, 0)
        self.place.write_config(more='[farm]\nurl = "redis://127.0.0.1:6379/0"\nhost = "mx1"\n')
        for command in ("check", "run", "list"):
            with self.subTest(command):
                said = self.call(command)
                self.assertEqual(said.returncode, 78, said)
                self.assertIn(b"farm.url is given, but this exiwarden was built without it (EXIWARDEN_FARM=OFF)",
                              said.stderr)

    def test_the_rest_of_the_table_is_read_all_the_same(self):
        self.place.write_config(more='[farm]\nhost = "mx1"\nmax_per_hour = 5\n')
        self.assertEqual(self.call("check", "--config-only").returncode, 0)
        self.place.write_config(more='[farm]\nhosts = "mx1"\n')
        self.assertEqual(self.call("check", "--config-only").returncode, 78)

    def test_the_commands_that_ask_the_farm(self):
        for command in ("status", "list"):
            with self.subTest(command):
                said = self.call(command, "--farm")
                self.assertEqual((said.returncode, said.stdout), (69, b""))
                self.assertIn(b"this exiwarden was built without it", said.stderr)


if __name__ == "__main__":
    unittest.main()
