"""Relay by key: what a permitting rule in smtpd_relay_restrictions opens, and what a partner's rule never does.

The lines are those of README.md: -o lines in master.cf, with danegate the last word before reject.
"""

import pytest

from lab import rpk
from lab.clients import COLUMNS, connect
from lab.postfix import Listener, check
from lab.smtp import SocketClient

OFFICE, PARTNER = "office.branch.example", "mta1.acme.example"
FOREIGN = "someone@elsewhere.example.org"


@pytest.fixture(scope="module")
def daemon(module_bench):
    return module_bench.started(
        service=[{"name": "smtp", "ports": [25], "names": ["_smtp-client.{helo}"]},
                 {"name": "submission", "ports": [465, 587], "names": ["_smtp-client.{helo}"]}],
        rule=[{"name": "acme", "services": ["smtp"], "identities": [PARTNER]},  # both have one key: a pattern for the
              {"name": "offices", "services": ["submission"], "identities": ["*.branch.example"],  # offices, or the
               "on-pass": "permit"}])  # roster would know the partner as the office whose key it has


@pytest.fixture(scope="module")
def postfix(module_bench, daemon):
    """Port 25 asks with a partner's context in the relay list, too: the mistake that must stay harmless."""
    relay = {"smtpd_relay_restrictions": f"{check(daemon.endpoint, 'submission')}, reject",
             "smtpd_recipient_restrictions": ""}
    partner = {"smtpd_relay_restrictions": f"{check(daemon.endpoint, 'smtp')}, reject_unauth_destination"}
    return module_bench.postfix(
        Listener("127.0.0.1", 25, partner), Listener("::1", 25, partner),
        Listener("127.0.0.1", 465, {"smtpd_tls_wrappermode": "yes", **relay}), Listener("127.0.0.1", 587, relay),
        **rpk.parameters())


@pytest.mark.parametrize("column", COLUMNS)
def test_office_relays_with_its_key(lab, daemon, postfix, column):
    token = lab.token()
    with connect(column, "wrapper", OFFICE, lab.keys) as client:
        outcome = client.send(f"{token}@branch.example", FOREIGN, body=f"Subject: {token}\r\n\r\nx\r\n")
    line = daemon.verdict(sender=f"{token}@branch.example")
    if column == "other-key":
        assert outcome.rcpt[0].code == 550 and outcome.rcpt[0].ref == line["ref"]
        assert (line["result"], line["action"]) == ("fail", "reject")
        postfix.assert_no_mail(token)
    else:
        assert outcome.delivered and (line["result"], line["action"]) == ("pass", "permit")
        postfix.mail(token)


@pytest.mark.parametrize("tls, key, result", [(None, None, "no-tls"), ("starttls", None, "no-certificate")])
def test_no_relay_without_a_key(lab, daemon, postfix, tls, key, result):
    token = lab.token()
    with SocketClient("127.0.0.1", 587, OFFICE, tls, key) as client:
        reply = client.send(f"{token}@branch.example", FOREIGN).rcpt[0]
    assert reply.code == 550
    assert daemon.verdict(sender=f"{token}@branch.example")["reason"] == result
    postfix.assert_no_mail(token)


@pytest.mark.parametrize("port", ["starttls", "ipv6"])
def test_partner_rule_never_grants_relay(lab, daemon, postfix, port):
    """The partner's key is right and the verdict is pass; mail for us goes through, mail for others does not."""
    token = lab.token()
    with connect("self-signed", port, PARTNER, lab.keys) as client:
        outcome = client.send(f"{token}@acme.example", FOREIGN)
        ours = client.send(f"ours.{token}@acme.example", "b@example.net", body=f"Subject: {token}\r\n\r\nx\r\n")
    assert (outcome.rcpt[0].code, outcome.rcpt[0].enhanced) == (554, "5.7.1") and "Relay access denied" in str(
        outcome.rcpt[0])
    assert daemon.verdict(sender=f"{token}@acme.example")["result"] == "pass"
    assert ours.delivered and len(postfix.mail(token)) == 1


def test_partner_is_nobody_on_the_submission_port(lab, daemon, postfix):
    """Listed for port 25, unlisted for port 465: refused there without one DNS question."""
    token = lab.token()
    lab.dns.forget()
    with connect("self-signed", "wrapper", PARTNER, lab.keys) as client:
        reply = client.send(f"{token}@acme.example", FOREIGN).rcpt[0]
    assert reply.code == 550
    assert daemon.verdict(sender=f"{token}@acme.example")["reason"] == "not-listed"
    assert not lab.dns.below("acme.example")
