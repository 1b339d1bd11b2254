"""Keeps many policy connections busy, one request at a time on each, as Postfix's smtpd processes do.

Each request has an `instance` of its own, as each message has, so what the daemon remembers per message is exercised.
"""

import collections
import itertools
import selectors
import time

from .policy import attributes, connect, encode

INSTANCE = "INSTANCE"
PATIENCE = 30  # seconds for one reply


class Load:
    """Counts requests, replies and the first words of actions; `torn` says that a connection ended in mid-reply.

    As a context manager it waits for the last replies at its end.
    """

    def __init__(self, endpoint, credential, names, connections):
        self.requests = self.replies = 0
        self.actions = collections.Counter()
        self.torn = False
        self._templates = itertools.cycle(
            encode(attributes(credential, helo_name=name, instance=INSTANCE)).split(INSTANCE.encode())
            for name in names)
        self._selector = selectors.DefaultSelector()
        self._idle = [connect(endpoint) for _ in range(connections)]
        self._buffers = {connection: b"" for connection in self._idle}
        for connection in self._idle:
            self._selector.register(connection, selectors.EVENT_READ)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self._loop(lambda: True)
        for connection in self._buffers:
            connection.close()
        self._selector.close()

    def run_for(self, seconds):
        """Asks as fast as the replies come, for so long."""
        deadline = time.monotonic() + seconds
        self._loop(lambda: time.monotonic() > deadline, settle=False)

    def run(self, requests):
        """Asks that many requests and waits for the last reply."""
        last = self.requests + requests
        self._loop(lambda: self.requests >= last)

    def run_until_closed(self):
        """Asks until the server has closed every connection."""
        self._loop(lambda: not self._buffers, settle=False)

    def _loop(self, enough, settle=True):
        """Fills idle connections until enough() holds, then waits for what is outstanding if it is to settle."""
        while not (stop := enough()) or (settle and len(self._idle) < len(self._buffers)):
            while self._idle and not stop:
                self._ask(self._idle.pop())
                stop = enough()
            if not self._buffers:
                return  # the server closed the last one
            events = self._selector.select(PATIENCE)
            assert events, f"{self.requests - self.replies} replies are lost"
            for key, _ in events:
                self._read(key.fileobj)

    def _ask(self, connection):
        head, tail = next(self._templates)
        self.requests += 1
        try:
            connection.sendall(b"%s%x.%x.%x.0%s" % (head, self.requests, self.requests, self.requests, tail))
        except (BrokenPipeError, ConnectionResetError):
            self._drop(connection)

    def _read(self, connection):
        try:
            data = connection.recv(4096)
        except ConnectionResetError:
            data = b""
        if not data:
            self._drop(connection)
            return
        buffer = self._buffers[connection] + data
        if buffer.endswith(b"\n\n"):
            self.replies += 1
            self.actions[buffer.decode().split()[0].removeprefix("action=")] += 1
            self._idle.append(connection)
            buffer = b""
        self._buffers[connection] = buffer

    def _drop(self, connection):
        """The server closed it: no more requests there."""
        self.torn = self.torn or bool(self._buffers.pop(connection))
        if connection in self._idle:
            self._idle.remove(connection)
        self._selector.unregister(connection)
        connection.close()
