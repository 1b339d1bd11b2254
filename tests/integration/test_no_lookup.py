"""Verdicts that need no DNS make none: not one question for the client's name leaves the machine."""

import pytest

from lab import policy
from lab.postfix import Listener, check
from lab.smtp import SocketClient

LISTED, OUTSIDE = "silence.acme.example", "mta1.partner.example"
MD5_PORT = 2525
# how the client comes -> (port, tls, credential, EHLO name), verdict, reply
CASES = {
    "no certificate": ((25, "starttls", None, LISTED), ("none", "no-certificate"), (550, "5.7.1")),
    "no certificate, wrapper": ((465, "wrapper", None, LISTED), ("none", "no-certificate"), (550, "5.7.1")),
    "no TLS": ((25, None, None, LISTED), ("none", "no-tls"), (550, "5.7.1")),
    "MD5 digests": ((MD5_PORT, "starttls", "self_signed", LISTED), ("permerror", "weak-digest"), (451, "4.3.5")),
    "EHLO outside the list": ((25, "starttls", "self_signed", OUTSIDE), ("none", "not-listed"), (550, "5.7.1")),
    "EHLO is one label": ((25, "starttls", "self_signed", "localhost"), ("none", "no-name"), (550, "5.7.1")),
    "EHLO is an address": ((25, "starttls", "self_signed", "[192.0.2.1]"), ("none", "no-name"), (550, "5.7.1")),
    "EHLO below another service":
        ((25, "starttls", "self_signed", "_25._tcp.acme.example"), ("none", "no-name"), (550, "5.7.1")),
}


@pytest.fixture(scope="module")
def daemon(module_bench):
    return module_bench.started(service=[{"name": "smtp", "names": ["_smtp-client.{helo}"]}],
                                rule=[{"name": "acme", "services": ["smtp"], "identities": ["*.acme.example"]}])


@pytest.fixture(scope="module", autouse=True)
def postfix(module_bench, daemon):
    return module_bench.postfix(
        Listener("127.0.0.1", 25), Listener("127.0.0.1", 465, {"smtpd_tls_wrappermode": "yes"}),
        Listener("127.0.0.1", MD5_PORT, {"smtpd_tls_fingerprint_digest": "md5"}),
        smtpd_recipient_restrictions=f"reject_unauth_destination, {check(daemon.endpoint, 'smtp')}")


@pytest.mark.parametrize("case", CASES)
def test_through_postfix(lab, daemon, case):
    (port, tls, credential, helo), verdict, reply = CASES[case]
    token = lab.token()
    lab.dns.forget()
    with SocketClient("127.0.0.1", port, helo, tls, credential and getattr(lab.keys, credential)) as client:
        got = client.send(f"{token}@acme.example", "b@example.net", data=False).rcpt[0]
    line = daemon.verdict(sender=f"{token}@acme.example")
    lab.report.append(f"{case:53} port {port:<5} {got.code} {got.enhanced:6} {line['result']} {line['reason']}")
    assert (line["result"], line["reason"]) == verdict
    assert (got.code, got.enhanced) == reply
    assert line["lookups"] == "0" and line["identity"] == ""
    assert not lab.dns.below("example")


@pytest.mark.parametrize("state, helo", [("CONNECT", ""), ("EHLO", LISTED), ("HELO", LISTED)])
def test_before_tls_there_is_no_evidence(lab, daemon, state, helo):
    """smtpd_delay_reject=no makes Postfix ask before STARTTLS: DUNNO, for the evidence may yet come."""
    lab.dns.forget()
    with policy.PolicyClient(daemon.endpoint) as client:
        assert client.ask(protocol_state=state, encryption_protocol="", encryption_cipher="", policy_context="smtp",
                          recipient="", sender="", helo_name=helo) == "DUNNO"
    assert not lab.dns.below("example")


def test_no_service(lab, daemon):
    """Neither policy_context nor port names a service: DUNNO, no question, and one line in the log that says so."""
    lab.dns.forget()
    with policy.PolicyClient(daemon.endpoint) as client:
        for _ in range(3):
            assert client.ask(lab.keys.self_signed, server_port="2600", helo_name=LISTED) == "DUNNO"
    daemon.expect("warning", "belongs to no service.* 2600")
    assert not lab.dns.below("example")
