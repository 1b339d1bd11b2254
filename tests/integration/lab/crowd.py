"""Crowds of policy clients: attackers that ask again and again, and honest ones whose replies are timed.

The honest ones are a process of their own (`Honest`), so that what the attackers cost Python does not show in their
times. They ask at a fixed pace, one request at a time, the fifty connections in turn.
"""

import collections
import contextlib
import json
import os
import random
import selectors
import subprocess
import sys
import time
from pathlib import Path

from .policy import attributes, connect, encode


def percentile(values, share):
    """The value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def address(number, network=100):
    """One of many client addresses."""
    return f"{network}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@contextlib.contextmanager
def behind_everybody():
    """What this process does meanwhile waits until nobody else on this machine wants a processor: attackers have
    machines of their own, and what it costs to play them is not what they cost."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, 19)
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, before)


class Attackers:
    """`count` connections, each a client of its own unless `client` is given; each asks for the next of `names`, waits
    for its reply, pauses, and asks again, while run() is called. Pauses differ, so that the crowd does not move in step.
    Counts replies by their first two words, and keeps the longest wait.
    """

    def __init__(self, endpoint, credential, names, count, client=None, pause=1.0):
        self.replies, self.longest, self.closed = collections.Counter(), 0.0, 0
        self._names, self._pause = names, pause
        self._selector = selectors.DefaultSelector()
        self._began, self._next = {}, []
        self._requests = {}
        for number in range(count):
            connection = connect(endpoint)
            self._selector.register(connection, selectors.EVENT_READ)
            self._requests[connection] = encode(attributes(
                credential, helo_name="HELO", client_address=client or address(number),
                sender="a@acme.example", instance=f"x.{number}")).split(b"HELO")
            self._next.append((time.monotonic() + self._pause * random.random(), connection))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection in self._requests:
            connection.close()
        self._selector.close()

    def run(self, seconds):
        end = time.monotonic() + seconds
        with behind_everybody():
            while (now := time.monotonic()) < end:
                due = [connection for at, connection in self._next if at <= now]
                self._next = [(at, connection) for at, connection in self._next if at > now]
                for connection in due:
                    self._ask(connection)
                self._read(0.01)

    def settle(self, seconds):
        """Waits for the replies that are still due; True if all came."""
        end = time.monotonic() + seconds
        with behind_everybody():
            while self._began and time.monotonic() < end:
                self._read(0.05)
        return not self._began

    def _ask(self, connection):
        head, tail = self._requests[connection]
        connection.sendall(head + next(self._names).encode() + tail)
        self._began[connection] = time.monotonic()

    def _read(self, timeout):
        for key, _ in self._selector.select(timeout):
            data, now = key.fileobj.recv(4096), time.monotonic()
            if not data:
                self.closed += 1
                self._selector.unregister(key.fileobj)
                self._began.pop(key.fileobj, None)
                continue
            assert data.endswith(b"\n\n"), data
            self.replies[" ".join(data.decode().removeprefix("action=").split()[:2])] += 1
            self.longest = max(self.longest, now - self._began.pop(key.fileobj))
            self._next.append((now + self._pause * (0.5 + random.random()), key.fileobj))


class Honest:
    """Fifty honest clients. measure() returns {"cached": [...], "uncached": [...]}, lists of (seconds, action)."""

    def __init__(self, endpoint, credential, cached, uncached, pace=0.004):
        setup = {"endpoint": endpoint, "cached": cached, "uncached": uncached, "pace": pace,
                 "request": attributes(credential, helo_name="HELO", client_address="ADDRESS")}
        self._process = subprocess.Popen([sys.executable, "-m", "lab.crowd"], cwd=Path(__file__).parents[1],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._say(setup)
        assert self._hear() == "ready"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(30)

    def begin(self, seconds):
        """Starts to measure for so long; result() waits for it."""
        self._say(seconds)

    def result(self):
        return self._hear()

    def measure(self, seconds):
        self.begin(seconds)
        return self.result()

    def _say(self, message):
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def _hear(self):
        return json.loads(self._process.stdout.readline())


def _serve():
    """The process of Honest."""
    setup = json.loads(sys.stdin.readline())
    template = encode(setup["request"]).decode()
    clients = []
    for number in range(50):
        request = template.replace("ADDRESS", address(number, 101))
        clients.append((connect(setup["endpoint"]), request.split("HELO")))
    names = {"cached": iter([]), "uncached": iter(setup["uncached"])}

    def ask(turn, name):
        connection, (head, tail) = clients[turn % len(clients)]
        began = time.perf_counter()
        connection.sendall((head + name + tail).encode())
        reply = connection.recv(4096)
        assert reply.endswith(b"\n\n"), reply
        return time.perf_counter() - began, reply.decode().removeprefix("action=").strip()

    for turn, name in enumerate(setup["cached"]):
        ask(turn, name)
    print(json.dumps("ready"), flush=True)
    turn = 0
    for line in sys.stdin:
        end, result = time.monotonic() + json.loads(line), {"cached": [], "uncached": []}
        while time.monotonic() < end:
            turn += 1
            kind = "uncached" if turn % 3 == 0 and setup["uncached"] else "cached"
            name = next(names[kind]) if kind == "uncached" else setup["cached"][turn % len(setup["cached"])]
            result[kind].append(ask(turn, name))
            time.sleep(setup["pace"])
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    _serve()
