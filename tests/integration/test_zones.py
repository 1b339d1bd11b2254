"""The lab's zones are what their names say, in the eyes of a validator that is not danegate (unbound-host)."""

import pytest

from lab.catalogue import owner
from lab.internet import ROOT
from lab.procs import run

CASES = [  # client name, security state, what the answer says
    ("mta1.ee-spki-sha256.records.example", "secure", "has TLSA record"),
    ("mta1.large.records.example", "secure", "has TLSA record"),
    ("mta1.secure.alias.example", "secure", "is an alias for"),
    ("mta1.leaving.alias.example", "insecure", "is an alias for"),
    ("any.webwild.example", "secure", "has TLSA record"),
    ("mta1.absent.nsec.example", "secure", "NXDOMAIN"),
    ("mta1.present.nsec.example", "secure", "has no TLSA record"),
    ("mta1.absent.nsec3.example", "secure", "NXDOMAIN"),
    ("mta1.present.nsec3.example", "secure", "has no TLSA record"),
    ("mta1.absent.optout.example", "insecure", "NXDOMAIN"),
    ("mta1.present.optout.example", "secure", "has no TLSA record"),
    ("mta1.unsigned.example", "insecure", "has TLSA record"),
    ("mta1.island.example", "insecure", "has TLSA record"),
    ("mta1.broken.example", "BOGUS", "has TLSA record"),
    ("mta1.expired.example", "BOGUS", "has TLSA record"),
    ("mta1.servfail.example", "", "SERVFAIL"),
]


@pytest.fixture(scope="module")
def validator(lab):
    """Runs unbound-host on the private root; returns its output for one name's TLSA records."""
    config = lab.folder / "unbound-host.conf"
    config.write_text(f'server:\n trust-anchor-file: "{lab.internet.anchor}"\n do-not-query-localhost: no\n'
                      f' module-config: "validator iterator"\nstub-zone:\n name: "."\n stub-addr: {ROOT}\n')
    return lambda name: run("unbound-host", "-C", config, "-v", "-t", "TLSA", name).decode()


@pytest.mark.parametrize("client, state, text", CASES, ids=[case[0] for case in CASES])
def test_state(validator, client, state, text):
    output = validator(owner(client))
    assert text in output
    assert f"({state}" in output or not state


def test_device_wildcard(validator):
    assert "(secure)" in validator("sensor7._device.device.example")


def test_large_answer_needs_tcp(lab, validator):
    lab.dns.forget()
    validator(owner("mta1.large.records.example"))
    assert lab.dns.below("mta1.large.records.example", "tcp")


def test_published_at_once(lab, validator):
    """A change is served before publish() returns; rollover tests count on it."""
    lab.publish("roll.example", "fresh.roll.example", lab.keys.other.tlsa(3, 1, 1))
    assert lab.keys.other.tlsa(3, 1, 1).split()[-1] in validator(owner("fresh.roll.example")).lower()
