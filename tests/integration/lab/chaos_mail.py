"""The chaos tier's mail: clients that send through a real Postfix, and milter sessions with a Sendmail's habits.

Each message carries a word of its own, so that what was delivered can be held against what each client was told.
"""

import collections
import re
import time

from .chaos import Asked, Load
from .milter_mtas import SendmailSession, sendmail_tls
from .smtp import SocketClient

SENDER_DOMAIN = "partner.example"
RECIPIENT = "b@example.net"
FIELD = re.compile(r"(?mi)^Authentication-Results:.*(?:\n[ \t].*)*")
TOKEN = re.compile(r"(?m)^Subject: (c\d+x\d+x)$")
PASS = 'x-dane-client=pass reason="match" policy.dane-id={name} '


class MailCrowd(Load):
    """One message a session, over TLS, with right keys and wrong ones."""

    PAUSE = 0.2

    def __init__(self, port, keys, peers, count, seed):
        self._port, self._keys, self._peers = port, keys, peers
        self.sent = {}  # token: what became of the message
        super().__init__(count, seed)

    def _run(self, number, choose):
        peer = choose.choice(self._peers)
        key = choose.choice(peer.keys)
        token, sent = f"c{number}x{len(self.sent)}x", time.monotonic()
        try:
            reply = self._send(peer, self._keys[key], token)
            action = "DUNNO" if reply.code == 250 else f"{reply.code} {reply.enhanced}"
        except (OSError, AssertionError):  # the second: STARTTLS is refused
            action = None  # delivered or not, nobody knows
        self.sent[token] = Asked(peer.name, key, sent, time.monotonic(), action)
        self.asked.append(self.sent[token])
        time.sleep(self.PAUSE)

    def _send(self, peer, credential, token):
        """The reply that decided it."""
        with SocketClient("127.0.0.1", self._port, peer.helo, credential=credential) as client:
            outcome = client.send(f"{token}@{SENDER_DOMAIN}", RECIPIENT, body=f"Subject: {token}\r\n\r\nHello.\r\n")
        return outcome.end or outcome.data or (outcome.rcpt or [outcome.mail])[-1]

    def wrong(self, delivered):
        """What is not as it was said, a line each: `delivered` are all the messages that arrived."""
        found = collections.defaultdict(list)
        for text in delivered:
            found[TOKEN.search(text)[1]].append(text)
        lines = [f"{token}: never sent" for token in found if token not in self.sent]
        for token, asked in self.sent.items():
            arrived = found.get(token, [])
            most, least = (0 if asked.action and not asked.passed else 1), (1 if asked.passed else 0)
            if not least <= len(arrived) <= most:
                lines.append(f"{token}: told {asked.action}, arrived {len(arrived)} times")
            lines += [f"{token}: {fields}" for fields in map(own_fields, arrived)
                      if len(fields) != 1 or PASS.format(name=asked.name) not in fields[0] + " "]
        return lines


def own_fields(message):
    """The Authentication-Results fields that speak of us, each on one line."""
    return [field for field in (" ".join(each.split()) for each in FIELD.findall(message)) if "x-dane-client" in field]


class MilterCrowd(Load):
    """A few messages a session, sometimes broken off; everything that a filter may not do is a failure."""

    PAUSE = 0.05

    def __init__(self, endpoint, keys, peers, count, seed):
        self._endpoint, self._peers = endpoint, peers
        self._tls = {name: sendmail_tls(credential) for name, credential in keys.items()}
        super().__init__(count, seed)

    def _run(self, number, choose):
        peer = choose.choice(self._peers)
        key = choose.choice(peer.keys)
        client = (f"198.51.100.{number}", 1024 + choose.randrange(60000))
        session = SendmailSession(self._endpoint, client=client, daemon_name="smtp")
        try:
            session.greet(peer.helo, tls=self._tls[key])
            for _ in range(3):
                if session.ended:
                    return
                self._message(session, peer, key)
                time.sleep(self.PAUSE)
            if choose.random() < 0.2:
                session.message(peer.sender, RECIPIENT, until="rcpt")
            else:
                session.bye()
        finally:
            session.close()

    def _message(self, session, peer, key):
        sent, action = time.monotonic(), None
        try:
            message = session.message(peer.sender, RECIPIENT, headers=[("From", peer.sender), ("Subject", "s")])
            action = {"accept": "DUNNO", "reject": f"{message.final}"}.get(message.action, f"451 {message.action}")
        except TimeoutError:
            self.lost.append((peer.name, sent))
            raise
        finally:
            self.asked.append(Asked(peer.name, key, sent, time.monotonic(), action))
        fields = [change.value for change in message.modifications]
        if action == "DUNNO":
            assert len(fields) == 1 and PASS.format(name=peer.name) in fields[0] + " ", fields
