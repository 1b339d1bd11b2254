"""The signed zones behind answers.txt and authority.txt: what they hold, and how ldns signs them."""

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

KEY = "3 1 1 " + "ab" * 32
NEXT = "3 1 1 " + "cd" * 32
DENIAL = {"nsec": [], "nsec3": ["-n", "-t", "0"], "optout": ["-n", "-p", "-t", "0"]}
ALWAYS = ["-i", "20200101000000", "-e", "20850101000000"]  # at most 68 years ahead of now (RFC 4034 section 3.1.5)
LONG_AGO = ["-i", "20190101000000", "-e", "20200101000000"]
FAR_AHEAD = ["-i", "20840101000000", "-e", "20850101000000"]


@dataclass
class Zone:
    """One zone. `parent` gets its delegation, with a DS unless the zone is an island or unsigned."""

    name: str
    records: str = ""
    parent: str = "example."
    denial: str = "nsec"
    signed: bool = True
    island: bool = False
    dates: list = field(default_factory=lambda: ALWAYS)
    spoilt: str = ""  # owner whose TLSA signature is broken after signing
    minimum: int = 300

    def make_key(self, folder):
        """Makes the signing key, and remembers its DNSKEY and DS lines."""
        if not self.signed:
            return
        base = _run(folder, "ldns-keygen", "-a", "ECDSAP256SHA256", "-k", "-r", "/dev/urandom", self.name).strip()
        self.key = base
        self.dnskey = (folder / f"{base}.key").read_text().split(";")[0].strip()
        self.ds = (folder / f"{base}.ds").read_text().split("DS", 1)[1].strip()

    def write(self, folder, children):
        """Writes and signs the zone file that the server loads; returns its name."""
        lines = [f"@ 3600 IN SOA ns.{self.name.lstrip('.')} hostmaster.{self.name.lstrip('.')} 1 3600 600 86400 "
                 f"{self.minimum}", f"@ 3600 IN NS ns.{self.name.lstrip('.')}",
                 f"ns.{self.name.lstrip('.')} 3600 IN A 127.0.0.1"]
        for child in children:
            lines += [f"{child.name} 3600 IN NS ns.{child.name}", f"ns.{child.name} 3600 IN A 127.0.0.1"]
            if child.signed and not child.island:
                lines.append(f"{child.name} 3600 IN DS {child.ds}")
        text = f"$ORIGIN {self.name}\n$TTL 3600\n" + "\n".join(lines) + "\n" + self.records
        plain = folder / f"{self.name}zone"
        plain.write_text(text)
        if not self.signed:
            return plain.name
        served = folder / f"{self.name}signed"
        _run(folder, "ldns-signzone", *DENIAL[self.denial], *self.dates, "-o", self.name, "-f", served.name, plain.name,
             self.key)
        if self.spoilt:
            served.write_text(_spoil(served.read_text(), self.spoilt))
        return served.name


def _run(folder, *command):
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def _spoil(text, owner):
    """Changes one character in the middle of the owner's TLSA signature: well-formed still, and wrong."""
    def change(match):
        head, signature = match.groups()
        middle = len(signature) // 2
        return head + signature[:middle] + ("A" if signature[middle] != "A" else "B") + signature[middle + 1:]
    changed, count = re.subn(rf"(?m)^({re.escape(owner)}\s\d+\sIN\sRRSIG\sTLSA .* )(\S+)\s*$", change, text)
    assert count == 1, f"{owner}: {count} signatures"
    return changed


def _bulk(owner, ttl, count, octets):
    """`count` well-formed 3 0 0 records of `octets` octets each."""
    return "".join(f"{owner} {ttl} IN TLSA 3 0 0 {number:04x}{'5a' * (octets - 2)}\n" for number in range(count))


