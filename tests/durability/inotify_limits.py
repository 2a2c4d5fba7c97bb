"""No inotify to be had, as on a machine whose limits are used up: said, and the log is looked at from
time to time instead."""

import os
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "cli"))
import program  # noqa: E402
from program import Place, Service, refusal, wait_for  # noqa: E402


class InotifyLimits(unittest.TestCase):
    def limited(self, limit):
        """The program in a user namespace of its own with this limit set to nothing."""
        place = Place()
        self.addCleanup(place.remove)
        wrapper = place.root / "exiwarden"
        wrapper.write_text(f"#!/bin/sh\necho 0 > /proc/sys/user/{limit} && exec {program.EXIWARDEN} \"$@\"\n")
        wrapper.chmod(0o755)
        outer = place.root / "outer"
        outer.write_text(f"#!/bin/sh\nexec unshare --user --map-root-user {wrapper} \"$@\"\n")
        outer.chmod(0o755)
        return place, outer

    def follows(self, limit):
        place, wrapper = self.limited(limit)
        place.append(refusal("alice", 1))
        original = program.EXIWARDEN
        program.EXIWARDEN = str(wrapper)
        self.addCleanup(setattr, program, "EXIWARDEN", original)
        with Service(place) as service:
            self.assertIn(b"from time to time instead", service.errors.read_bytes())
            place.append(refusal("alice", 2))
            os.rename(place.log, place.root / "mainlog.1")
            place.append(refusal("alice", 3), refusal("bob", 1))
            wait_for(lambda: place.keys() == [b"alice"], "listed")
            place.users.write_bytes(b"# nobody\n")
            wait_for(lambda: b"alice is free again" in service.errors.read_bytes(), "freed")
            place.append(*[refusal("bob", n) for n in range(2)])
            wait_for(lambda: b"bob" in place.keys(), "listed again")
            self.assertEqual(service.stop(), 0)

    def test_no_instances(self):
        self.follows("max_inotify_instances")

    def test_no_watches(self):
        self.follows("max_inotify_watches")


if __name__ == "__main__":
    unittest.main()
