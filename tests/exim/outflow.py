"""What gets out of a spam run over a slow remote host: with freeze_queued, without it, and with the
counting in the ACL (ratelimit and run) that exiwarden replaces. Prints a line for each:

    OUTFLOW=30,0.3 EXIWARDEN=.../exiwarden python3 -B -m unittest -v outflow

OUTFLOW is messages a connection and the seconds that the remote host takes for each; it takes two at a time.
"""

import os
import re
import threading
import unittest

from agent import Agent
from lab import CONFIG, Lab
from world import MESSAGE_ID, until

LIMIT = 100
CONNECTIONS = 4
MESSAGES, SECONDS = (float(word) for word in os.environ.get("OUTFLOW", "15,0.1").split(","))
MESSAGES = int(MESSAGES)
VALID, DEAD = 3, 2  # recipients a message

_IN_THE_ACL = """\
acl_rcpt:
  accept authenticated = *
         condition = ${if exists{DIR/blocked}{${lookup{$authenticated_id}lsearch{DIR/blocked}{1}{0}}}{0}}
         control = freeze/no_tell
  accept authenticated = *
         !verify = recipient/defer_ok/callout=10s,defer_ok,use_sender
         ratelimit = LIMIT / 1h / per_rcpt / user-$authenticated_id
         continue = ${run{/bin/sh DIR/block.sh $authenticated_id}}
         control = freeze/no_tell
  accept authenticated = *
"""


class CountingLab(Lab):
    """Exim counts and blocks by itself."""

    def _write(self, *arguments):
        super()._write(*arguments)
        script = self.directory / "block.sh"
        script.write_text(f'echo "$1" >> {self.directory}/mail/blocked\n')
        text = CONFIG.read_text()
        begin, end = text.index("acl_rcpt:"), text.index("acl_data:")
        acl = _IN_THE_ACL.replace("DIR/blocked", f"{self.directory}/mail/blocked")
        acl = acl.replace("DIR", str(self.directory)).replace("LIMIT", str(LIMIT))
        text = text[:begin] + acl + text[end:]
        begin, end = text.index("acl_data:"), text.index("acl_local:")
        CONFIG.write_text(text[:begin] + "acl_data:\n  accept\n" + text[end:])


class Outflow(unittest.TestCase):
    def spam(self, lab, number):
        with lab.client(b"mallory") as client:
            for message in range(MESSAGES):
                name = b"%d-%d" % (number, message)
                client.command(b"RSET")
                self.assertEqual(client.mail(), 250)
                client.rcpts([b"valid%d-%s@remote.test" % (n, name) for n in range(VALID)] +
                             [b"dead%d-%s@remote.test" % (n, name) for n in range(DEAD)])
                self.assertEqual(client.data()[0], 250)

    def run_it(self, what, lab):
        lab.remote.slots, lab.remote.seconds = threading.BoundedSemaphore(2), SECONDS
        threads = [threading.Thread(target=self.spam, args=(lab, number)) for number in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        def waiting():
            return [line for line in lab.exim("-bpr").decode("latin-1").splitlines()
                    if re.search(MESSAGE_ID + " ", line) and "*** frozen ***" not in line]

        def empty():
            if waiting():
                lab.exim("-qf")
            return not waiting()

        until(empty, 240, "the queue to empty", pause=0.2)
        frozen = lab.exim("-bpr").count(b"*** frozen ***")
        # A message may reach the remote in several deliveries of other recipients: count recipients.
        out = sum(len(recipients) for recipients, _ in lab.remote.messages)
        print(f"{what}: {out} of {CONNECTIONS * MESSAGES * VALID} recipients reached, {frozen} messages frozen",
              flush=True)
        return out

    def test_what_gets_out(self):
        with CountingLab() as lab:
            in_the_acl = self.run_it("counted in the ACL", lab)
        with Lab() as lab, Agent(lab.directory, LIMIT, ("none",), more="[exim]\nfreeze_queued = false\n"):
            without = self.run_it("exiwarden, freeze_queued = false", lab)
        with Lab() as lab, Agent(lab.directory, LIMIT, ("none",)):
            frozen = self.run_it("exiwarden, freeze_queued", lab)
        self.assertLess(frozen, in_the_acl)
        self.assertLess(frozen, without)


if __name__ == "__main__":
    unittest.main()
