"""A scripted milter client: the MTA's side of the protocol, event by event, with every macro and reply in sight.

MilterSession sends what it is told. For the order of events and the macros of a real MTA see lab/milter_mtas.py, whose
sessions are this one with Postfix's or Sendmail's habits. A filter that breaks the protocol fails the test: an answer
where none was due, a change that was not negotiated, a change before the end of the message.
"""

import socket
from dataclasses import dataclass, field, replace

from . import milter_wire as wire
from .milter_headers import apply
from .milter_wire import Decision, Modification

TIMEOUT = 30
BODY_CHUNK = 65535

# Which flag of the negotiation allows which change.
NEEDS = {"add": wire.ADDHDRS, "insert": wire.ADDHDRS, "change": wire.CHGHDRS, "quarantine": wire.QUARANTINE,
         "body": wire.CHGBODY, "from": wire.CHGFROM, "add recipient": wire.ADDRCPT | wire.ADDRCPT_PAR,
         "delete recipient": wire.DELRCPT}

# Whose list of macros goes with an event; no macros go with the others.
MACRO_STAGE = {stage: stage for stage in wire.STAGES} | {"header": "eoh", "body": "eoh"}


@dataclass
class Message:
    """What became of one message: every decision in order, and the changes that were asked for at its end."""

    decisions: list = field(default_factory=list)  # pairs of an event's name and its Decision
    modifications: list = field(default_factory=list)

    def note(self, event, decision):
        self.decisions.append((event, decision))
        return decision

    @property
    def final(self):
        """The decision that the MTA acts on, the last one."""
        return self.decisions[-1][1]

    @property
    def action(self):
        """accept, reject, tempfail or discard; a reply code counts as what it says."""
        return {"continue": "accept", "skip": "accept"}.get(self.final.outcome, self.final.outcome)

    @property
    def stage(self):
        """The event that the last decision answered."""
        return self.decisions[-1][0]

    def answers(self, event):
        """The decisions at an event, in order: one per recipient at "rcpt"."""
        return [decision for name, decision in self.decisions if name == event]

    @property
    def quarantine(self):
        """The reason of the quarantine that was asked for, or None."""
        return next((item.value for item in self.modifications if item.kind == "quarantine"), None)

    def headers(self, headers, mta="postfix"):
        """The fields that the MTA would deliver, given those of the message, as (name, value) pairs."""
        return apply(self.modifications, headers, mta)


