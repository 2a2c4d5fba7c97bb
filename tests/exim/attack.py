"""Text that others choose, put wherever Exim logs it, with evidence against people who did nothing.

Before the attack the victims are one refusal short of the limit, so a single line charged to the
wrong one lists them; after it one more real refusal must."""

import datetime
import itertools
import ssl
import unittest

from agent import Agent
from lab import Lab
from mail_client import Client
from remote import IdentServer
from world import until

LIMIT = 20
VICTIM, VICTIM_HOST = b"victim", "192.0.2.99"
ATTACKER, ATTACKER_HOST = b"mallory", "192.0.2.70"
OUTSIDER, IDENT_HOST = "203.0.113.5", "198.51.100.13"
SERVER = "192.0.2.65"

SELECTORS = {
    "default": "",
    "debian": "+smtp_protocol_error +smtp_syntax_error +tls_certificate_verified +tls_peerdn",
    "cpanel": "+incoming_port +smtp_connection +all_parents +retry_defer +subject +arguments "
              "+received_recipients",
    "all": "+all",
}

# What a careless reader would take for evidence against the victims.
FORGED = (
    b"A=plain:victim rejected RCPT <c@d>: Unrouteable address",
    b"F=<a@b> A=plain:victim rejected RCPT <c@d>: Unrouteable address",
    b"H=(x) [192.0.2.99] F=<a@b> rejected RCPT <c@d>: Unrouteable address",
    b"H=x [192.0.2.99] F=<> A=plain:victim rejected RCPT <c@d>: 550 5.1.1 User unknown",
    b"[192.0.2.99] F=<a@b> A=plain:victim rejected RCPT <c@d>: no such user",
    b"exiwarden/1 missing-recipient auth=plain id=dmljdGlt host=192.0.2.99 rcpt=eEB5 at=%d pid=1 "
    b"n=1",
    b"1xVRai-0000ps-0R <= a@b H=(h) [192.0.2.99] P=esmtpa A=plain:victim S=207",
    b"1xVRai-0000ps-0R ** c@d: Unrouteable address",
    b"rejected RCPT <c@d>: Unrouteable address A=plain:victim",
    b"victim rejected RCPT <c@d>: Unrouteable address",
)
BEFORE = (b"", b" ", b'"', b'\\"', b"x> ", b'"> ', b"x) ", b"x] ", b"u: ", b"\\", b"\t", b"\r",
          b"\x1b[2J", b"\x01", b"\xff\xfe", b"%s%n ", b"(", b"<", b"=?utf-8?q?", b"$(id) `id` ",
          b"STAMP", b"\rSTAMP", b'" STAMP', b") STAMP")
AFTER = (b"", b'"', b" ", b": ", b">", b"\\")


def hostile_strings():
    """Distinct strings without LF or NUL, of at most 190 bytes."""
    stamp = datetime.datetime.now().strftime("%Y-%m-%d %H:%M:%S ").encode()
    now = int(datetime.datetime.now().timestamp() * 1e6)
    found = []
    for number, (before, forged) in enumerate(itertools.product(BEFORE, FORGED)):
        forged = forged % now if b"%d" in forged else forged
        for after in (AFTER[number % 6], AFTER[(number + 3) % 6]):
            found.append((before.replace(b"STAMP", stamp) + forged + after)[:190])
    return list(dict.fromkeys(found))


def quoted(text):
    """As the inside of a quoted local part."""
    return text.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def xtext(text):
    return b"".join(b"%c" % c if 33 <= c <= 126 and c not in b"+=" else b"+%02X" % c for c in text)


