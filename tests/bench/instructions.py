"""Instructions of the way from bytes to decisions, for each mix of lines, against those on record: more
than a tenth more fails. The count is the same from run to run; other compilers and libraries move it a
little. EXIWARDEN_RECORD=1 writes the record anew."""

import os
import re
import subprocess
import unittest
from pathlib import Path

RECORD = Path(__file__).with_name("instructions.txt")
PROGRAM = os.environ["EXIWARDEN_INSTRUCTIONS"]
ALLOWED = 1.10


def instructions(mix):
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                           "--toggle-collect=counted_part", PROGRAM, *mix.split()], capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert done.returncode == 0 and found, done.stderr
    return int(found[1])


class Instructions(unittest.TestCase):
    def test_no_mix_takes_more_than_a_tenth_more_than_on_record(self):
        if "avx2" not in Path("/proc/cpuinfo").read_text():
            self.skipTest("the record is of a machine with AVX2")
        record = dict(line.rsplit(" ", 1) for line in RECORD.read_text().splitlines() if not line.startswith("#"))
        found = {mix: instructions(mix) for mix in record}
        if os.environ.get("EXIWARDEN_RECORD"):
            notes = [line for line in RECORD.read_text().splitlines() if line.startswith("#")]
            RECORD.write_text("\n".join(notes + [f"{mix} {count}" for mix, count in found.items()]) + "\n")
            return
        for mix, count in found.items():
            print(f"{mix}: {count}, on record {record[mix]}", flush=True)
        for mix, count in found.items():
            with self.subTest(mix=mix):
                self.assertLess(count, int(record[mix]) * ALLOWED)


if __name__ == "__main__":
    unittest.main()
