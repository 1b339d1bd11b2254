"""The milter protocol's bytes, version 6: numbers, frames and payloads, for both of its sides.

A frame is a 32-bit length, one letter and the letter's payload. The MTA sends commands, each with a frame of macros
before it; the filter sends replies. Names are those of libmilter's mfdef.h without their prefixes.
"""

import re
import socket
import struct
from dataclasses import dataclass

VERSION = 6
MAX_FRAME = 1 << 20

# What the filter may do (SMFIF_).
ADDHDRS, CHGBODY, ADDRCPT, DELRCPT, CHGHDRS, QUARANTINE, CHGFROM, ADDRCPT_PAR, SETSYMLIST = (1 << n for n in range(9))
ALL_ACTIONS = 0x1FF  # what Postfix and Sendmail offer

# What the MTA leaves out, and where the filter sends no reply (SMFIP_).
(NOCONNECT, NOHELO, NOMAIL, NORCPT, NOBODY, NOHDRS, NOEOH, NR_HDR, NOUNKNOWN, NODATA, SKIP, RCPT_REJ, NR_CONN, NR_HELO,
 NR_MAIL, NR_RCPT, NR_DATA, NR_UNKN, NR_EOH, NR_BODY, HDR_LEADSPC) = (1 << n for n in range(21))
ALL_PROTOCOL = 0x1FFFFF  # what Postfix and Sendmail offer

# Each event: the command's letter, the flag that leaves it out, the flag that spares its reply.
EVENTS = {
    "connect": (b"C", NOCONNECT, NR_CONN),
    "helo": (b"H", NOHELO, NR_HELO),
    "mail": (b"M", NOMAIL, NR_MAIL),
    "rcpt": (b"R", NORCPT, NR_RCPT),
    "data": (b"T", NODATA, NR_DATA),
    "header": (b"L", NOHDRS, NR_HDR),
    "eoh": (b"N", NOEOH, NR_EOH),
    "body": (b"B", NOBODY, NR_BODY),
    "unknown": (b"U", NOUNKNOWN, NR_UNKN),
    "eom": (b"E", 0, 0),
    "abort": (b"A", 0, 0),
    "quit": (b"Q", 0, 0),
    "quit_nc": (b"K", 0, 0),
}
LETTERS = {letter: name for name, (letter, _, _) in EVENTS.items()}
NEVER_ANSWERED = ("abort", "quit", "quit_nc")

# The numbers of the stages in a filter's lists of macros (SMFIM_); headers and body have no list of their own.
STAGES = ("connect", "helo", "mail", "rcpt", "data", "eom", "eoh")

DECISIONS = {b"c": "continue", b"a": "accept", b"r": "reject", b"t": "tempfail", b"d": "discard", b"s": "skip",
             b"y": "replycode", b"4": "shutdown", b"f": "connection failed"}
MODIFICATIONS = {b"h": "add", b"i": "insert", b"m": "change", b"q": "quarantine", b"b": "body", b"e": "from",
                 b"+": "add recipient", b"2": "add recipient", b"-": "delete recipient"}


class Closed(ConnectionError):
    """The other side closed the connection between two frames, or within one."""


