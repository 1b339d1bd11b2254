"""Several recipients, the exempt ones, and the header: one message, one field, and nothing undone at DATA."""

import re

import pytest

from lab.postfix import Listener, check
from lab.smtp import SocketClient

HELO = "mta1.acme.example"
FIELD = re.compile(r"(?mi)^Authentication-Results:.*(?:\n[ \t].*)*")


@pytest.fixture(scope="module")
def daemon(module_bench):
    """The sample's exemption of abuse and postmaster, then the partner's rule; mail from others is only judged."""
    return module_bench.started(
        policy={"header": "always"},
        service=[{"name": "smtp", "names": ["_smtp-client.{helo}"]}],
        rule=[{"name": "reachable", "recipients": ["abuse"], "on-fail": "tag", "on-none": "tag",
               "on-unpublished": "tag", "on-temperror": "tag"},
              {"name": "acme", "senders": ["acme.example"], "identities": ["*.acme.example"]}])


@pytest.fixture(scope="module")
def postfix(module_bench, daemon):
    """The same check at RCPT and at DATA, as README.md has it."""
    ask = check(daemon.endpoint, "smtp")
    return module_bench.postfix(Listener("127.0.0.1", 25), smtpd_data_restrictions=ask,
                                smtpd_recipient_restrictions=f"reject_unauth_destination, {ask}")


def transaction(lab, credential, *recipients):
    """One message; returns its outcome and the token in its subject."""
    token = lab.token()
    with SocketClient("127.0.0.1", 25, HELO, credential=credential) as client:
        return client.send(f"{token}@acme.example", *recipients, body=f"Subject: {token}\r\n\r\nx\r\n"), token


@pytest.mark.parametrize("recipients", [["b@example.net"], ["b@example.net", "c@example.net", "d@example.net"]],
                         ids=["one", "three"])
def test_one_field_however_many_recipients(lab, postfix, recipients):
    outcome, token = transaction(lab, lab.keys.self_signed, *recipients)
    assert outcome.delivered
    for message in postfix.mail(token, len(recipients)):
        fields = FIELD.findall(message)
        assert len(fields) == 1, fields
        text = " ".join(fields[0].split())
        assert text.startswith('Authentication-Results: mx.example.net; x-dane-client=pass reason="match"')
        assert f"policy.dane-id={HELO}" in text and "policy.dane-rule=acme" in text and "dns.sec=yes" in text


def test_two_recipients_one_exempt(lab, postfix, daemon):
    """One is refused, the other gets the mail: the verdicts at RCPT stand, and DATA does not undo them."""
    outcome, token = transaction(lab, lab.keys.other, "b@example.net", "abuse@example.net")
    assert [reply.code for reply in outcome.rcpt] == [550, 250]
    assert outcome.delivered
    message, = postfix.mail(token)
    field, = FIELD.findall(message)
    assert "x-dane-client=fail" in field and "policy.dane-id" not in field


@pytest.mark.parametrize("order", [["abuse@example.net", "b@example.net"], ["ABUSE@example.net", "b@example.net"]],
                         ids=["exempt first", "upper case"])
def test_exempt_recipient_in_any_place_and_case(lab, postfix, order):
    outcome, token = transaction(lab, lab.keys.other, *order)
    assert [reply.code for reply in outcome.rcpt] == [250, 550] and outcome.delivered
    postfix.mail(token)


@pytest.mark.parametrize("credential, accepted", [("self_signed", True), ("other", False), (None, False)],
                         ids=["right key", "another key", "no certificate"])
def test_bare_postmaster_is_judged_at_data(lab, postfix, credential, accepted):
    """Postfix asks nothing at `RCPT TO:<postmaster>`, so DATA is where the rule applies."""
    outcome, token = transaction(lab, credential and getattr(lab.keys, credential), "postmaster")
    assert outcome.rcpt[0].code == 250
    if accepted:
        assert outcome.delivered and len(FIELD.findall(postfix.mail(token)[0])) == 1
    else:
        assert outcome.data.code == 550 and outcome.data.ref
        postfix.assert_no_mail(token)


@pytest.mark.parametrize("recipients", [["postmaster", "b@example.net"], ["b@example.net", "postmaster"]],
                         ids=["postmaster first", "postmaster last"])
def test_bare_postmaster_beside_a_refused_recipient(lab, postfix, recipients):
    """The refusal at RCPT was about the other recipient: postmaster was never asked about, and DATA says no."""
    outcome, token = transaction(lab, lab.keys.other, *recipients)
    assert sorted(reply.code for reply in outcome.rcpt) == [250, 550]
    assert outcome.data.code == 550
    postfix.assert_no_mail(token)


def test_second_message_of_a_session_is_judged_afresh(lab, postfix):
    """What DATA remembers of one message says nothing about the next one in the same session."""
    with SocketClient("127.0.0.1", 25, HELO, credential=lab.keys.other) as client:
        first = client.send(f"{lab.token()}@acme.example", "abuse@example.net")
        second = client.send(f"{lab.token()}@acme.example", "postmaster")
    assert first.delivered
    assert second.data.code == 550
