"""Policy connections that are opened when the run starts and left alone while the other tests run.

`kept` has had one reply; `silent` never wrote; `partial` stopped in mid-request. A thread notes when the server closes
one, so a test at the end of the run can wait for what is left of six minutes instead of all of them.
"""

import selectors
import socket
import threading
import time

from .policy import PolicyClient, attributes, encode

NAMES = ("kept", "silent", "partial")


class IdleWatch:
    """Needs a daemon with the default policy.idle-timeout; makes one on the bench."""

    def __init__(self, bench):
        self.daemon = bench.started()
        self.clients = {name: PolicyClient(self.daemon.endpoint) for name in NAMES}
        assert self.clients["kept"].ask(), "a reply before the long wait"
        self.clients["partial"].write(encode(attributes())[:100])
        self.opened = time.monotonic()
        self.closed_after = {}
        self._wake, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self):
        """Ends the watch; the connections can be used again, or dropped."""
        self._wake.close()
        self._thread.join()
        for client in self.clients.values():
            client.close()

    def wait_for(self, seconds):
        """Returns when the connections have been idle for that long."""
        time.sleep(max(0.0, self.opened + seconds - time.monotonic()))

    def _watch(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self._waker, selectors.EVENT_READ)
            for name in ("silent", "partial"):
                selector.register(self.clients[name].socket, selectors.EVENT_READ, name)
            while True:
                for key, _ in selector.select():
                    if key.data is None:
                        return
                    self.closed_after[key.data] = time.monotonic() - self.opened
                    selector.unregister(key.fileobj)
