"""What a checkpoint of 100,000 identities with ten events each costs: to write, to start with, and in
memory. Figures only mean something with an optimised build; run.sh makes one."""

import os
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "cli"))
from program import Place, Service, refusal, stamp, wait_for  # noqa: E402

IDENTITIES = int(os.environ.get("EXIWARDEN_IDENTITIES", "100000"))
EVENTS = 10


def memory(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


class StartUp(unittest.TestCase):
    def test_a_full_checkpoint(self):
        place = Place()
        self.addCleanup(place.remove)
        place.write_config(limit=100)
        now = stamp()
        rest = refusal("USER")[len(now):].decode()
        with open(place.log, "w") as log:
            for event in range(EVENTS):
                log.writelines(now + rest.replace("USER", f"user{n}@example.org") for n in range(IDENTITIES))
        with Service(place) as service:
            place.append(*[refusal("last", n) for n in range(100)])
            wait_for(lambda: b"last" in place.keys(), "all read", deadline=300)
            used = memory(service.process.pid)
            began = time.monotonic()
            self.assertEqual(service.stop(), 0)
            saving = time.monotonic() - began
        size = (place.state / "checkpoint").stat().st_size
        starts = []
        for _ in range(5):
            began = time.monotonic()
            with Service(place) as service:
                starts.append(time.monotonic() - began)
                used_after = memory(service.process.pid)
                self.assertEqual(service.stop(), 0)
        print(f"start-up: checkpoint of {IDENTITIES} identities {size / 2**20:.1f} MiB, ready after "
              f"{min(starts) * 1000:.0f} ms (most {max(starts) * 1000:.0f}), stop with saving {saving * 1000:.0f} ms, "
              f"memory {used / 1024:.0f} MiB, {used_after / 1024:.0f} MiB after a restart", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
