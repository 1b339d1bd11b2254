"""Name servers that misbehave: one takes every question and never answers, one answers every question with SERVFAIL, and
a relay does whatever a test wants.
"""

import contextlib
import heapq
import itertools
import selectors
import socket
import threading
import time

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype


def _sockets(address):
    datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagram.bind((address, 53))
    stream = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    stream.bind((address, 53))
    stream.listen(64)
    return datagram, stream


class SilentServer:
    """UDP questions stay in the socket; TCP connections are completed by the kernel and never read."""

    def __init__(self, address):
        self._sockets = _sockets(address)

    def stop(self):
        for each in self._sockets:
            each.close()


class ServfailServer:
    """Answers SERVFAIL over UDP and TCP, from a thread of its own."""

    def __init__(self, address):
        self._datagram, self._stream = _sockets(address)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._datagram, selectors.EVENT_READ, self._on_datagram)
        self._selector.register(self._stream, selectors.EVENT_READ, self._on_connection)
        self._wake, waker = socket.socketpair()
        self._selector.register(waker, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                key.data()

    def _on_datagram(self):
        question, peer = self._datagram.recvfrom(4096)
        self._datagram.sendto(_refusal(question), peer)

    def _on_connection(self):
        connection, _ = self._stream.accept()
        with connection:
            connection.settimeout(1)
            try:
                question = connection.recv(4096)[2:]
                answer = _refusal(question)
                connection.sendall(len(answer).to_bytes(2, "big") + answer)
            except (OSError, ValueError):
                return  # the client hung up: nothing to answer

    def stop(self):
        self._wake.send(b"x")
        self._thread.join()
        for each in (self._datagram, self._stream, self._wake):
            each.close()


def _refusal(question):
    answer = dns.message.make_response(dns.message.from_wire(question))
    answer.set_rcode(dns.rcode.SERVFAIL)
    return answer.to_wire()


class Relay:
    """Hands UDP questions on to another server, from a thread of its own, and its answers back: `delay` seconds later,
    with wrong signatures while `bogus`, and not at all while `stalled`. TCP connections are never read.
    """

    def __init__(self, address, server):
        self.stalled, self.bogus, self.delay = False, False, 0.0
        self._address, self._server = address, server
        self.start()

    def start(self):
        """Also after stop()."""
        self._datagram, self._stream = _sockets(self._address)
        self._datagram.settimeout(0.02)
        self._waiting, self._order = [], itertools.count()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def restore(self):
        """Answers as the server does."""
        self.stalled, self.bogus, self.delay = False, False, 0.0

    def _serve(self):
        while not self._stopped.is_set():
            with contextlib.suppress(OSError):  # nothing came within its timeout
                question, peer = self._datagram.recvfrom(4096)
                if not self.stalled:
                    self._take(question, peer)
            while self._waiting and self._waiting[0][0] <= time.monotonic():
                _, _, answer, peer = heapq.heappop(self._waiting)
                self._datagram.sendto(answer, peer)

    def _take(self, question, peer):
        with contextlib.suppress(dns.exception.DNSException, OSError):
            answer = dns.query.udp(dns.message.from_wire(question), self._server, timeout=1)
            if self.bogus:
                _spoil(answer)
            due = time.monotonic() + self.delay
            heapq.heappush(self._waiting, (due, next(self._order), answer.to_wire(), peer))

    def stop(self):
        assert self._thread.is_alive(), "the relay has failed: see the warnings"
        self._stopped.set()
        self._thread.join()
        for each in (self._datagram, self._stream):
            each.close()


def _spoil(message):
    """Makes every signature wrong."""
    for rrset in message.answer + message.authority:
        if rrset.rdtype == dns.rdatatype.RRSIG:
            wrong = [each.replace(signature=bytes(octet ^ 1 for octet in each.signature)) for each in rrset]
            rrset.clear()
            for each in wrong:
                rrset.add(each)
