"""A sender is the partner's however it is written: Postfix rewrites these forms after it has asked danegate."""

import pytest

from lab.postfix import Listener, check
from lab.smtp import SocketClient

# sender as sent (%s: a token that tells the cases apart) -> is it acme's?
SENDERS = {
    "%s@acme.example": True,
    "%s@ACME.example.": True,
    "%s@Acme.Example": True,
    "acme.example!%s": True,
    "%s%%acme.example": True,
    "%s": True,
    "elsewhere.example!%s": False,
    "%s@sub.acme.example": False,
    "%s%%acme.example@elsewhere.example": False,
    "acme.example!%s@elsewhere.example": False,
    "%s@notacme.example": False,
}


@pytest.fixture(scope="module")
def daemon(module_bench):
    """A bare local part is acme's as well, for server.origin says so."""
    return module_bench.started(
        server={"origin": "acme.example"},
        service=[{"name": "smtp", "names": ["_smtp-client.{helo}"]}],
        rule=[{"name": "acme", "senders": ["acme.example"], "identities": ["*.acme.example"]},
              {"name": "rest", "on-none": "tag"}])


@pytest.fixture(scope="module", autouse=True)
def postfix(module_bench, daemon):
    return module_bench.postfix(
        Listener("127.0.0.1", 25), myorigin="acme.example",
        smtpd_recipient_restrictions=f"reject_unauth_destination, {check(daemon.endpoint, 'smtp')}")


@pytest.mark.parametrize("form", SENDERS)
def test_rule_that_judges(lab, daemon, form):
    """An impostor without a certificate: refused where the sender is acme's, let through where it is not."""
    sender = form % lab.token()
    with SocketClient("127.0.0.1", 25, "mta1.acme.example") as client:
        reply = client.send(sender, "b@example.net", data=False).rcpt[0]
    line = daemon.verdict(sender=sender)
    assert line["rule"] == ("acme" if SENDERS[form] else "rest")
    assert reply.code == (550 if SENDERS[form] else 250)


@pytest.mark.parametrize("form", [form for form, acme in SENDERS.items() if acme])
def test_right_key_passes(lab, form):
    with SocketClient("127.0.0.1", 25, "mta1.acme.example", credential=lab.keys.self_signed) as client:
        assert client.send(form % lab.token(), "b@example.net", data=False).rcpt[0].code == 250