PARTNER = f"""
_smtp-client.one 1800 IN TLSA {KEY}
_smtp-client.two 900 IN TLSA {KEY}
_smtp-client.two 900 IN TLSA {NEXT}
_smtp-client.text 900 IN TXT "not a key"
_smtp-client.alias 600 IN CNAME _smtp-client.one
_smtp-client.chain 2000 IN CNAME _smtp-client.alias
_smtp-client.abroad 3600 IN CNAME _smtp-client.three.nsec3.example.
_smtp-client.leaving 3600 IN CNAME _smtp-client.mta.unsigned.example.
_smtp-client.to-nothing 120 IN CNAME _smtp-client.nothing
_smtp-client.to-text 120 IN CNAME _smtp-client.text
_smtp-client.to-bogus 120 IN CNAME _smtp-client.mta.expired.example.
_smtp-client.to-optout 120 IN CNAME _smtp-client.nothing.optout.example.
_smtp-client.loop 120 IN CNAME _smtp-client.pool
_smtp-client.pool 120 IN CNAME _smtp-client.loop
_smtp-client.odd 120 IN CNAME odd\\.dot\\000\\255.device
odd\\.dot\\000\\255.device 120 IN TLSA {KEY}
_smtp-client.bulk 1200 IN CNAME bulk
moved 700 IN DNAME target
_smtp-client.mta.target 1500 IN TLSA {KEY}
*._device 1500 IN TLSA {KEY}
*.web 1500 IN TLSA {KEY}
*.alias-web 1500 IN CNAME _smtp-client.one
*._device.wild-target 1500 IN TLSA {KEY}
_smtp-client.to-device 1500 IN CNAME printer._device.wild-target
_smtp-client.to-web 1500 IN CNAME any.web
literal.*.web 1500 IN TXT "makes the asterisk an empty non-terminal"
""" + _bulk("bulk", 1200, 5, 1200) + _bulk("_smtp-client.many", 1200, 200, 32)


def all_zones():
    """Parents stand before their children."""
    return [
        Zone(".", parent=""),
        Zone("example.", parent="."),
        Zone("partner.example.", PARTNER),
        Zone("longminimum.example.", minimum=86400),
        Zone("nsec3.example.", f"_smtp-client.three 1000 IN TLSA {KEY}\n*._device 1500 IN TLSA {KEY}\n"
                               '_smtp-client.text 900 IN TXT "not a key"\n', denial="nsec3"),
        Zone("optout.example.", f"_smtp-client.mta 1000 IN TLSA {KEY}\n*._device 1500 IN TLSA {KEY}\n"
                                '_smtp-client.text 900 IN TXT "not a key"\n', denial="optout"),
        Zone("sub.optout.example.", f"_smtp-client.mta 1000 IN TLSA {KEY}\n", parent="optout.example.", signed=False),
        Zone("optisland.example.", f"_smtp-client.mta 1000 IN TLSA {KEY}\n", denial="optout", island=True),
        Zone("unsigned.example.", f"_smtp-client.mta 1000 IN TLSA {KEY}\n"
                                  "_smtp-client.back 1000 IN CNAME _smtp-client.one.partner.example.\n", signed=False),
        Zone("island.example.", f"_smtp-client.mta 1000 IN TLSA {KEY}\n", island=True),
        Zone("expired.example.", f"_smtp-client.mta 1000 IN TLSA {KEY}\n", dates=LONG_AGO),
        Zone("future.example.", f"_smtp-client.mta 1000 IN TLSA {KEY}\n", dates=FAR_AHEAD),
        Zone("broken.example.", f"_smtp-client.mta 1000 IN TLSA {KEY}\n", spoilt="_smtp-client.mta.broken.example."),
    ]


def write_all(folder):
    """Writes every zone into `folder`; returns the zones and the name of each one's served file."""
    folder = Path(folder)
    zones = all_zones()
    for zone in zones:
        zone.make_key(folder)
    files = {zone.name: zone.write(folder, [each for each in zones if each.parent == zone.name]) for zone in zones}
    return zones, files
