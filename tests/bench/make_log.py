"""A large mainlog made fast: a pool of transactions as Exim 4.96 writes them, drawn at random, with
a stamp that goes on. The same arguments give the same bytes.

    make_log.py FILE SIZE SHARE [SEED]      SHARE: of lines that are refused RCPTs, in percent
"""

import random
import sys
import time

START = 1767225600  # 2026-01-01 00:00:00
SPAN = 86400
TLS = "X=TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256 CV=no"


def pool(rng, users):
    """Lines without their stamps, "%s": accepted mail by transactions, refusals of strangers, of users."""
    mail, strangers, charged = [], [], []
    for number in range(4000):
        user = rng.choice(users)
        ip = f"198.51.100.{rng.randrange(1, 255)}" if rng.random() < .8 else f"2001:db8:ffff::{rng.randrange(65536):x}"
        helo = rng.choice([f"(pc-{number})", f"([{ip}])", f"host-{number}.isp.test (client.test)"])
        tls = rng.choice(["", " " + TLS])
        identifier = f"1vaa{number % 100:02d}-00{number:04d}-{number % 90 + 10}"
        to = f"info{rng.randrange(99)}@remote{rng.randrange(2000)}.test"
        mail.append(f"%s {identifier} <= {user} H={helo} [{ip}] P=esmtpsa{tls} A=plain:{user} S={rng.randrange(900, 90000)}"
                    f" id={number}.{rng.randrange(10**6)}@client.test\n"
                    f"%s {identifier} => {to} R=dnslookup T=remote_smtp H=mx.{to.split('@')[1]} [203.0.113.{number % 250}]"
                    f" {TLS} C=\"250 2.0.0 Ok: queued as {number:08X}\"\n%s {identifier} Completed\n")
        dead = f"dead{rng.randrange(10**6)}@remote{rng.randrange(2000)}.test"
        reply = rng.choice(["550 5.1.1 User unknown", "550 Requested action not taken: mailbox unavailable"])
        why = rng.choice(["Unrouteable address", f"mx.remote.test [203.0.113.9] : SMTP error from remote mail server "
                                                 f"after RCPT TO:<{dead}>: {reply}"])
        charged.append(f"%s H={helo} [{ip}]{tls} F=<{user}> A=plain:{user} rejected RCPT <{dead}>: {why}\n")
        strangers.append(f"%s H={helo} [203.0.113.{number % 250}]{tls} F=<x{number}@spam.test> rejected RCPT <{dead}>: "
                         + rng.choice(["Unrouteable address", "relay not permitted"]) + "\n")
    return mail, strangers, charged


def write(path, size, share, seed=1):
    rng = random.Random(seed)
    users = [f"user{number}@customer{number % 90}.example" for number in range(2000)]
    mail, strangers, charged = pool(rng, users)
    sizes = [sum(len(text) + 17 * text.count("%s") for text in some) / len(some) for some in (mail, strangers, charged)]
    part = share / 100
    refused_size = (sizes[1] + sizes[2]) / 2
    refused = size / (refused_size + sizes[0] / 3 * (1 - part) / part)
    mails = refused * (1 - part) / part / 3
    with open(path, "wb") as out:
        due = [0.0, 0.0]
        for second in range(SPAN):
            stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(START + second))
            due[0] += mails / SPAN
            due[1] += refused / SPAN
            texts = [rng.choice(mail) for _ in range(int(due[0]))]
            texts += [rng.choice(rng.choice((strangers, charged))) for _ in range(int(due[1]))]
            due = [rest % 1 for rest in due]
            rng.shuffle(texts)
            out.write("".join(texts).replace("%s", stamp).encode())


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    write(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), *(int(word) for word in sys.argv[4:5]))
