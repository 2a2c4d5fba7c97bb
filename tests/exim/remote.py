"""Servers that Exim talks to in the tests: another mail host, and ident."""

import socketserver
import threading


class RemoteHost:
    """An SMTP server that refuses the recipients for which `refusal(local_part)` gives a reply
    (bytes, without the line's end), and keeps what it took in `messages`: (recipients, text)."""

    def __init__(self, refusal, address="127.0.0.1", port=0):
        self.refusal = refusal
        self.messages = []
        self.refused = []
        self.slots = None  # a semaphore: so many messages at a time, 451 to all others
        self.seconds = 0  # that each of them takes
        remote = self

        class Session(socketserver.StreamRequestHandler):
            disable_nagle_algorithm = True

            def handle(self):
                try:
                    remote.talk(self.rfile, self.wfile)
                except OSError:
                    pass

        self.server = _Server((address, port), Session)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def talk(self, lines, out):
        def say(text):
            out.write(text + b"\r\n")
            out.flush()

        say(b"220 remote.test ESMTP")
        recipients = []
        for line in lines:
            verb = line[:4].upper()
            if verb in (b"EHLO", b"HELO", b"RSET", b"NOOP"):
                say(b"250 remote.test")
            elif verb == b"MAIL":
                recipients = []
                say(b"250 ok")
            elif verb == b"RCPT":
                address = line.split(b":", 1)[1].strip().strip(b"<>")
                answer = self.refusal(address.rsplit(b"@", 1)[0])
                (recipients if answer is None else self.refused).append(address)
                say(answer or b"250 ok")
            elif verb == b"DATA" and self.slots and not self.slots.acquire(blocking=False):
                say(b"451 busy")
            elif verb == b"DATA":
                say(b"354 go on")
                text = b""
                for body in lines:
                    if body == b".\r\n":
                        break
                    text += body
                if self.slots:
                    threading.Event().wait(self.seconds)
                    self.slots.release()
                self.messages.append((recipients, text))
                say(b"250 taken")
            elif verb == b"QUIT":
                say(b"221 bye")
                return
            else:
                say(b"500 what?")


class IdentServer:
    """RFC 1413 on `address`, port 113: answers every question with `text`, which may be changed."""

    def __init__(self, address, text=b""):
        self.text = text
        ident = self

        class Session(socketserver.StreamRequestHandler):
            def handle(self):
                ports = self.rfile.readline(200).strip()
                self.wfile.write(ports + b" : USERID : UNIX : " + ident.text + b"\r\n")

        self.server = _Server((address, 113), Session)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256
