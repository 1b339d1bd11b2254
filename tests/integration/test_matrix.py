"""The main job: what a partner's zone holds x how the client proves its key x how it reaches Postfix.

Each case is one real SMTP session through Postfix, and one line in the report at the end of the run.
"""

import pytest

from lab import rpk
from lab.clients import COLUMNS, PORTS, connect
from lab.postfix import Listener, check
from lab.smtp import SocketClient

pytestmark = pytest.mark.matrix

ZONES = ("records", "alias", "nsec", "nsec3", "optout", "unsigned", "island", "broken", "expired", "silent", "servfail",
         "webwild", "device")
PASS, MISMATCH, UNUSABLE = ("pass", "match"), ("fail", "mismatch"), ("fail", "unusable")
NO_RECORD, INSECURE, BOGUS = ("none", "no-record"), ("none", "insecure"), ("temperror", "bogus")


def by_key(right, raw, other):
    """Expected verdicts in the order of COLUMNS: the three certificates over the right key, raw key, another key."""
    return [right, right, right, raw, other]


def alike(verdict):
    return [verdict] * len(COLUMNS)


KEY, CERTIFICATE = by_key(PASS, PASS, MISMATCH), by_key(PASS, UNUSABLE, MISMATCH)
CASES = {  # the client's name -> expected verdicts
    "mta1.ee-spki-sha256.records.example": KEY,
    "mta1.ee-spki-full.records.example": KEY,
    "mta1.ee-spki-rollover.records.example": KEY,
    "mta1.secure.alias.example": KEY,
    "mta1.large.records.example": KEY,
    "sensor7._device.device.example": KEY,
    "mta1.ee-cert-sha256.records.example": CERTIFICATE,
    "mta1.ee-cert-full.records.example": CERTIFICATE,
    "mta1.ee-spki-sha512.records.example": alike(UNUSABLE),
    "mta1.pkix-ta.records.example": alike(UNUSABLE),
    "mta1.pkix-ee.records.example": alike(UNUSABLE),
    "mta1.dane-ta.records.example": alike(UNUSABLE),
    "mta1.wrong-length.records.example": alike(UNUSABLE),
    "mta1.unknown-selector.records.example": alike(UNUSABLE),
    "mta1.unknown-matching.records.example": alike(UNUSABLE),
    "mta1.unknown-usage.records.example": alike(UNUSABLE),
    "any.webwild.example": alike(UNUSABLE),
    "any.alias.webwild.example": alike(UNUSABLE),
    "named.webwild.example": KEY,
    "mta1.absent.nsec.example": alike(NO_RECORD),
    "mta1.present.nsec.example": alike(NO_RECORD),
    "mta1.absent.nsec3.example": alike(NO_RECORD),
    "mta1.present.nsec3.example": alike(NO_RECORD),
    "mta1.present.optout.example": alike(NO_RECORD),
    # An opt-out span leaves room for an unsigned delegation (RFC 5155 section 9.2), never for a record of the zone.
    "mta1.absent.optout.example": alike(NO_RECORD),
    "mta1.unsigned.example": alike(INSECURE),
    "mta1.island.example": alike(INSECURE),
    "mta1.leaving.alias.example": alike(INSECURE),
    "mta1.broken.example": alike(BOGUS),
    "mta1.expired.example": alike(BOGUS),
    "mta1.silent.example": alike(("temperror", "dns-timeout")),
    "mta1.servfail.example": alike(("temperror", "dns-failure")),
}
REPLIES = {"pass": (250, "2.1.5"), "fail": (550, "5.7.1"), "none": (451, "4.4.3"), "temperror": (451, "4.4.3")}
TABLE = [pytest.param(name, column, port, verdict, id=f"{name}-{column}-{port}")
         for port in PORTS for name, verdicts in CASES.items() for column, verdict in zip(COLUMNS, verdicts)]


@pytest.fixture(scope="module")
def daemon(module_bench):
    """The partner's rule as the sample has it: refuse what is wrong on the client's side, defer the rest.

    One name stands there in full, in a file that is not prefetched: with one key for all the cases, a roster would know
    every client by it.
    """
    named = module_bench.place() / "named"
    named.write_text("named.webwild.example\n")
    return module_bench.started(
        service=[{"name": "smtp", "names": ["_smtp-client.{helo}"]}],
        rule=[{"name": "partner", "services": ["smtp"],
               "identities": [f"*.{zone}.example" for zone in ZONES], "identity-files": [str(named)]}])


@pytest.fixture(scope="module", autouse=True)
def postfix(module_bench, daemon):
    listeners = [Listener(address, number, {"smtpd_tls_wrappermode": "yes"} if tls == "wrapper" else {})
                 for address, number, tls in PORTS.values()]
    return module_bench.postfix(*listeners, **rpk.parameters(), smtpd_recipient_restrictions=", ".join(
        ["reject_unauth_destination", check(daemon.endpoint, "smtp")]))


@pytest.mark.parametrize("name, column, port, expected", TABLE)
def test_verdict(lab, daemon, name, column, port, expected):
    token = lab.token()
    with connect(column, port, name, lab.keys) as client:
        reply = client.send(f"{token}@partner.example", "b@example.net", data=False).rcpt[0]
    line = daemon.verdict(sender=f"{token}@partner.example", state="RCPT")
    lab.report.append(f"{name:40} {column:12} {port:9} {reply.code} {reply.enhanced:6} "
                      f"{line['result']} {line['reason']}")
    assert (line["result"], line["reason"]) == expected
    assert (reply.code, reply.enhanced) == REPLIES[line["result"]]
    assert line["identity"] == (name if expected == PASS else "")
    assert line["helo"] == name and line["rule"] == "partner"
    if expected == PASS:
        assert line["action"] == "tag" and line["dnssec"] == "secure"
    else:
        assert reply.ref == line["ref"], "the reply quotes the reference of the log line"


@pytest.mark.parametrize("port", PORTS)
def test_next_key_of_a_rollover(lab, daemon, port):
    """Both published keys are good while a rollover is under way."""
    address, number, tls = PORTS[port]
    with SocketClient(address, number, "mta1.ee-spki-rollover.records.example", tls, lab.keys.following) as client:
        assert client.send(f"{lab.token()}@partner.example", "b@example.net", data=False).rcpt[0].code == 250


def test_large_answer_came_by_tcp(lab):
    """The case of the large answer is one: the daemon had to fall back to TCP."""
    assert lab.dns.below("mta1.large.records.example", "tcp")