@dataclass(frozen=True)
class Decision:
    """What a filter answered at one stage; `code` and `text` are those of a reply of its own ("550 5.7.1 No")."""

    action: str
    code: int = 0
    text: str = ""

    @property
    def outcome(self):
        """The action, with a reply of its own counted as the rejection or the deferral that it is."""
        return {4: "tempfail", 5: "reject"}.get(self.code // 100, self.action)

    def __str__(self):
        return self.text or self.action


@dataclass(frozen=True)
class Modification:
    """One change that the filter asked for. `index` as on the wire; a changed header with no value is deleted."""

    kind: str
    name: str = ""
    value: str = ""
    index: int = 0


def endpoint(text):
    """danegate's spelling of an endpoint, as family and address: unix:/path, inet:127.0.0.1:10044, inet:[::1]:10044."""
    family, _, rest = text.partition(":")
    if family == "unix":
        return socket.AF_UNIX, rest
    host, _, port = rest.rpartition(":")
    return (socket.AF_INET6, (host.strip("[]"), int(port))) if host.startswith("[") else (socket.AF_INET,
                                                                                         (host, int(port)))


def mta_endpoint(text):
    """The same endpoint as Postfix and Sendmail spell it: (Postfix's, Sendmail's)."""
    family, address = endpoint(text)
    if family == socket.AF_UNIX:
        return text, text
    host, port = address
    if family == socket.AF_INET6:
        return f"inet:[{host}]:{port}", f"inet6:{port}@{host}"
    return f"inet:{host}:{port}", f"inet:{port}@{host}"


def frame(letter, payload=b""):
    return struct.pack("!I", len(payload) + 1) + letter + payload


def read_frame(reader):
    """The next frame as (letter, payload)."""
    length, = struct.unpack("!I", _exactly(reader, 4))
    if not 1 <= length <= MAX_FRAME:
        raise ValueError(f"a frame of {length} bytes")
    content = _exactly(reader, length)
    return content[:1], content[1:]


def _exactly(reader, count):
    data = reader.read(count)
    if data is None or len(data) < count:
        raise Closed(f"closed after {len(data or b'')} of {count} bytes")
    return data


def encode(text):
    """Text as bytes; what is no UTF-8 passes through surrogates, as read by decode()."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def decode(data):
    return data.decode("utf-8", "surrogateescape")


def strings(*texts):
    """Texts, each with its NUL."""
    return b"".join(encode(text) + b"\0" for text in texts)


def split_strings(payload):
    return [decode(text) for text in payload.split(b"\0")[:-1]]


def macros_payload(letter, macros):
    """The payload of a macro frame that precedes the command with that letter."""
    return letter + strings(*(part for pair in macros.items() for part in pair))


def split_macros(payload):
    """A macro frame's payload: the letter of the command that it belongs to, and the macros."""
    parts = split_strings(payload[1:])
    return payload[:1], dict(zip(parts[::2], parts[1::2]))


def connect_payload(host, client):
    """SMFIC_CONNECT; `client` is (address, port), None for an unknown one, or the path of a unix socket."""
    if client is None:
        return strings(host) + b"U"
    if isinstance(client, str):
        return strings(host) + b"L" + struct.pack("!H", 0) + strings(client)
    address, port = client
    return strings(host) + (b"6" if ":" in address else b"4") + struct.pack("!H", port) + strings(address)


def split_connect(payload):
    """SMFIC_CONNECT as (host, family, port, address)."""
    host, _, rest = payload.partition(b"\0")
    if rest[:1] == b"U":
        return decode(host), "U", 0, ""
    port, = struct.unpack("!H", rest[1:3])
    return decode(host), decode(rest[:1]), port, decode(rest[3:].rstrip(b"\0"))


def options_payload(actions, protocol, symlists=None, version=VERSION):
    """SMFIC_OPTNEG of either side; a filter's may carry lists of macros, {stage: [names]}."""
    lists = b"".join(struct.pack("!I", STAGES.index(stage)) + strings(" ".join(names))
                     for stage, names in (symlists or {}).items())
    return struct.pack("!III", version, actions, protocol) + lists


def split_options(payload):
    """SMFIC_OPTNEG as (version, actions, protocol, lists of macros)."""
    version, actions, protocol = struct.unpack("!III", payload[:12])
    rest, symlists = payload[12:], {}
    while rest:
        stage, = struct.unpack("!I", rest[:4])
        names, _, rest = rest[4:].partition(b"\0")
        symlists[STAGES[stage]] = decode(names).split()
    return version, actions, protocol, symlists


def reply(letter, payload):
    """A filter's frame as Decision or Modification; None for progress. ValueError for anything else."""
    if letter == b"p":
        return None
    if letter == b"y":
        text = re.sub(r"%(.?)", r"\1", decode(payload.rstrip(b"\0")))  # as MTAs show it: %% is one, a lone % is lost
        return Decision("replycode", int(text[:3]), text)
    if letter in DECISIONS:
        return Decision(DECISIONS[letter])
    if letter not in MODIFICATIONS:
        raise ValueError(f"the filter said {letter + payload!r}")
    kind = MODIFICATIONS[letter]
    if kind in ("insert", "change"):
        name, value = split_strings(payload[4:])
        return Modification(kind, name, value, struct.unpack("!I", payload[:4])[0])
    if kind == "add":
        return Modification(kind, *split_strings(payload))
    if kind == "body":
        return Modification(kind, value=decode(payload))
    return Modification(kind, value=" ".join(split_strings(payload)))


def reply_frame(item):
    """The inverse of reply(), for the filter's side."""
    if isinstance(item, Decision):
        letter = next(letter for letter, action in DECISIONS.items() if action == item.action)
        return frame(letter, strings(item.text) if item.action == "replycode" else b"")
    letter = next(letter for letter, kind in MODIFICATIONS.items() if kind == item.kind)
    if item.kind in ("insert", "change"):
        return frame(letter, struct.pack("!I", item.index) + strings(item.name, item.value))
    if item.kind == "add":
        return frame(letter, strings(item.name, item.value))
    return frame(letter, encode(item.value) if item.kind == "body" else strings(item.value))
