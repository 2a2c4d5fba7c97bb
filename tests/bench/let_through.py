"""With a real Exim: the recipients that a spam run still reaches after the refusal that completes the count, for
exiwarden beside Exim and for the counting in the ACL that it replaces. Each message has three valid recipients and
two dead ones; a message that Exim took and did not freeze has reached its valid ones."""

import os
import re
import statistics
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "exim"))

LIMIT, VALID, DEAD = 100, 3, 2
QUEUE_ONLY = "queue_only = true"


class Run:
    """`connections` clients that send all they can, at one login."""

    def __init__(self, lab, connections):
        self.lab, self.lock = lab, threading.Lock()
        self.dead, self.taken = [], []  # times of answers to dead recipients; (time, id) of messages
        messages = max(6, 3 * LIMIT // (DEAD * connections))
        clients = [lab.client(b"mallory") for _ in range(connections)]
        threads = [threading.Thread(target=self.spam, args=(client, n, messages)) for n, client in enumerate(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def spam(self, client, number, messages):
        with client:
            for message in range(messages):
                name = b"%d-%d@remote.test" % (number, message)
                codes = [client.command(b"RSET")[0], client.mail()]
                codes += [client.rcpt(b"valid%d-%s" % (n, name)) for n in range(VALID)]
                assert set(codes) == {250}, codes
                for n in range(DEAD):
                    client.rcpt(b"dead%d-%s" % (n, name))
                    with self.lock:
                        self.dead.append(time.monotonic())
                code, queue_id = client.data()
                assert code == 250, code
                with self.lock:
                    self.taken.append((time.monotonic(), queue_id))

    def let_through(self):
        crossed = sorted(self.dead)[LIMIT - 1]
        queue = self.lab.exim("-bpr").decode("latin-1")
        frozen = set(re.findall(r"\b(\w{6}-\w{6,11}-\w{2,4}) .*\*\*\* frozen \*\*\*", queue))
        assert frozen, "nothing was frozen"
        return VALID * sum(at > crossed and queue_id not in frozen for at, queue_id in self.taken)


def main(program, times):
    os.environ["EXIWARDEN"] = program
    os.environ.setdefault("EXIWARDEN_SOURCE", str(Path(__file__).parents[2]))
    from agent import Agent
    from lab import Lab
    from outflow import CountingLab

    def with_agent(connections):
        with Lab(main=QUEUE_ONLY) as lab, Agent(lab.directory, LIMIT, ("none",),
                                                more="[exim]\nfreeze_queued = false\n") as agent:
            return Run(lab, connections).let_through(), len(agent.listed())

    def in_the_acl(connections):
        with CountingLab(main=QUEUE_ONLY) as lab:
            through = Run(lab, connections).let_through()
            return through, len((lab.directory / "mail" / "blocked").read_bytes().splitlines())

    print(f"\nRecipients reached after the {LIMIT}th refusal, and lines in the list: medians (largest) of {times}\n")
    print("| connections | exiwarden | lines | counted in the ACL | lines |")
    print("|---|---|---|---|---|")
    for connections in (1, 4, 16, 50):
        runs = [(with_agent(connections), in_the_acl(connections)) for _ in range(times)]
        columns = []
        for which in (0, 1):
            through, lines = zip(*[run[which] for run in runs])
            columns += [f"{statistics.median(through):.0f} ({max(through)})",
                        f"{statistics.median(lines):.0f} ({max(lines)})"]
        print(f"| {connections} | {' | '.join(columns)} |", flush=True)