class MilterSession:
    """One connection to a filter; negotiates at construction. As a context manager it closes at its end, abruptly.

    `address`: "unix:/path" or "inet:127.0.0.1:10044". `client` and `daemon`: address and port of the SMTP client and of
    the MTA. `macros` are set whatever the MTA would say, at every stage where they are due; None leaves one out. It may
    be changed between events. Without an MTA's habits, all of them are due at every stage, or what the filter lists.
    """

    def __init__(self, address, client=("192.0.2.1", 4711), daemon=("192.0.2.25", 25), macros=None, negotiate=True):
        self.client, self.daemon = client, daemon
        self.macros = dict(macros or {})
        self.actions = self.protocol = 0
        self.symlists = {}  # stage: names, as the filter asked for them
        self.progress = 0  # SMFIR_PROGRESS replies so far
        family, where = wire.endpoint(address)
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.settimeout(TIMEOUT)
        self._socket.connect(where)
        self._reader = self._socket.makefile("rb")
        if negotiate:
            self.negotiate()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Hangs up without a word."""
        self._reader.close()
        self._socket.close()

    def negotiate(self, actions=wire.ALL_ACTIONS, protocol=wire.ALL_PROTOCOL, version=wire.VERSION):
        """Offers these and keeps what the filter answers; it must not take what was not offered."""
        self.send("O", wire.options_payload(actions, protocol, version=version))
        letter, payload = wire.read_frame(self._reader)
        assert letter == b"O", f"the filter answered {letter + payload!r} to the negotiation"
        answer, self.actions, self.protocol, self.symlists = wire.split_options(payload)
        assert answer <= version and not self.actions & ~actions and not self.protocol & ~protocol, payload
        assert not self.symlists or actions & wire.SETSYMLIST, "lists of macros where they were not offered"

    # The bytes.

    def send(self, letter, payload=b""):
        """One frame, whatever its letter."""
        self.send_raw(wire.frame(letter.encode(), payload))

    def send_raw(self, data):
        """Bytes as they are: half a frame, an absurd length, rubbish."""
        self._socket.sendall(data)

    def send_macros(self, event, macros):
        """A macro frame for that event, whatever is due."""
        letter = wire.EVENTS[event][0]
        self.send_raw(wire.frame(b"D", wire.macros_payload(letter, macros)))

    def read(self):
        """The next reply, a Decision or a Modification, past those that say only "wait"; Closed when it hung up."""
        while True:
            reply = wire.reply(*wire.read_frame(self._reader))
            if reply is not None:
                return reply
            self.progress += 1

    def closed(self):
        """Waits until the filter hangs up; False where it says something instead."""
        try:
            return self._socket.recv(1, socket.MSG_PEEK) == b""
        except ConnectionResetError:
            return True

    # Events.

    def event(self, name, payload=b"", message=None):
        """Sends an event with its macros, unless the filter wants none of it, and returns the filter's decision.

        Where no reply is due that is "continue". At "eom", changes go to `message`.
        """
        letter, leave_out, no_reply = wire.EVENTS[name]
        macros = self.due(name)
        if macros is not None:
            self.send_macros(name, macros)  # real MTAs send them also for an event that they leave out
        if self.protocol & leave_out:
            return Decision("continue")
        self.send(letter.decode(), payload)
        if self.protocol & no_reply or name in wire.NEVER_ANSWERED:
            return Decision("continue")
        while isinstance(reply := self.read(), Modification):
            assert name == "eom", f"{reply} at {name}"
            assert self.actions & NEEDS[reply.kind], f"{reply} was not negotiated"
            if message:
                message.modifications.append(self._without_space(reply))
        return reply

    def _without_space(self, item):
        """A field's value without the space after its colon, which is the filter's to send if it wants to see it."""
        if not self.protocol & wire.HDR_LEADSPC or item.kind not in ("add", "insert", "change") or not item.value:
            return item
        assert item.value[0] in " \t", f"{item}: it would be glued to its colon"
        return replace(item, value=item.value.removeprefix(" "))

    def due(self, event):
        """The macros that go with an event: those listed for its stage that have a value there.

        None if none are listed; where only the values are missing, real MTAs send an empty frame.
        """
        stage = MACRO_STAGE.get(event)
        names = self.names(stage) if stage else []
        values = {name: self.value(event, name) for name in names}
        return {name: value for name, value in values.items() if value is not None} if names else None

    def names(self, stage):
        """The filter's list for the stage; without one, or with an empty one, the MTA's own."""
        return self.symlists.get(stage) or self.own_names(stage)

    def value(self, event, name):
        return self.macros[name] if name in self.macros else self.own_value(event, name)

    def own_names(self, _stage):
        """What an MTA sends at a stage by itself."""
        return list(self.macros)

    def own_value(self, _event, _name):
        """What an MTA says of a macro at an event; None where it has none."""
        return None

    def connect(self, host=None, client=...):
        """`host`: the client's name, or its address in brackets; `client` as in wire.connect_payload()."""
        client = self.client if client is ... else client
        return self.event("connect", wire.connect_payload(host or f"[{self.client[0]}]", client))

    def helo(self, name):
        return self.event("helo", wire.strings(name))

    def mail(self, sender, *parameters):
        """`sender` as it stands between the angle brackets; `parameters` such as "SIZE=1000"."""
        return self.event("mail", wire.strings(f"<{sender}>", *parameters))

    def rcpt(self, recipient, *parameters):
        return self.event("rcpt", wire.strings(f"<{recipient}>", *parameters))

    def data(self):
        return self.event("data")

    def header(self, name, value):
        """`value` without the space after the colon, which goes along where the filter wants it."""
        space = " " if self.protocol & wire.HDR_LEADSPC else ""
        return self.event("header", wire.strings(name, wire.encode(space) + wire.encode(value)))

    def eoh(self):
        return self.event("eoh")

    def body(self, chunk):
        return self.event("body", chunk)

    def eom(self, chunk=b""):
        """The end of the message as a Message: its decision and the changes."""
        message = Message()
        message.note("eom", self.event("eom", chunk, message))
        return message

    def unknown(self, command):
        return self.event("unknown", wire.strings(command))

    def abort(self):
        self.event("abort")

    def quit(self):
        """The filter hangs up after it."""
        self.event("quit")

    def quit_nc(self):
        """The end of one session; another one follows on this connection, from connect() on.

        libmilter takes it right after the end of a message only. Elsewhere it ignores it and what follows, unanswered.
        """
        self.event("quit_nc")

    def content(self, message, headers=(), body=b"", until="eom"):
        """Header, body and end of a message, as far as the filter lets it come; what it says goes to `message`.

        `until` is the last event to send.
        """
        events = [("header", lambda n=n, v=v: self.header(n, v)) for n, v in headers]
        events.append(("eoh", self.eoh))
        events += [("body", lambda at=at: self.body(body[at:at + BODY_CHUNK]))
                   for at in range(0, len(body), BODY_CHUNK)]
        events.append(("eom", lambda: self.event("eom", b"", message)))
        last = max((at for at, (name, _) in enumerate(events) if name == until), default=-1)
        skipped = None
        for name, send in events[:last + 1]:
            if name != skipped:
                decision = message.note(name, send())
                skipped = name if decision.action == "skip" else None
                if decision.action not in ("continue", "skip"):
                    break
        return message
