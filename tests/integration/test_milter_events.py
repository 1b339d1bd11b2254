"""The milter protocol by itself, with a scripted mail server: every order of events, every place to break off.

lab/milter_mtas.py was checked against recordings of Postfix 3.7 and Sendmail 8.17, event by event.
"""

import concurrent.futures
import os
import time

import pytest

from lab.milter import MilterSession
from lab.milter_mtas import PostfixSession, SendmailSession, postfix_tls, sendmail_tls
from lab.policy import PolicyClient
from lab.procs import wait_until

HELO = "mta1.ee-cert-sha256.records.example"
SILENT = "mta1.silent.example"
HEADERS = [("From", "x@elsewhere.example"), ("Subject", "s"), ("Authentication-Results", "mx.example.net; x-dane-client=pass")]
PLACES = ("mail", "rcpt", "data", "header", "eoh", "body", "eom")
TAG = {name: "tag" for name in ("on-fail", "on-none", "on-unpublished", "on-temperror")}


@pytest.fixture(scope="module")
def daemon(module_bench):
    return module_bench.started(
        milter={}, service=[{"name": "MTA", "ports": [25], "names": ["_smtp-client.{helo}"]}],
        lookup={"domains": ["silent.example"]},
        rule=[{"name": "partner", "senders": ["partner.example"], "identities": ["*.records.example"]},
              {"name": "author", "from": ["partner.example"], "identities": ["*.records.example"]}])


@pytest.fixture(autouse=True)
def forgiven(daemon):
    """Sessions with TLS and nothing to join are made here on purpose; it is said once a minute."""
    yield
    daemon.forgive("check_policy_service|a message belongs to no service")


def policy_says(lab, daemon, session, credential="self_signed", **attributes):
    """The policy request of the same SMTP session."""
    (client, client_port), (server, server_port) = session.client, session.daemon
    with PolicyClient(daemon.endpoint) as policy:
        return policy.ask(credential and getattr(lab.keys, credential), helo_name=HELO, sender="x@partner.example",
                          client_address=client, client_port=str(client_port), server_address=server,
                          server_port=str(server_port), **attributes)


def field(message, mta="postfix"):
    """The one Authentication-Results field that is left, which is ours and on top."""
    fields = message.headers(HEADERS, mta)
    name, value = fields[0]
    assert name == "Authentication-Results" and [n for n, _ in fields].count(name) == 1
    return " ".join(value.split())


def test_postfix_order(lab, daemon):
    """STARTTLS with ABORT and a second HELO, then two messages, RSET between, on one connection."""
    session = PostfixSession(daemon.milter)
    session.greet(HELO, tls=postfix_tls())
    assert policy_says(lab, daemon, session) == "DUNNO"
    first = session.message("x@partner.example", "b@example.net", headers=HEADERS)
    assert "x-dane-client=pass" in field(first)
    session.message("x@partner.example", "b@example.net", until="rcpt")
    session.abort()
    second = session.message("x@partner.example", "b@example.net", "c@example.net", headers=HEADERS)
    assert "x-dane-client=pass" in field(second)
    session.bye()


def test_sendmail_order(lab, daemon):
    session = SendmailSession(daemon.milter)
    session.greet(HELO, tls=sendmail_tls(lab.keys.self_signed))
    for _ in range(2):
        message = session.message("x@partner.example", "b@example.net", headers=HEADERS)
        assert "x-dane-client=pass" in field(message, "sendmail")
    session.bye()


@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_sendmail_digests(lab, daemon, digest):
    """3 0 1 is published; with SHA-512 nothing can be compared with it (a real Sendmail does not survive sha512)."""
    session = SendmailSession(daemon.milter)
    session.greet(HELO, tls=sendmail_tls(lab.keys.self_signed, digest=digest))
    message = session.message("x@partner.example", "b@example.net", headers=HEADERS)
    assert message.action == ("accept" if digest == "sha256" else "reject")
    session.bye()


def test_second_session_under_the_same_four(lab, daemon):
    """The first connection is not even closed yet: what its session proved is not the second one's."""
    first = PostfixSession(daemon.milter, client=("192.0.2.9", 5000))
    first.greet(HELO, tls=postfix_tls())
    policy_says(lab, daemon, first)
    second = PostfixSession(daemon.milter, client=("192.0.2.9", 5000))
    second.greet(HELO, tls=postfix_tls())
    message = second.message("x@partner.example", "b@example.net", headers=HEADERS)
    assert message.action == "tempfail" and message.stage == "rcpt"
    assert "4.3.5" in message.final.text
    first_again = first.message("x@partner.example", "b@example.net", headers=HEADERS)
    assert first_again.action == "tempfail", "its slot is another's"
    first.close()
    second.bye()


def test_evidence_before_helo_is_forgotten(lab, daemon):
    session = PostfixSession(daemon.milter, client=("192.0.2.9", 5001))
    session.greet(HELO, tls=postfix_tls())
    policy_says(lab, daemon, session)
    session.helo(HELO)
    assert session.message("x@partner.example", "b@example.net", headers=HEADERS).action == "tempfail"
    session.bye()


