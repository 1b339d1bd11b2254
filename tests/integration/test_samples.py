"""The lines that we ship in conf/ do what they say: partner, outage of danegate, submission, relay."""

import hashlib

import pytest

from lab.postfix import Entry, Listener
from lab.samples import CONF, parameters, partner_forms, sample_rules, uncommented
from lab.smtp import SocketClient

PARTNER, OFFICE = "mta1.acme.example", "office.branch.example"
FOREIGN = "someone@elsewhere.example.org"
NO_SOCKET = "problem talking to server|connect to .*policy"


@pytest.fixture(scope="module")
def site(lab, module_bench):
    """A Postfix with the shipped submission entries, port 25 in form A; danegated in its queue folder, as packaged."""
    entries = uncommented((CONF / "postfix-submission.cf").read_text(), "  -o")
    entries = entries.replace(" y ", " n ").replace("smtpd_sasl_auth_enable=yes", "smtpd_sasl_auth_enable=no")
    first, _ = partner_forms(module_bench.place())
    postfix = module_bench.postfix(Listener("127.0.0.1", 25), Entry(entries), **first)
    daemon = module_bench.daemon(folder=module_bench.owned(postfix.folder / "queue" / "danegate"), service=[
        {"name": "smtp", "ports": [25], "names": ["_smtp-client.{helo}"]},
        {"name": "submission", "ports": [465, 587],
         "names": ["_submission-client.{subject}", "{sender.hash}._submission-client.{sender.domain}"]},
        {"name": "relay", "names": ["_smtp-client.{helo}"]}])
    with open(daemon.config, "a", encoding="utf-8") as config:
        config.write(sample_rules("# 1. A business partner", "# 3. The From"))
        config.write('[[rule]]\nname = "branches"\nservices = ["relay"]\nidentities = ["*.branch.example"]\n'
                     'on-pass = "permit"\n')
    module_bench.run(daemon)
    return postfix


def send(port, tls, credential, helo, sender, recipient, token):
    with SocketClient("127.0.0.1", port, helo, tls, credential) as client:
        return client.send(sender, recipient, body=f"Subject: {token}\r\n\r\nx\r\n")


@pytest.mark.parametrize("credential, code", [("self_signed", 250), ("other", 550), (None, 550)])
def test_partner(lab, site, credential, code):
    token = lab.token()
    outcome = send(25, "starttls", credential and getattr(lab.keys, credential), PARTNER, f"{token}@acme.example",
                   "b@example.net", token)
    assert outcome.rcpt[0].code == code
    assert outcome.delivered == (code == 250)


def test_partner_exempts_the_postmaster(lab, site):
    outcome = send(25, "starttls", lab.keys.other, PARTNER, f"{lab.token()}@acme.example", "postmaster", "x")
    assert outcome.delivered


@pytest.mark.parametrize("port, tls", [(587, "starttls"), (465, "wrapper")])
def test_submission_by_the_key_of_the_address(lab, site, port, tls):
    """The address's own key sends to the world; the key of one address does not send as another."""
    zone = lab.zone("branch.example")
    for user, key in (("user", lab.keys.self_signed), ("chief", lab.keys.other)):
        label = hashlib.sha256(user.encode()).digest()[:28].hex()
        zone.tlsa(f"{label}._submission-client.branch.example", key.tlsa(3, 1, 1))
    lab.internet.publish(zone)
    token = lab.token()
    assert send(port, tls, lab.keys.self_signed, "laptop", "User@branch.example", FOREIGN, token).delivered
    site.mail(token)
    assert send(port, tls, lab.keys.self_signed, "laptop", "chief@branch.example", FOREIGN, "x").rcpt[0].code == 550
    assert send(port, tls, None, "laptop", "user@branch.example", FOREIGN, "x").rcpt[0].code == 550


@pytest.mark.parametrize("credential, code", [("self_signed", 250), ("other", 550), (None, 550)])
def test_relay(lab, site, credential, code):
    token = lab.token()
    outcome = send(2525, "starttls", credential and getattr(lab.keys, credential), OFFICE, f"{token}@branch.example",
                   FOREIGN, token)
    assert outcome.rcpt[0].code == code


def test_relay_port_takes_our_own_mail_from_anybody(lab, site):
    assert send(2525, "starttls", None, OFFICE, "x@branch.example", "b@example.net", "x").delivered


# the snippet -> replies to a sender of acme's and to another one while danegate is not there
OUTAGE = {"form A": (451, 451), "form B": (451, 250), "monitor": (250, 250)}


@pytest.mark.parametrize("form", OUTAGE)
def test_outage(lab, bench, form):
    """No socket: enforcing lines defer, form B only those whom a rule names, monitor-first lines nobody."""
    first, second = partner_forms(bench.place())
    forms = {"form A": first, "form B": second, "monitor": parameters((CONF / "postfix-monitor.cf").read_text())}
    postfix = bench.postfix(Listener("127.0.0.1", 2526), **forms[form])
    postfix.tolerated = NO_SOCKET
    with SocketClient("127.0.0.1", 2526, PARTNER) as client:
        codes = [client.send(sender, "b@example.net", data=False).rcpt[0].code
                 for sender in ("a@acme.example", "a@partner.example")]
    assert tuple(codes) == OUTAGE[form]
