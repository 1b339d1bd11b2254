"""What the chaos tier needs: the history of the zone's data, its judge, and steady policy clients that note every request.

The clients that send mail, and those that speak to the milter, are in lab/chaos_mail.py.
"""

import collections
import contextlib
import random
import threading
import time
from dataclasses import dataclass

from .policy import PolicyClient

PATIENCE = 20  # seconds: longer than any verdict may take


@dataclass(frozen=True)
class Asked:
    """One request and what became of it. `name` is who must have been authenticated for a pass; `action` is DUNNO for a
    pass, begins with the reply's code otherwise, and is None where the connection was closed instead.
    """

    name: str
    key: str
    sent: float
    over: float
    action: str | None

    @property
    def passed(self):
        return self.action == "DUNNO"

    @property
    def refused(self):
        return self.action is not None and self.action.startswith("5")


@dataclass(frozen=True)
class Peer:
    """Who asks: with one of these keys, by name of the key; `name` stands in the zone, `helo` and `sender` are said."""

    name: str
    keys: tuple
    helo: str
    sender: str


class History:
    """Which key stood in the zone for each name, and when. Times are those of time.monotonic()."""

    def __init__(self):
        self._spans = collections.defaultdict(list)

    def begin(self, name, key):
        """From about now on; the span of the key before is over when over() is called."""
        self._spans[name].append([key, time.monotonic(), float("inf")])

    def over(self, name):
        """The key before the last one is served nowhere any more."""
        if len(self._spans[name]) > 1:
            self._spans[name][-2][2] = time.monotonic()

    def justifies(self, asked, lifetime):
        """Could an answer that served then have said this? A pass needs this key in the zone, a refusal another one."""
        if not (asked.passed or asked.refused):
            return True
        return any((key == asked.key) == asked.passed and begun <= asked.over and ended >= asked.sent - lifetime
                   for key, begun, ended in self._spans[asked.name])

    def spans(self, asked):
        """For whoever reads a failure: which key stood in the zone, in seconds before and after the request."""
        return " ".join(f"{key}:{begun - asked.sent:+.1f}..{ended - asked.sent:+.1f}"
                        for key, begun, ended in self._spans[asked.name])

    def unjustified(self, requests, lifetime):
        return [each for each in requests if not self.justifies(each, lifetime)]


class Load:
    """Threads that ask until stop(). A subclass has _run(number, choose), which asks for a while and returns; OSError
    says that nobody listens just now. What no peer may do to us ends the thread and is in `failures`.
    """

    def __init__(self, count, seed):
        self.asked, self.lost, self.failures, self.refused = [], [], [], 0
        self.stopping = threading.Event()
        self._threads = [threading.Thread(target=self._loop, args=(number, random.Random(f"{seed} {number}")), daemon=True)
                         for number in range(count)]
        for thread in self._threads:
            thread.start()

    def _loop(self, number, choose):
        try:
            while not self.stopping.is_set():
                try:
                    self._run(number, choose)
                except OSError:
                    self.refused += 1
                    time.sleep(0.05)
        except Exception as error:  # the test wants to see it
            self.failures.append(f"{type(self).__name__} {number}: {error!r}")

    def stop(self):
        self.stopping.set()
        for thread in self._threads:
            thread.join(3 * PATIENCE)
            assert not thread.is_alive(), f"a thread of {type(self).__name__} hangs"

    def summary(self):
        return (f"{type(self).__name__}: {len(self.asked)} requests: {dict(counts(self.asked))}; {len(self.lost)} lost; "
                f"{self.refused} times nobody listened")


class PolicyCrowd(Load):
    """Each has one connection, and opens another when that is closed."""

    def __init__(self, endpoint, keys, peers, count, seed):
        self._endpoint, self._keys, self._peers = endpoint, keys, peers
        super().__init__(count, seed)

    def _run(self, number, choose):
        with PolicyClient(self._endpoint, PATIENCE) as client:
            while not self.stopping.is_set() and self._ask(client, choose, number) is not None:
                time.sleep(0.02)

    def _ask(self, client, choose, number):
        peer = choose.choice(self._peers)
        key = choose.choice(peer.keys)
        sent, action = time.monotonic(), None
        try:
            with contextlib.suppress(ConnectionError):
                action = client.ask(self._keys[key], helo_name=peer.helo, sender=peer.sender,
                                    client_address=f"192.0.2.{number}", instance=f"{number}.{sent}")
        except TimeoutError:
            self.lost.append((peer.name, sent))
            raise
        self.asked.append(Asked(peer.name, key, sent, time.monotonic(), action))
        return action


def counts(asked):
    """Replies by their first two words; `closed` where there was none."""
    return collections.Counter("closed" if each.action is None else " ".join(each.action.split()[:2])
                               if each.action[0].isdigit() else each.action.split()[0] for each in asked)
