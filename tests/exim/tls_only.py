"""conf/exim/tls.conf: passwords travel only inside TLS, on 25, 587 and 465."""

import base64
import ssl
import unittest

from agent import Agent
from lab import Lab
from mail_client import Client, open_socket
from world import until

LOGIN = base64.b64encode(b"\0alice\0right")


def offers(client, word):
    return any(line[4:].split()[:1] == [word] for line in client.greeting[1])


class TlsOnly(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab(tls=True))

    def test_nothing_before_starttls(self):
        for port in (25, 587):
            with self.subTest(port=port), Client(port=port) as client:
                self.assertTrue(offers(client, b"STARTTLS"))
                self.assertFalse(offers(client, b"AUTH"))
                # One who tries all the same is refused, and told nothing about the password.
                self.assertEqual(client.command(b"AUTH PLAIN " + LOGIN)[0], 503)
                self.assertEqual(client.command(b"AUTH PLAIN")[0], 503)

    def test_offered_inside_tls(self):
        for port, tls in ((25, "starttls"), (587, "starttls"), (465, "connect")):
            with self.subTest(port=port), Client(port=port, tls=tls) as client:
                self.assertTrue(offers(client, b"AUTH"))
                self.assertFalse(offers(client, b"STARTTLS"))
                self.assertEqual(client.command(b"AUTH PLAIN " + LOGIN)[0], 235)

    def test_465_is_nothing_but_tls(self):
        with open_socket("127.0.0.1", 465, timeout=20) as sock:
            sock.sendall(b"EHLO client.test\r\nAUTH PLAIN " + LOGIN + b"\r\n")
            answer = b""
            while True:
                try:
                    got = sock.recv(4096)
                except ConnectionResetError:
                    break
                answer += got
                if not got:
                    break
        self.assertNotIn(b"220", answer)
        self.assertNotIn(b"AUTH", answer)

    def test_the_certificate_is_ours(self):
        with Client(port=465, helo=None, tls="connect") as client:
            presented = ssl.DER_cert_to_PEM_cert(client.sock.getpeercert(binary_form=True))
        self.assertEqual(presented.strip(), (self.lab.directory / "exim.crt").read_text().strip())

    def test_main_job_over_tls(self):
        with Agent(self.lab.directory, 10, ("none",)) as agent:
            with self.lab.client(b"carol", port=465, tls="connect", sni="mx.lab.example") as carol:
                self.assertEqual(carol.mail(), 250)
                dead = [b"dead%d@remote.test" % number for number in range(10)]
                self.assertEqual(set(carol.rcpts(dead)), {550})
                until(lambda: agent.has(b"carol"), what="carol to be listed")
                self.assertTrue(self.lab.is_frozen(carol.message([b"valid@remote.test"])))


if __name__ == "__main__":
    unittest.main()
