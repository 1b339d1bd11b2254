"""Every DNS question asked in the lab, to whichever address, as seen on the wire.

Two raw sockets see each packet to port 53 of the network namespace, so the record does not depend on what the servers
log, covers addresses where nobody listens, and changes nothing about the traffic.
"""

import ctypes
import selectors
import socket
import struct
import threading
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.rdatatype

from .procs import wait_until

SO_ATTACH_FILTER = 26
# Classic BPF on an IPv4 packet without options: load the destination port; 53 passes whole, the rest not at all.
ONLY_PORT_53 = [(0x28, 0, 0, 22), (0x15, 0, 1, 53), (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0)]
MARKER = "marker.invalid"


@dataclass(frozen=True)
class Question:
    """One question on the wire: lower-case name without its last dot, type, transport."""

    name: str
    rrtype: str
    transport: str


class DnsLog:
    """Records from construction to stop(), in a thread of its own."""

    def __init__(self):
        self._questions = []
        self._markers = 0
        self._selector = selectors.DefaultSelector()
        for protocol, reader in ((socket.IPPROTO_UDP, self._on_udp), (socket.IPPROTO_TCP, self._on_tcp)):
            self._selector.register(_raw_socket(protocol), selectors.EVENT_READ, reader)
        self._wake, waker = socket.socketpair()
        self._selector.register(waker, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def below(self, name, transport=None):
        """The questions so far whose name is `name` or lies below it."""
        self._catch_up()
        return [q for q in list(self._questions) if (q.name == name or q.name.endswith("." + name))
                and transport in (None, q.transport)]

    def await_question(self, name):
        """Waits until somebody asked for `name` or a name below it."""
        wait_until(lambda: self.below(name), f"a question for {name}")

    def forget(self):
        """Drops what was seen so far, so that the next check speaks of one step of a test only."""
        self._catch_up()
        self._questions.clear()

    def stop(self):
        self._wake.send(b"x")
        self._thread.join()

    def _catch_up(self):
        """Returns once everything sent before this call has been read: loopback keeps the order."""
        self._markers += 1
        name = f"{self._markers}.{MARKER}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(dns.message.make_query(name, "A").to_wire(), ("127.255.255.254", 53))
        wait_until(lambda: any(q.name == name for q in reversed(self._questions)), "the DNS log to catch up",
                   interval=0.001)

    def _read(self):
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                key.data(key.fileobj.recv(65535))

    def _on_udp(self, packet):
        self._add(packet[28:], "udp")

    def _on_tcp(self, packet):
        payload = packet[20 + 4 * (packet[32] >> 4):]
        if len(payload) > 2:
            self._add(payload[2:], "tcp")

    def _add(self, wire, transport):
        try:
            asked = dns.message.from_wire(wire, question_only=True).question
        except dns.exception.DNSException:
            return  # the tail of a message cut over segments: its head named the question
        self._questions += [Question(q.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(q.rdtype),
                                     transport) for q in asked]


def _raw_socket(protocol):
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in ONLY_PORT_53))
    raw.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                   struct.pack("HL", len(ONLY_PORT_53), ctypes.addressof(code)))
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    return raw
