"""Speaks Postfix's policy protocol directly, for what no Postfix would send: every trap, every bound, and load."""

import re
import socket

TIMEOUT = 30
# The attributes of Postfix 3.10 in its order, for a STARTTLS session without a certificate.
DEFAULTS = {
    "request": "smtpd_access_policy", "protocol_state": "RCPT", "protocol_name": "ESMTP",
    "client_address": "192.0.2.1", "client_name": "unknown", "client_port": "40000", "reverse_client_name": "unknown",
    "server_address": "192.0.2.25", "server_port": "25", "helo_name": "mta1.acme.example",
    "sender": "a@acme.example", "recipient": "b@example.net", "recipient_count": "0", "queue_id": "",
    "instance": "1.2.3.0", "size": "0", "etrn_domain": "", "stress": "", "sasl_method": "", "sasl_username": "",
    "sasl_sender": "", "ccert_subject": "", "ccert_issuer": "", "ccert_fingerprint": "",
    "ccert_pubkey_fingerprint": "", "encryption_protocol": "TLSv1.3",
    "encryption_cipher": "TLS_AES_256_GCM_SHA384", "encryption_keysize": "256", "policy_context": "",
    "compatibility_level": "3.6", "mail_version": "3.10.13",
}


def attributes(credential=None, **changes):
    """One request as a dictionary: the defaults, a credential's digests, then the changes; None leaves one out."""
    request = dict(DEFAULTS)
    if credential:
        request["ccert_fingerprint"] = credential.fingerprint(0)
        request["ccert_pubkey_fingerprint"] = credential.fingerprint(1)
    request.update(changes)
    return {key: value for key, value in request.items() if value is not None}


def encode(request):
    """The bytes of one request."""
    return "".join(f"{key}={value}\n" for key, value in request.items()).encode() + b"\n"


def connect(endpoint, timeout=TIMEOUT):
    """A connected socket for "unix:PATH" or "inet:HOST:PORT" (IPv6 addresses in brackets)."""
    kind, _, rest = endpoint.partition(":")
    if kind == "unix":
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        connection.connect(rest)
        return connection
    host, _, port = rest.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout)


class PolicyClient:
    """One connection. As a context manager it closes itself."""

    def __init__(self, endpoint, timeout=TIMEOUT):
        self.socket = connect(endpoint, timeout)
        self._pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def write(self, data):
        self.socket.sendall(data)

    def begin(self, credential=None, **changes):
        """Sends one request; action() has its reply."""
        self.write(encode(attributes(credential, **changes)))

    def ask(self, credential=None, **changes):
        """Sends one request and returns the action of its reply."""
        self.begin(credential, **changes)
        return self.action()

    def action(self):
        """The value of `action` in the next reply, which must hold that one line only and must not be empty."""
        while b"\n\n" not in self._pending:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError(f"closed with {self._pending!r} unanswered")
            self._pending += data
        reply, _, self._pending = self._pending.partition(b"\n\n")
        match = re.fullmatch(r"action=([^\n]+)", reply.decode("utf-8"))
        assert match, f"not a policy reply: {reply!r}"
        return match[1]

    def at_end(self):
        """True when the server closes without another byte."""
        try:
            return self._pending == b"" and self.socket.recv(1) == b""
        except ConnectionResetError:
            return self._pending == b""
