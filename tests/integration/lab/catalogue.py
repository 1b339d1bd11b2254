"""What the partners' zones hold: the DNS side of every case that the tests judge.

`mta1.<label>.example` is the client's name throughout and `_smtp-client.` stands in front of it in DNS, so a name in
a log or a failure says which case it belongs to.
"""

from .internet import LEAVES, RELAY, SERVFAIL, SILENT
from .zone import Zone

LABEL = "_smtp-client"
LOAD_NAMES = [f"mta{number}.load.example" for number in range(50)]
HONEST_NAMES = [f"mta{number}.honest.example" for number in range(7000)]
SCATTERED_NAMES = [f"m{number}.scattered.example" for number in range(3000)]
RELAYED_NAMES = [f"mta{number}.relayed.example" for number in range(400)]
WRONG_LENGTH = -2  # two hexadecimal digits: one octet short


def owner(client):
    """Where a client's TLSA records stand."""
    return f"{LABEL}.{client}"


def record_cases(keys):
    """Label -> the TLSA records of `mta1.<label>.records.example`."""
    both = (keys.self_signed, keys.ca_trusted)
    return {
        "ee-spki-sha256": [keys.self_signed.tlsa(3, 1, 1)],
        "ee-spki-full": [keys.self_signed.tlsa(3, 1, 0)],
        "ee-spki-rollover": [keys.self_signed.tlsa(3, 1, 1), keys.following.tlsa(3, 1, 1)],
        "ee-cert-sha256": [each.tlsa(3, 0, 1) for each in both],
        "ee-cert-full": [each.tlsa(3, 0, 0) for each in both],
        "ee-spki-sha512": [keys.self_signed.tlsa(3, 1, 2)],
        "pkix-ta": [keys.ca.tlsa(0, 0, 1), keys.self_signed.tlsa(0, 1, 1)],
        "pkix-ee": [keys.ca_trusted.tlsa(1, 0, 1), keys.self_signed.tlsa(1, 1, 1)],
        "dane-ta": [keys.ca.tlsa(2, 0, 1), keys.self_signed.tlsa(2, 1, 1)],
        "wrong-length": [keys.self_signed.tlsa(3, 1, 1)[:WRONG_LENGTH]],
        "unknown-selector": [keys.self_signed.tlsa(3, 7, 1)],
        "unknown-matching": [keys.self_signed.tlsa(3, 1, 9)],
        "unknown-usage": [keys.self_signed.tlsa(9, 1, 1)],
        "large": [keys.self_signed.tlsa(3, 1, 1), *large_records(keys)],
    }


def large_records(keys):
    """Over 4 KB of well-formed `3 0 0` data: one certificate of some 1.3 KB, made different at its end."""
    head = keys.rsa.tlsa(3, 0, 0)
    return [f"{head[:-2]}{number:02x}" for number in range(4)]


def zones(keys):
    """Every leaf zone, ready to be served."""
    match = keys.self_signed.tlsa(3, 1, 1)
    records = Zone("records.example", LEAVES)
    for label, data in record_cases(keys).items():
        records.tlsa(owner(f"mta1.{label}.records.example"), *data)
    records.tlsa(owner("mta1.too-many.records.example"), *(f"{match[:-4]}{number:04x}" for number in range(65)))
    load = Zone("load.example", LEAVES)
    for name in LOAD_NAMES:
        load.tlsa(owner(name), match)
    return [records, load, *_denials(), *_aliases(match), *_faults(match), *_wildcards(match), *_partners(match),
            *_hostile(match)]


def _denials():
    """No TLSA record: `absent` has no name there at all (NXDOMAIN), `present` has one of another type (NODATA)."""
    for denial in ("nsec", "nsec3", "optout"):
        name = f"{denial}.example"
        yield Zone(name, LEAVES, denial=denial).set(owner(f"mta1.present.{name}"), "TXT", '"not a key"')


def _aliases(match):
    """CNAMEs that stay in signed zones, and that leave for an unsigned one."""
    alias = Zone("alias.example", LEAVES)
    alias.set(owner("mta1.secure.alias.example"), "CNAME", f"{owner('mta1.ee-spki-sha256.records.example')}.")
    alias.set(owner("mta1.leaving.alias.example"), "CNAME", f"{owner('mta1.unsigned.example')}.")
    unsigned = Zone("unsigned.example", LEAVES, signed=False)
    return alias, unsigned.tlsa(owner("mta1.unsigned.example"), match)


def _faults(match):
    """Zones that a validator cannot, or must not, believe."""
    faulty = [Zone("island.example", LEAVES, ds=False), Zone("broken.example", LEAVES, broken=True),
              Zone("expired.example", LEAVES, expired=True), Zone("silent.example", SILENT),
              Zone("servfail.example", SERVFAIL)]
    return [zone.tlsa(owner(f"mta1.{zone.name}"), match) for zone in faulty]


def _wildcards(match):
    """A web-style wildcard above the service label, one behind an alias, and the device format's own."""
    web = Zone("webwild.example", LEAVES).tlsa("*.webwild.example", match)
    web.set("*.alias.webwild.example", "CNAME", f"{owner('mta1.ee-spki-sha256.records.example')}.")
    return web, Zone("device.example", LEAVES).tlsa("*._device.device.example", match)


def _partners(match):
    """Plain zones that the tests of rules, relay, rollover and recorded requests use."""
    acme = Zone("acme.example", LEAVES).tlsa(owner("mta1.acme.example"), match)
    branch = Zone("branch.example", LEAVES).tlsa(owner("office.branch.example"), match)
    roll = Zone("roll.example", LEAVES, negative_ttl=3600)
    ending = Zone("ending.example", LEAVES)  # signatures that end soon, once a test says when
    return acme, branch, roll, ending, Zone("roster.example", LEAVES), Zone("partner.example", LEAVES)


def _hostile(match):
    """For test_hostile.py: a zone with thousands of names, with a sub-zone at a silent server; one behind the relay; one
    that costs its validator much: a dozen keys, a dozen wrong signatures to a record set, NSEC3 with 150 iterations;
    one that does so by colliding key tags, for each name below it, while it answers for itself; and one that has given
    each name below it to a silent server.
    """
    honest = Zone("honest.example", LEAVES)
    for name in HONEST_NAMES:
        honest.tlsa(owner(name), match)
    honest.set("slow.honest.example", "NS", "ns.slow.honest.example.").set("ns.slow.honest.example", "A", SILENT)
    relayed = Zone("relayed.example", LEAVES, via=RELAY)
    for name in RELAYED_NAMES:
        relayed.tlsa(owner(name), match, ttl=30)
    costly = Zone("costly.example", LEAVES, keys=12, broken=True, iterations=150)
    for number in range(50):
        costly.tlsa(owner(f"mta{number}.costly.example"), match)
    trap = Zone("trap.example", LEAVES, trap=48).tlsa("*.trap.example", match)
    scattered = Zone("scattered.example", LEAVES, denial="optout").set("ns.away.scattered.example", "A", SILENT)
    for name in SCATTERED_NAMES:
        scattered.set(name, "NS", "ns.away.scattered.example.")
    chaos = Zone("chaos.example", LEAVES, via=RELAY)
    for number in range(30):
        chaos.tlsa(owner(f"mta{number}.chaos.example"), match, ttl=20)
    return honest, relayed, costly, trap, scattered, chaos
