"""One DNS zone of the lab: its records, how it is signed, and how the signing is spoilt where a case needs that.

Signing is done offline by ldns (ECDSA P-256, one key as KSK and ZSK), so what a validator sees was made by a tool
that shares no code with danegate.
"""

import itertools
import re
import time
from dataclasses import dataclass, field

from . import keytrap
from .procs import run

DENIAL_OPTIONS = {"nsec": [], "nsec3": ["-n", "-t", "0"], "optout": ["-n", "-p", "-t", "0"]}
LONG_AGO = ["-i", "20190101000000", "-e", "20200101000000"]


@dataclass
class Zone:
    """A zone and the address of the server that has it. `ds`: does the parent vouch for it. `via`: the address that the
    world is told, where that is a relay in front of the server. `keys`: how many sign it, RSA where they are several.
    `broken`: the signatures over TLSA and denials are wrong. `iterations`: of NSEC3. `trap`: as many keys more, of
    one key tag, and as many wrong signatures by them to each set of TLSA records."""

    name: str
    server: str
    denial: str = "nsec"
    signed: bool = True
    ds: bool = True
    expired: bool = False
    broken: bool = False
    expires_in: int = 0  # seconds that signatures live from each write() on; 0: ldns's default, weeks
    negative_ttl: int = 300
    via: str = ""
    keys: int = 1
    iterations: int = 0
    trap: int = 0
    records: dict = field(default_factory=dict)

    def __post_init__(self):
        self._serials = itertools.count(1)
        self.serial = 0
        self.key = None
        self.more_keys = []

    def set(self, owner, rrtype, *data, ttl=3600):
        """Replaces the record set at `owner` (a full name without its last dot); no data removes it."""
        if data:
            self.records[owner, rrtype] = (ttl, data)
        else:
            self.records.pop((owner, rrtype), None)
        return self

    def tlsa(self, owner, *data, ttl=3600):
        """Replaces the TLSA records at `owner`."""
        return self.set(owner, "TLSA", *data, ttl=ttl)

    def make_key(self, folder):
        """Makes the zone's signing key in `folder`, once."""
        if self.signed and self.key is None:
            kind = ["ECDSAP256SHA256"] if self.keys == 1 else ["RSASHA256", "-b", "2048"]
            self.key, *self.more_keys = [
                folder / run("ldns-keygen", "-a", *kind, "-k", "-r", "/dev/urandom", self.fqdn, cwd=folder)
                .decode().strip() for _ in range(self.keys)]

    @property
    def fqdn(self):
        return self.name.rstrip(".") + "."

    @property
    def nameserver(self):
        return f"ns.{self.fqdn}" if self.name != "." else "ns."

    def public_key(self):
        """The DNSKEY record in presentation form: a trust anchor."""
        return self.key.with_name(self.key.name + ".key").read_text()

    def delegation(self):
        """What the parent publishes about this zone: (owner, type, data) with glue, and the DS where it vouches."""
        yield self.name, "NS", self.nameserver
        yield self.nameserver.rstrip("."), "A", self.via or self.server
        if self.signed and self.ds:
            line = self.key.with_name(self.key.name + ".ds").read_text()
            yield self.name, "DS", line.split("DS", 1)[1].strip()

    def write(self, folder):
        """Writes the zone file that the server loads, signed where the zone is, under a new serial."""
        self.serial = next(self._serials)
        base = self.name if self.name != "." else "root"
        plain, served = folder / f"{base}.zone", folder / f"{base}.served"
        plain.write_text(self._text())
        if not self.signed:
            served.write_text(plain.read_text())
            return
        denial = ["-n", "-t", str(self.iterations)] if self.iterations else DENIAL_OPTIONS[self.denial]
        run("ldns-signzone", *denial, *(LONG_AGO if self.expired else self._lifetime()),
            "-o", self.fqdn, "-f", served, plain, self.key, *self.more_keys, cwd=folder)
        if self.broken:
            served.write_text(_break_signatures(served.read_text()))
        if self.trap:
            served.write_text(keytrap.spring(served.read_text(), self.trap))

    def _lifetime(self):
        if not self.expires_in:
            return []
        times = (time.time() - 3600, time.time() + self.expires_in)
        begin, end = (time.strftime("%Y%m%d%H%M%S", time.gmtime(each)) for each in times)
        return ["-i", begin, "-e", end]

    def _text(self):
        lines = [f"{self.fqdn} 3600 IN SOA {self.nameserver} {self.nameserver} {self.serial} 3600 600 86400 "
                 f"{self.negative_ttl}",
                 f"{self.fqdn} 3600 IN NS {self.nameserver}",
                 f"{self.nameserver} 3600 IN A {self.via or self.server}"]
        lines += [f"{self.fqdn} 3600 IN DNSKEY {key}" for key in keytrap.keys(self.trap)]
        for (owner, rrtype), (ttl, data) in self.records.items():
            lines += [f"{owner.rstrip('.')}. {ttl} IN {rrtype} {item}" for item in data]
        return "\n".join(lines) + "\n"


def _break_signatures(text):
    """Changes one character in the middle of every signature over TLSA and NSEC3: well-formed still, and wrong."""
    def spoil(match):
        head, signature = match.groups()
        middle = len(signature) // 2
        return head + signature[:middle] + ("A" if signature[middle] != "A" else "B") + signature[middle + 1:]
    return re.sub(r"(?m)^(\S+\s\d+\sIN\sRRSIG\s(?:TLSA|NSEC3) .* )(\S+)\s*$", spoil, text)
