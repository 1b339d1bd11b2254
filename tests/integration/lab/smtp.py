"""A thin SMTP client that records each reply as it came: STARTTLS, wrapper mode, certificates, session resumption.

smtplib hides replies behind exceptions and knows no session tickets; raw public keys need openssl's own client, so
the dialogue runs over a transport: a socket, or the pipes of `openssl s_client`.
"""

import re
import socket
import ssl
import struct
import subprocess
from dataclasses import dataclass, field

TIMEOUT = 30


@dataclass(frozen=True)
class Reply:
    """One SMTP reply: code, enhanced code (or empty), the text of its last line, and all of its lines."""

    code: int
    enhanced: str
    text: str
    lines: tuple

    @property
    def ref(self):
        """The reference that danegate puts at the end of a refusal, or None."""
        match = re.search(r"\[ref ([0-9A-Z]{8})\]$", self.text)
        return match and match[1]

    def __str__(self):
        return self.lines[-1]


@dataclass
class Outcome:
    """The replies of one mail transaction; `data` and `end` stay None where it did not come so far."""

    mail: Reply
    rcpt: list = field(default_factory=list)
    data: Reply = None
    end: Reply = None

    @property
    def delivered(self):
        return self.end is not None and self.end.code == 250


class Client:
    """One SMTP session. As a context manager it says QUIT at its end."""

    def __init__(self, reader, writer, close):
        self._reader, self._writer, self._close = reader, writer, close

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.quit()

    def read(self):
        """The next reply; ConnectionError when the server hung up."""
        lines = []
        while True:
            line = self._reader.readline()
            if not line:
                raise ConnectionError(f"the server hung up after {lines}")
            lines.append(line.decode("utf-8", "replace").rstrip("\r\n"))
            if lines[-1][3:4] != "-":
                break
        code, _, text = lines[-1].partition(" ")
        match = re.match(r"([245]\.\d{1,3}\.\d{1,3}) ", text)
        return Reply(int(code), match[1] if match else "", text, tuple(lines))

    def command(self, line):
        """Sends one command line and returns the reply."""
        self._writer.write(line.encode() + b"\r\n")
        self._writer.flush()
        return self.read()

    def send(self, sender, *recipients, body="Subject: test\r\n\r\nHello.\r\n", data=True):
        """One transaction; `sender` and recipients as they stand between the angle brackets."""
        outcome = Outcome(self.command(f"MAIL FROM:<{sender}>"))
        if outcome.mail.code != 250:
            return outcome
        outcome.rcpt = [self.command(f"RCPT TO:<{recipient}>") for recipient in recipients]
        if data and any(reply.code == 250 for reply in outcome.rcpt):
            outcome.data = self.command("DATA")
            if outcome.data.code == 354:
                outcome.end = self.command(body + ".")
        if not outcome.delivered:
            self.command("RSET")
        return outcome

    def quit(self):
        try:
            self.command("QUIT")
        except (OSError, ConnectionError):
            pass  # the server was quicker
        self._close()


class SocketClient(Client):
    """A session over a socket. `tls`: "starttls", "wrapper" or None; `resume`: an ssl session of an earlier client."""

    def __init__(self, address, port, helo, tls="starttls", credential=None, resume=None, context=None, bind=None):
        self._socket = connect(address, port, bind)
        self.local_port = self._socket.getsockname()[1]
        self._open()
        self.context = context or client_context(credential)
        if tls == "wrapper":
            self._secure(resume)
        self.greeting = self.read()
        if tls == "starttls":
            self.command(f"EHLO {helo}")
            reply = self.command("STARTTLS")
            assert reply.code == 220, reply
            self._secure(resume)
        self.ehlo = self.command(f"EHLO {helo}")

    def _open(self):
        super().__init__(self._socket.makefile("rb"), self._socket.makefile("wb"), self._socket.close)

    def reset(self):
        """Ends the connection without a word, and so that its address and port are free at once."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._reader.close()
        self._writer.close()
        self._socket.close()

    def upgrade(self, helo, credential):
        """STARTTLS in the middle of a session."""
        self.context = client_context(credential)
        reply = self.command("STARTTLS")
        assert reply.code == 220, reply
        self._secure(None)
        self.ehlo = self.command(f"EHLO {helo}")

    def _secure(self, resume):
        self._socket = self.context.wrap_socket(self._socket, session=resume)
        self._open()

    @property
    def session(self):
        """The TLS session, for a later client that resumes it. Complete once a reply came through TLS."""
        return self._socket.session

    @property
    def resumed(self):
        return self._socket.session_reused


def connect(address, port, bind=None):
    """A TCP connection; `bind`: our own address, or one with its port."""
    if not isinstance(bind, tuple):
        return socket.create_connection((address, port), TIMEOUT, (bind, 0) if bind else None)
    connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    connection.settimeout(TIMEOUT)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    connection.bind(bind)
    connection.connect((address, port))
    return connection


def client_context(credential):
    """A TLS context that shows the credential. One context is shared by the sessions that resume one another."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if credential:
        context.load_cert_chain(credential.certificate, credential.key)
    return context


class RawKeyClient(Client):
    """A session of `openssl s_client` that offers a raw public key. Its -quiet keeps it from reading our R and Q."""

    def __init__(self, address, port, helo, credential, tls="starttls"):
        target = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        start = ["-starttls", "smtp", "-name", helo] if tls == "starttls" else []
        self._process = subprocess.Popen(
            ["openssl", "s_client", "-quiet", "-connect", target, *start, "-enable_client_rpk",
             "-cert", credential.certificate, "-key", credential.key],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        super().__init__(self._process.stdout, self._process.stdin, self._finish)
        if tls == "wrapper":
            self.greeting = self.read()
        self.ehlo = self.command(f"EHLO {helo}")

    def _finish(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(TIMEOUT)