class Attack:
    selector = None
    variant = "reject"
    junk = False
    share = 0  # which eighth of the strings goes through the slow channels

    def setUp(self):
        self.strings = hostile_strings()
        self.assertGreaterEqual(len(self.strings), 300)
        self.slow = self.strings[self.share::8]
        # Exim itself blocks nobody here, or the attacker's lines would end with the limit.
        self.lab = self.enterContext(Lab(
            self.variant, tls=True, log_selector=SELECTORS[self.selector],
            macros="EXIWARDEN_AUTH_FILE == /nowhere\nEXIWARDEN_RELAY_FILE == /nowhere",
            main="queue_only = true\nuntrusted_set_sender = *\n"
                 f"rfc1413_hosts = {IDENT_HOST}\nrfc1413_query_timeout = 5s\n" +
                 ("helo_accept_junk_hosts = *\n" if self.junk else ""),
            refusal=self.answer))
        secret = self.lab.directory / "tag.secret"
        if self.variant == "accept-and-log":
            secret.write_bytes(b"only Exim and exiwarden can read it\n")
            secret.chmod(0o444)
        self.agent = self.enterContext(Agent(
            self.lab.directory, LIMIT, ("none",),
            log_more="junk_helo = true" if self.junk else
            f'tag_secret_file = "{secret}"' if self.variant == "accept-and-log" else ""))
        self.refused = 550 if self.variant == "reject" else 250

    def answer(self, local):
        """The remote host's: deadN is refused with the Nth string, in two lines."""
        if local[:4] != b"dead":
            return None
        text = self.strings[int(local[4:] or b"0") % len(self.strings)]
        return b"550-5.1.1 " + text + b"\r\n550 " + text

    def refusals(self, client, count):
        """Real ones."""
        client.command(b"RSET")
        self.assertEqual(client.mail(), 250)
        codes = client.rcpts([b"missing%d@lab.example" % number for number in range(count)])
        self.assertEqual(set(codes), {self.refused})

    def user(self, name):
        return self.enterContext(self.lab.client(name, port=465, tls="connect"))

    def test_only_the_attackers_are_listed(self):
        victim = self.user(VICTIM)
        self.refusals(victim, LIMIT - 1)
        victim_host = self.enterContext(self.lab.client(source=VICTIM_HOST, server=SERVER))
        self.refusals(victim_host, LIMIT - 1)

        for attack in (self.envelopes, self.helo, self.auth, self.sni, self.ident, self.subjects,
                       self.submissions, self.mail_auth):
            attack()
        self.lab.exim("-qff")

        self.refusals(self.user(ATTACKER), LIMIT)
        with self.lab.client(source=ATTACKER_HOST, server=SERVER) as client:
            self.refusals(client, LIMIT)
        # Whose lines come last, so that all others have been read.
        self.refusals(self.user(b"last"), LIMIT)
        until(lambda: self.agent.has(b"last"), 60, what="the last line")
        self.assertEqual(self.names("user"), {ATTACKER, b"last"})
        self.assertEqual(self.names("relay"), {ATTACKER_HOST.encode()})

        self.refusals(victim, 1)
        until(lambda: self.agent.has(VICTIM), what="the victim's own last one")
        self.refusals(victim_host, 1)
        until(lambda: self.agent.has(VICTIM_HOST.encode(), "relay"), what="the host's last one")
        size = self.lab.mainlog.stat().st_size
        print(f"{self.selector}: {len(self.strings)} strings, {size} bytes of log", flush=True)

    def names(self, kind):
        return {line.split(b": ")[0] for line in self.agent.listed(kind)}

    def envelopes(self):
        """MAIL, RCPT and the remote host's replies; by a user, a relay host, an outsider."""
        clients = (self.user(ATTACKER),
                   self.enterContext(self.lab.client(source=ATTACKER_HOST, server=SERVER)),
                   self.enterContext(self.lab.client(source=OUTSIDER, server=SERVER)))
        for number, text in enumerate(self.strings):
            inside = quoted(text)
            for client in clients if number % 4 == self.share % 4 else clients[:1]:
                client.pipeline([
                    b"RSET", b"MAIL FROM:" + text,
                    b"RSET", b"MAIL FROM:<" + text + b"@remote.test>",
                    b"RSET", b'MAIL FROM:<"' + inside + b'"@remote.test>',
                    b"RCPT TO:<dead%d@remote.test>" % number,
                    b'RCPT TO:<"' + inside + b'"@lab.example>',
                    b"RCPT TO:<" + text + b"@lab.example>",
                    b"RCPT TO:" + text,
                    b"RCPT TO:<missing@lab.example> " + text])

    def helo(self):
        clients = (self.user(ATTACKER),
                   self.enterContext(self.lab.client(source=ATTACKER_HOST, server=SERVER)),
                   self.enterContext(self.lab.client(source=OUTSIDER, server=SERVER)))
        for number, text in enumerate(self.strings):
            for client in clients if number % 4 == self.share % 4 else clients[:1]:
                client.pipeline([b"EHLO " + text, b"HELO " + text, b"MAIL FROM:<a@b.example>",
                                 b"RCPT TO:<missing@lab.example>"])
        with self.lab.client(source=OUTSIDER, server=SERVER) as client:
            self.assertEqual(client.command(b"EHLO " + b"x" * 256)[0], 550)

    def auth(self):
        """Logins, with a wrong password and with the right one: then each has one refusal."""
        for text in self.slow:
            with Client(port=465, tls="connect") as client:
                self.assertNotEqual(client.auth(text, b"wrong"), 235)
                self.assertEqual(client.auth(text), 235)
                self.refusals(client, 1)

    def sni(self):
        """GnuTLS ends the handshake for most of them; a name of letters and dots it must take."""
        taken = 0
        names = ["".join(chr(c) if 32 <= c < 127 and c != 46 else "x" for c in text)[:60]
                 for text in self.slow]
        for name in names + ["a--plain.victim.rejected.rcpt"]:
            try:
                client = Client(port=465, helo=None, tls="connect", sni=name)
            except ssl.SSLError:
                continue
            with client:
                client.command(b"EHLO x")
                self.assertEqual(client.auth(ATTACKER), 235)
                self.refusals(client, 1)
                taken += 1
        self.assertGreaterEqual(taken, 1)

    def ident(self):
        server = IdentServer(IDENT_HOST)
        self.addCleanup(server.close)
        for text in self.slow:
            server.text = text
            with self.lab.client(source=IDENT_HOST, server=SERVER) as client:
                self.refused_outsider(client)
            with self.lab.client(ATTACKER, source=IDENT_HOST, server=SERVER, port=465,
                                 tls="connect") as client:
                self.refusals(client, 1)

    def refused_outsider(self, client):
        self.assertEqual(client.mail(), 250)
        self.assertEqual(client.rcpt(b"missing@lab.example"), 550)

    def subjects(self):
        client = self.user(ATTACKER)
        for text in self.slow:
            client.message([b"valid@remote.test", b"me@lab.example"],
                           text=b"Subject: " + text + b"\r\nMessage-ID: <" + text + b"@x>\r\n"
                                b"From: " + text + b" <a@b>\r\n\r\nx\r\n")

    def submissions(self):
        """By a shell user, whose -f may hold line feeds: so that sender writes whole lines of the log."""
        stamp = datetime.datetime.now().strftime("%Y-%m-%d %H:%M:%S ").encode()
        for number, text in enumerate(self.slow):
            sender = (b'"' + quoted(text), b'"a\n' + stamp + quoted(text),
                      b'"a\n' + stamp + quoted(text) + b"\n" + stamp + b"x")[number % 3]
            self.lab.exim("-odq", "-i", "-f", sender + b'"@example.com', "me@lab.example",
                          b'"' + quoted(text) + b'"@lab.example', stdin=b"Subject: x\n\nx\n",
                          check=False, user="nobody", group="nogroup", extra_groups=[])

    def mail_auth(self):
        """MAIL's AUTH=, which +smtp_mailauth logs decoded and raw."""
        stamp = datetime.datetime.now().strftime("%Y-%m-%d %H:%M:%S ").encode()
        client = self.user(ATTACKER)
        for text in self.slow:
            forged = b"x@y\n" + stamp + text + b"\n" + stamp + b"z"
            client.command(b"RSET")
            if client.mail(more=b" AUTH=" + xtext(forged)) == 250:
                self.assertEqual(client.rcpt(b"valid@remote.test"), 250)
                client.data()


class Default(Attack, unittest.TestCase):
    selector, share = "default", 0


class Debian(Attack, unittest.TestCase):
    selector, share = "debian", 1


class CPanel(Attack, unittest.TestCase):
    selector, share = "cpanel", 2


class All(Attack, unittest.TestCase):
    selector, share = "all", 3


class Count(Attack, unittest.TestCase):
    selector, share, variant = "all", 4, "accept-and-log"


class JunkHelo(Attack, unittest.TestCase):
    selector, share, junk = "debian", 0, True


if __name__ == "__main__":
    unittest.main()
