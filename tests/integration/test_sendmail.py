"""A real Sendmail, which has no policy protocol: the milter has its evidence in macros, and enforces every rule."""

import re

import pytest

from lab.sendmail import Port
from lab.smtp import SocketClient

HELO = "mta1.ee-cert-sha256.records.example"  # publishes both of the right key's certificates as 3 0 1
KEY_ONLY = "mta1.ee-spki-sha256.records.example"  # 3 1 1 alone: Sendmail tells no digest of the key
FIELD = re.compile(r"(?mi)^Authentication-Results:.*(?:\n[ \t].*)*")
RULES = [
    {"name": "reachable", "recipients": ["abuse"], "on-fail": "tag", "on-none": "tag", "on-unpublished": "tag",
     "on-temperror": "tag"},
    {"name": "partner", "senders": ["partner.example"], "identities": ["*.records.example"],
     "text": "100% from its own servers"},
    {"name": "held", "senders": ["branch.example"], "on-none": "hold"},
    {"name": "author", "from": ["partner.example"], "identities": ["*.records.example"]},
]


@pytest.fixture(scope="module")
def daemon(module_bench):
    return module_bench.started(milter={}, service=[{"name": "MTA", "names": ["_smtp-client.{helo}"]}], rule=RULES)


@pytest.fixture(scope="module", autouse=True)
def sendmail(module_bench, daemon):
    return module_bench.sendmail(Port("127.0.0.1"), Port("::1"), milter=daemon.milter)


def send(lab, sender="x@partner.example", credential="self_signed", recipients=("b@example.net",), helo=HELO,
         address="127.0.0.1", tls="starttls", author="x@elsewhere.example", fields=(), port=25):
    token = lab.token()
    lines = [*fields, f"Subject: {token}", f"From: {author}", "", "Hello."]
    key = credential and getattr(lab.keys, credential)
    with SocketClient(address, port, helo, tls, key) as client:
        return client.send(sender, *recipients, body="".join(f"{line}\r\n" for line in lines)), token


def field_of(message):
    fields = [" ".join(field.split()) for field in FIELD.findall(message)]
    own, = [field for field in fields if "x-dane-client" in field]
    assert fields[0] == own
    return own


@pytest.mark.parametrize("credential", ["self_signed", "ca_trusted"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_right_certificate(lab, daemon, sendmail, credential, address):
    outcome, token = send(lab, credential=credential, address=address)
    assert outcome.delivered
    assert field_of(sendmail.mail(token)[0]) == (
        'Authentication-Results: mx.example.net; x-dane-client=pass reason="match" '
        f"policy.dane-id={HELO} policy.dane-rule=partner dns.sec=yes")


@pytest.mark.parametrize("arguments, code, enhanced, reason", [
    ({"credential": "other"}, 550, "5.7.1", "mismatch"),
    ({"credential": None}, 550, "5.7.1", "no-certificate"),
    ({"credential": None, "tls": None}, 550, "5.7.1", "no-tls"),
    ({"helo": KEY_ONLY}, 550, "5.7.1", "unusable"),
    ({"helo": "mta1.nonesuch.records.example"}, 451, "4.4.3", "no-record"),
    ({"helo": "mta1.elsewhere.example"}, 550, "5.7.1", "not-listed"),
], ids=["another key", "no certificate", "no TLS", "only 3 1 1", "no record", "not listed"])
def test_refused(lab, daemon, sendmail, arguments, code, enhanced, reason):
    outcome, token = send(lab, **arguments)
    reply = outcome.rcpt[0]
    assert (reply.code, reply.enhanced) == (code, enhanced)
    assert "100% from its own servers" in reply.text, "a percent sign arrives as one"
    line = daemon.verdict(ref=reply.ref)
    assert (line["reason"], line["rule"], line["state"], line["service"]) == (reason, "partner", "RCPT", "MTA")
    sendmail.assert_no_mail(token)


def test_several_recipients_one_exempt(lab, sendmail):
    outcome, token = send(lab, credential="other", recipients=("b@example.net", "abuse@example.net"))
    assert [reply.code for reply in outcome.rcpt] == [550, 250]
    assert outcome.delivered
    assert "x-dane-client=fail" in field_of(sendmail.mail(token)[0])


def test_two_messages_in_one_session(lab, sendmail):
    """Sendmail sends no ABORT between them: what the first one was must not stick."""
    with SocketClient("127.0.0.1", 25, HELO, "starttls", lab.keys.other) as client:
        first, second = lab.token(), lab.token()
        refused = client.send("x@partner.example", "b@example.net", body=f"Subject: {first}\r\n\r\nx\r\n")
        taken = client.send("x@elsewhere.example", "b@example.net", body=f"Subject: {second}\r\n\r\nx\r\n")
    assert refused.rcpt[0].code == 550 and taken.delivered
    assert "policy.dane-rule" not in field_of(sendmail.mail(second)[0])


def test_hold_is_quarantine(lab, daemon, sendmail):
    outcome, token = send(lab, sender="x@branch.example", credential=None)
    assert outcome.delivered
    reason = sendmail.held(token)
    line = daemon.verdict(sender="x@branch.example", state="RCPT")
    assert reason == f"held by danegate [ref {line['ref']}]" and line["action"] == "hold"


def test_from_rule(lab, daemon, sendmail):
    outcome, token = send(lab, sender="x@elsewhere.example", credential="other", author="ceo@partner.example")
    assert outcome.end.code == 550
    assert daemon.verdict(ref=outcome.end.ref)["rule"] == "author"
    sendmail.assert_no_mail(token)


def test_forged_fields(lab, sendmail):
    forged = "Authentication-Results: mx.example.net; x-dane-client=pass"
    kept = "Authentication-Results: mx.example.net; spf=pass smtp.mailfrom=partner.example"
    outcome, token = send(lab, fields=[forged, kept, forged, forged])
    assert outcome.delivered
    text, = sendmail.mail(token)
    assert [" ".join(field.split()) for field in FIELD.findall(text)][1:] == [kept]
    field_of(text)


def test_md5(lab, bench):
    """confCERT_FINGERPRINT_ALGORITHM not set: nothing that could be compared, and the log says what to set."""
    daemon = bench.started(milter={}, service=[{"name": "MTA", "names": ["_smtp-client.{helo}"]}], rule=RULES)
    bench.sendmail(Port("127.0.0.2"), milter=daemon.milter, fingerprint=None)
    outcome, _ = send(lab, address="127.0.0.2")
    assert (outcome.rcpt[0].code, outcome.rcpt[0].enhanced) == (451, "4.3.5")
    line = daemon.verdict(ref=outcome.rcpt[0].ref)
    assert (line["result"], line["reason"]) == ("permerror", "weak-digest")
    assert "confCERT_FINGERPRINT_ALGORITHM" in line["detail"]
