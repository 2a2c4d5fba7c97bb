"""A raw SMTP client: bytes in, (code, lines) out, nothing checked or mended on the way."""

import base64
import socket
import ssl

IPV6_FREEBIND = 78  # linux/in6.h; bind to an address that no interface has
SOL_IPV6 = 41


def open_socket(server, port, source=None, timeout=60):
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source:
            if family == socket.AF_INET6:
                sock.setsockopt(SOL_IPV6, IPV6_FREEBIND, 1)
            sock.bind((source, 0))
        sock.connect((server, port))
    except OSError:
        sock.close()
        raise
    return sock


class Client:
    """One session. tls: None, "starttls" or "connect". helo None: no EHLO is sent."""

    def __init__(self, server="127.0.0.1", port=25, source=None, helo=b"client.test", tls=None,
                 sni=None):
        self.sock = open_socket(server, port, source)
        self.buffer = b""
        try:
            if tls == "connect":
                self.encrypt(sni)
            self.banner = self.reply()
            self.greeting = self.command(b"EHLO " + helo) if helo is not None else None
            if tls == "starttls":
                code, lines = self.command(b"STARTTLS")
                if code != 220:
                    raise AssertionError(f"STARTTLS: {lines}")
                self.encrypt(sni)
                self.greeting = self.command(b"EHLO " + helo)
        except BaseException:
            self.sock.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    def encrypt(self, sni=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.sock = context.wrap_socket(self.sock, server_hostname=sni)

    def reply(self):
        lines = []
        while True:
            while b"\n" not in self.buffer:
                got = self.sock.recv(65536)
                if not got:
                    raise EOFError(f"closed after {lines} {self.buffer!r}")
                self.buffer += got
            line, self.buffer = self.buffer.split(b"\n", 1)
            lines.append(line.rstrip(b"\r"))
            if line[3:4] != b"-":
                return int(line[:3]), lines

    def send(self, *commands):
        self.sock.sendall(b"".join(command + b"\r\n" for command in commands))

    def command(self, command):
        self.send(command)
        return self.reply()

    def pipeline(self, commands):
        self.send(*commands)
        return [self.reply() for _ in commands]

    def auth(self, user, password=b"right"):
        text = base64.b64encode(b"\0" + user + b"\0" + password)
        return self.command(b"AUTH PLAIN " + text)[0]

    def mail(self, sender=b"me@lab.example", more=b""):
        return self.command(b"MAIL FROM:<" + sender + b">" + more)[0]

    def rcpt(self, recipient):
        return self.command(b"RCPT TO:<" + recipient + b">")[0]

    def rcpts(self, recipients):
        return [code for code, _ in self.pipeline([b"RCPT TO:<%s>" % r for r in recipients])]

    def data(self, text=b"Subject: test\r\n\r\nhello\r\n"):
        """(code, message id or None)"""
        code, lines = self.command(b"DATA")
        if code != 354:
            return code, None
        code, lines = self.command(text + b".")
        words = lines[-1].split(b"id=")
        return code, words[1].decode() if code == 250 and len(words) == 2 else None

    def message(self, recipients, sender=b"me@lab.example", text=b"Subject: test\r\n\r\nhello\r\n"):
        """A whole message that must be taken; its id."""
        codes = [self.command(b"RSET")[0], self.mail(sender)] + self.rcpts(recipients)
        if set(codes) != {250}:
            raise AssertionError(f"RSET, MAIL, RCPT: {codes}")
        code, queue_id = self.data(text)
        if queue_id is None:
            raise AssertionError(f"DATA: {code}")
        return queue_id

    def close(self):
        try:
            self.send(b"QUIT")
        except OSError:
            pass
        self.sock.close()
