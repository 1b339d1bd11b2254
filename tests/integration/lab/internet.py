"""The lab's Internet: a private signed root, `example.` and the zones of every case, on real name servers.

    127.0.0.1  NSD   .            the only address that danegated is told (a stub zone for the root)
    127.0.0.2  NSD   example.
    127.0.0.3  NSD   the zones of the cases (lab/catalogue.py)
    127.0.0.9  takes questions, never answers          127.0.0.10  answers SERVFAIL
    127.0.0.11 a relay in front of 127.0.0.3 that a test may stall, slow down, or have lie (`relay`)
"""

import contextlib

from .badservers import Relay, ServfailServer, SilentServer
from .nsd import Nsd
from .zone import Zone

ROOT, TLD, LEAVES, SILENT, SERVFAIL = "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.9", "127.0.0.10"
RELAY = "127.0.0.11"


class Internet:
    """Starts every server; `anchor` is the file with the root's key, `zones` maps names to Zone objects."""

    def __init__(self, folder, leaves):
        self.folder = folder
        folder.mkdir()
        keys = folder / "keys"
        keys.mkdir()
        root, example = Zone(".", ROOT), Zone("example", TLD)
        self.zones = {zone.name: zone for zone in [root, example, *leaves]}
        for zone in self.zones.values():
            zone.make_key(keys)
        for parent, children in ((root, [example]), (example, leaves)):
            for child in children:
                for owner, rrtype, data in child.delegation():
                    parent.set(owner, rrtype, data)
        self.anchor = folder / "root.key"
        self.anchor.write_text(root.public_key())
        self.relay = Relay(RELAY, LEAVES)
        self._bad = [SilentServer(SILENT), ServfailServer(SERVFAIL), self.relay]
        self._servers = {address: Nsd(address, folder / name, [z for z in self.zones.values() if z.server == address])
                         for address, name in ((ROOT, "root"), (TLD, "tld"), (LEAVES, "leaves"))}

    def publish(self, zone):
        """Serves the zone's present records from now on."""
        self._servers[zone.server].publish(zone)

    @contextlib.contextmanager
    def cut_off(self):
        """No name server answers anything inside the with-block."""
        try:
            for server in self._servers.values():
                server.silence()
            yield
        finally:
            for server in self._servers.values():
                server.resume()

    def stop(self):
        for server in [*self._servers.values(), *self._bad]:
            server.stop()
