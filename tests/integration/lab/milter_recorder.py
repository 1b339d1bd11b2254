"""A filter that writes down what an MTA sends: every event with its macros, per connection, in order.

For learning what real MTAs do, and for showing what they make of a filter's replies: `answers` maps an event's name
to what is sent there, modifications first and a decision last; everything else is answered "continue".

    python3 -m lab.milter_recorder unix:/path/of/socket        from tests/integration; prints events as they come
"""

import socket
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

from .milter_wire import (ALL_ACTIONS, HDR_LEADSPC, LETTERS, NEVER_ANSWERED, SKIP, Closed, Decision, endpoint, frame,
                          options_payload, read_frame, reply_frame, split_connect, split_macros, split_options,
                          split_strings)

EVERY_MACRO = """\
j _ i v {daemon_name} {daemon_addr} {daemon_port} {if_name} {if_addr} {client_addr} {client_name} {client_port}
{client_ptr} {client_resolve} {tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer} {cn_subject} {cn_issuer}
{cert_fp} {cert_md5} {verify} {auth_type} {auth_authen} {mail_addr} {mail_host} {mail_mailer} {rcpt_addr} {rcpt_host}
{rcpt_mailer} {msg_id} {server_name} {tls_sni}""".split()


@dataclass
class Event:
    """One event: its name, its arguments as text, and its macros; `framed` says that a frame for them came at all."""

    name: str
    arguments: list
    macros: dict = field(default_factory=dict)
    framed: bool = False

    def __str__(self):
        macros = " ".join(f"{name}={value!r}" for name, value in self.macros.items())
        return f"{self.name} {self.arguments} {macros}".strip()


class Recorder:
    """Listens from construction to stop(). `sessions` has one list of events per connection, in order of connecting.

    `symlists`: None asks for every macro at every stage; {} leaves the MTA's own lists; else {stage: [names]}.
    """

    def __init__(self, address, symlists=None, protocol=SKIP | HDR_LEADSPC, answers=None, report=None):
        stages = ("connect", "helo", "mail", "rcpt", "data", "eoh", "eom")
        self._symlists = {stage: EVERY_MACRO for stage in stages} if symlists is None else symlists
        self._protocol, self._report = protocol, report
        self.answers = {} if answers is None else answers
        self.sessions, self.offers = [], []  # an offer: version, actions and protocol flags of one MTA connection
        family, where = endpoint(address)
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(where)
        if family == socket.AF_UNIX:
            Path(where).chmod(0o666)
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # stop() shut the listener down
            session = []
            self.sessions.append(session)
            threading.Thread(target=self._serve, args=(connection, session), daemon=True).start()

    def _serve(self, connection, session):
        macros = {}
        with connection, connection.makefile("rb") as reader:
            while True:
                try:
                    letter, payload = read_frame(reader)
                except (Closed, ConnectionResetError):
                    return self._record(session, Event("closed", []))
                if letter == b"O":
                    self._negotiate(connection, payload)
                elif letter == b"D":
                    command, macros[command] = split_macros(payload)
                else:
                    name = LETTERS[letter]
                    framed = letter in macros
                    self._record(session, Event(name, arguments(name, payload), macros.pop(letter, {}), framed))
                    if name not in NEVER_ANSWERED:
                        self._answer(connection, name)

    def _negotiate(self, connection, payload):
        version, actions, protocol, _ = split_options(payload)
        self.offers.append((version, actions, protocol))
        connection.sendall(frame(b"O", options_payload(actions & ALL_ACTIONS, protocol & self._protocol,
                                                       self._symlists, min(version, 6))))

    def _answer(self, connection, name):
        answer = self.answers.get(name, [])
        if not answer or not isinstance(answer[-1], Decision):
            answer = [*answer, Decision("continue")]
        connection.sendall(b"".join(map(reply_frame, answer)))

    def _record(self, session, event):
        session.append(event)
        if self._report:
            self._report(len(self.sessions), event)

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def arguments(name, payload):
    """An event's arguments as a list of text."""
    if name == "connect":
        return list(split_connect(payload))
    return [payload.decode("utf-8", "replace")] if name in ("body", "eom") else split_strings(payload)


def main():
    recorder = Recorder(sys.argv[1], report=lambda number, event: print(number, event, flush=True))
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        recorder.stop()


if __name__ == "__main__":
    main()