def test_a_plain_state_lends_nothing_to_tls(lab, daemon):
    """What Postfix told of this session before STARTTLS: no TLS. It is neither pass nor `no-tls` afterwards."""
    session = PostfixSession(daemon.milter, client=("192.0.2.9", 5002))
    session.greet(HELO, tls=postfix_tls())
    policy_says(lab, daemon, session, None, encryption_protocol="", encryption_cipher="", encryption_keysize="0")
    message = session.message("x@partner.example", "b@example.net", headers=HEADERS)
    assert message.action == "tempfail" and "4.3.5" in message.final.text
    session.bye()


@pytest.mark.parametrize("make", [PostfixSession, SendmailSession])
@pytest.mark.parametrize("place", ["connect", "helo", *PLACES])
def test_broken_off(lab, daemon, make, place):
    """Wherever a mail server hangs up: the next session is served, and nothing is left behind."""
    session = make(daemon.milter, client=("192.0.2.10", 6000))
    if place == "connect":
        session.connect("unknown")
    else:
        session.greet(HELO, tls=postfix_tls() if make is PostfixSession else sendmail_tls(lab.keys.self_signed))
        if place != "helo":
            session.message("x@elsewhere.example", "b@example.net", headers=HEADERS, until=place)
    session.close()
    again = make(daemon.milter, client=("192.0.2.10", 6000))
    again.greet(HELO)
    assert again.message("x@elsewhere.example", "b@example.net", headers=HEADERS).action == "accept"
    again.bye()


@pytest.mark.parametrize("make", [PostfixSession, SendmailSession])
@pytest.mark.parametrize("value", [None, "A" * 4096, b"\xff\xfe" * 100, ""], ids=["absent", "4 KB", "binary", "empty"])
def test_odd_macros(lab, daemon, make, value):
    """A macro that is missing, endless or garbage makes doubt, never a pass, and never an end of the daemon."""
    tls = postfix_tls() if make is PostfixSession else sendmail_tls(lab.keys.self_signed)
    names = {"{daemon_name}", "{daemon_addr}", "{daemon_port}", "{client_resolve}", "i", "{auth_type}", *tls}
    for name in sorted(names):
        session = make(daemon.milter, client=("192.0.2.11", 7000), macros={name: value})
        session.greet(HELO, tls=tls)
        message = session.message("x@partner.example", "b@example.net", headers=HEADERS)
        proven = make is SendmailSession and name != "{cert_fp}"  # the fingerprint itself is what matches
        added = [change.value for change in message.modifications if change.kind == "insert"]
        assert proven or not any("x-dane-client=pass" in text for text in added), name
        session.bye()


def test_garbage_instead_of_the_protocol(daemon):
    for data in (b"\0", b"\xff\xff\xff\xffO", b"GET / HTTP/1.0\r\n\r\n", b"\0\0\0\1Q", os.urandom(4096)):
        session = MilterSession(daemon.milter, negotiate=False)
        session.send_raw(data)
        session.close()
    session = PostfixSession(daemon.milter)
    session.greet(HELO)
    assert session.message("x@elsewhere.example", "b@example.net", headers=HEADERS).action == "accept"
    session.bye()


def test_hundreds_of_fields(lab, daemon):
    """Every second one is forged; the others, and their order, stay."""
    headers = [("From", "x@elsewhere.example")]
    for number in range(300):
        headers.append(("Authentication-Results", f"mx.example.net; spf=pass smtp.mailfrom=a{number}.example"))
        headers.append(("Authentication-Results", "mx.example.net;\n\tx-dane-client=pass"))
    session = SendmailSession(daemon.milter)
    session.greet(HELO, tls=sendmail_tls(lab.keys.self_signed))
    message = session.message("x@partner.example", "b@example.net", headers=headers)
    for mta in ("postfix", "sendmail"):
        left = [value for name, value in message.headers(headers, mta) if name == "Authentication-Results"]
        assert "x-dane-client=pass" in left[0]
        assert left[1:] == [value for _, value in headers[1::2]]
    session.bye()


def test_stalled_dns_costs_only_whom_it_concerns(lab, daemon):
    """One session asks a silent zone; thirty others go on meanwhile."""
    def stalled():
        session = SendmailSession(daemon.milter, client=("192.0.2.12", 8000))
        session.greet(SILENT, tls=sendmail_tls(lab.keys.self_signed))
        began = time.monotonic()
        message = session.message("x@partner.example", "b@example.net", headers=HEADERS)
        session.bye()
        return message, time.monotonic() - began

    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(stalled)
        slowest = 0
        for number in range(30):
            session = SendmailSession(daemon.milter, client=("192.0.2.13", 8001 + number))
            session.greet(HELO, tls=sendmail_tls(lab.keys.self_signed))
            began = time.monotonic()
            message = session.message("x@partner.example", "b@example.net", headers=HEADERS)
            slowest = max(slowest, time.monotonic() - began)
            assert "x-dane-client=pass" in field(message, "sendmail")
            session.bye()
        message, took = waiting.result()
    assert message.action == "tempfail" and "4.4.3" in message.final.text
    assert took < 8
    assert slowest < 1.5


def test_slots_go_with_their_sessions(lab, daemon):
    """A thousand sessions that break off anywhere leave no descriptor behind."""
    def descriptors():
        return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))

    before = descriptors()
    for number in range(1000):
        session = PostfixSession(daemon.milter, client=("192.0.2.14", 10000 + number))
        session.greet(HELO)
        if number % 2:
            session.message("x@elsewhere.example", "b@example.net", until="rcpt")
        session.close()
    wait_until(lambda: descriptors() <= before + 5, "the descriptors to be closed")
