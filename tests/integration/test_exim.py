"""A real Exim with conf/exim.conf: its ACL asks by the policy protocol, and does what the reply says."""

import contextlib
import os
import re
import socket
import threading

import pytest

from lab.exim import Exim
from lab.procs import run
from lab.samples import CONF
from lab.smtp import SocketClient

HELO = "mta1.ee-cert-sha256.records.example"  # publishes both of the right key's certificates as 3 0 1
KEY_ONLY = "mta1.ee-spki-sha256.records.example"  # 3 1 1 alone: Exim tells no digest of the key
OFFICE = "office.branch.example"
OWN_NETWORK = "127.0.0.66"
# sha256 of "tls_in_peercert", what Exim makes of a certificate that is not there.
CONSTANT = "5ac531111cf1f39655189204360a8a214e0bd1f8f2a7b8a1bb6d29b627cb4e6c"
RULES = [
    {"name": "held", "senders": ["held@partner.example"], "identities": ["*.records.example"], "on-none": "hold"},
    {"name": "partner", "senders": ["partner.example"], "identities": ["*.records.example"],
     "text": "100% from its own servers: $HOME"},
    {"name": "branches", "senders": ["branch.example"], "identities": ["*.branch.example"], "on-pass": "permit",
     "on-fail": "tag", "on-none": "tag", "on-unpublished": "tag", "on-temperror": "tag"},
]
SERVICES = [{"name": "smtp", "names": ["_smtp-client.{helo}"]}]


@pytest.fixture(scope="module")
def daemon(module_bench):
    return module_bench.started(service=SERVICES, rule=RULES, policy={"header": "always"})


@pytest.fixture(scope="module", autouse=True)
def exim(lab, module_bench, daemon):
    mta = Exim(module_bench.folder / "exim", lab.keys, daemon.endpoint.removeprefix("unix:"))
    yield mta
    mta.stop()


def send(lab, sender="x@partner.example", credential="self_signed", recipients=("b@example.net",), helo=HELO,
         address="127.0.0.1", tls="starttls", bind=None):
    token = lab.token()
    key = credential and getattr(lab.keys, credential)
    with SocketClient(address, 25, helo, tls, key, bind=bind) as client:
        return client.send(sender, *recipients, body=f"Subject: x\r\n\r\n{token}\r\n"), token


def fields(message):
    """Exim's spool has a length and a letter or space before each field."""
    return re.findall(r"(?m)^\d{3}. (Authentication-Results: .*)", message)


@pytest.mark.parametrize("credential", ["self_signed", "ca_trusted"])
def test_right_certificate(lab, daemon, exim, credential):
    sender = f"{lab.token()}@partner.example"
    outcome, token = send(lab, sender, credential)
    assert outcome.delivered, outcome
    field, = fields(exim.message(token))
    assert f"x-dane-client=pass reason=\"match\" policy.dane-id={HELO} policy.dane-rule=partner" in field
    line = daemon.verdict(sender=sender, state="RCPT")
    assert (line["reason"], line["service"], line["record"][:5]) == ("match", "smtp", "3 0 1")
    assert line["instance"] and line["client"] == "127.0.0.1"


@pytest.mark.parametrize("arguments, code, enhanced, reason", [
    ({"credential": "other"}, 550, "5.7.1", "mismatch"),
    ({"credential": None}, 550, "5.7.1", "no-certificate"),
    ({"credential": None, "tls": None}, 550, "5.7.1", "no-tls"),
    ({"helo": KEY_ONLY}, 550, "5.7.1", "unusable"),
    ({"helo": "mta1.nonesuch.records.example"}, 451, "4.4.3", "no-record"),
    ({"helo": "mta1.elsewhere.example"}, 550, "5.7.1", "not-listed"),
], ids=["another key", "no certificate", "no TLS", "only 3 1 1", "no record", "not listed"])
def test_refused(lab, daemon, arguments, code, enhanced, reason):
    outcome, _ = send(lab, **arguments)
    reply = outcome.rcpt[0]
    assert (reply.code, reply.enhanced) == (code, enhanced), reply
    assert "100% from its own servers: $HOME" in reply.text
    assert daemon.verdict(ref=reply.ref)["reason"] == reason


def test_the_constant_is_nobodys_key(lab, bench):
    """Somebody publishes the digest that Exim makes of no certificate: with the guard there is none, and without it
    danegate does not take it."""
    zone = lab.zone("partner.example")
    zone.tlsa("_smtp-client.constant.partner.example", f"3 0 1 {CONSTANT}")
    lab.internet.publish(zone)
    rules = [{"name": "constant", "identities": ["*.partner.example"], "text": "No"}]  # Exim folds a longer one
    own = bench.started(service=SERVICES, rule=rules)
    guarded = Exim(bench.folder / "guarded", lab.keys, own.endpoint.removeprefix("unix:"), "127.0.0.2")
    guard, hashed = "${if def:tls_in_peercert{${sha256:$tls_in_peercert}}}", "${sha256:$tls_in_peercert}"

    def unguard(text):
        assert guard in text
        return text.replace(guard, hashed)
    bare = Exim(bench.folder / "bare", lab.keys, own.endpoint.removeprefix("unix:"), "127.0.0.3", unguard)
    for address, reason in (("127.0.0.2", "no-certificate"), ("127.0.0.3", "bad-evidence")):
        outcome, _ = send(lab, credential=None, helo="constant.partner.example", address=address)
        assert outcome.rcpt[0].ref, outcome
        assert own.verdict(ref=outcome.rcpt[0].ref)["reason"] == reason
    guarded.stop()
    bare.stop()


INJECTIONS = [
    ("helo", "mta1.x.example\rccert_fingerprint=AA"),
    ("helo", "mta1.x.example\x0bsasl_username=ceo"),
    ("sender", '"a\rsasl_username=ceo"@partner.example'),
    ("sender", '"a\\\nsasl_username=ceo"@partner.example'),
    ("sender", '"a\nsasl_username=ceo\n"@partner.example'),
    ("recipient", '"b\rsender=x@elsewhere.example"@example.net'),
    ("recipient", '"b\\\x0c\nsender=x@elsewhere.example"@example.net'),
]


@pytest.mark.parametrize("where, text", INJECTIONS)
def test_line_breaks_in_what_the_client_says(lab, daemon, where, text):
    """Exim takes them or not; in no case does danegate see another attribute, or a malformed request."""
    known = len(daemon.find(event="verdict"))
    with SocketClient("127.0.0.1", 25, text if where == "helo" else HELO, None) as client:
        client.command(f"MAIL FROM:<{text if where == 'sender' else 'x@partner.example'}>")
        reply = client.command(f"RCPT TO:<{text if where == 'recipient' else 'b@example.net'}>")
        assert reply.code >= 500 or reply.ref, reply
    for line in daemon.find(event="verdict")[known:]:
        assert line["reason"] == "no-tls" and line["rule"] == "partner", line
    assert not daemon.find(event="policy-request")


def test_line_breaks_are_stripped(exim):
    """What the guard does to a value that has them, whatever Exim's SMTP lets through."""
    guards = re.findall(r"\$\{sg\{([^{}]+)\}(\{\\N\[\[:cntrl:\]\]\\N\}\{\?\})\}", (CONF / "exim.conf").read_text())
    assert sorted(value for value, _ in guards) == [
        "$authenticated_id", "$local_part@$domain", "$sender_address", "$sender_helo_name",
        "$sender_host_authenticated", "$sender_host_name"]
    assert exim.expand("${sg{a\\r\\nsender=b\\x01c\\x7f}" + guards[0][1] + "}") == "a??sender=b?c?"


def test_relay_by_key(lab, exim):
    """on-pass = permit: the office sends to the world, and whoever has another key to us only."""
    foreign = "someone@elsewhere.example"
    zone = lab.zone("branch.example")
    zone.tlsa(f"_smtp-client.{OFFICE}", lab.keys.self_signed.tlsa(3, 0, 1), lab.keys.self_signed.tlsa(3, 1, 1))
    lab.internet.publish(zone)
    outcome, token = send(lab, "x@branch.example", recipients=(foreign,), helo=OFFICE)
    assert outcome.delivered, outcome
    assert foreign in exim.message(token)
    outcome, _ = send(lab, "x@branch.example", "other", recipients=(foreign, "b@example.net"), helo=OFFICE)
    assert [reply.code for reply in outcome.rcpt] == [550, 250]
    assert "relay not permitted" in outcome.rcpt[0].text


def test_hold_is_frozen(lab, daemon, exim):
    outcome, token = send(lab, "held@partner.example", None)
    assert outcome.delivered
    assert re.search(r"(?m)^-frozen", exim.message(token))
    line = daemon.verdict(sender="held@partner.example", state="RCPT")
    assert line["action"] == "hold" and f"[ref {line['ref']}]" in exim.log()


def test_our_own_networks_are_not_asked_about(lab, daemon):
    sender = f"{lab.token()}@partner.example"
    assert send(lab, sender, None, bind=OWN_NETWORK)[0].delivered
    assert not daemon.find(event="verdict", sender=sender)


def test_several_recipients_get_one_field(lab, exim):
    outcome, token = send(lab, recipients=("b@example.net", "c@example.net"))
    assert outcome.delivered
    assert len(fields(exim.message(token))) == 1


def test_nobody_answers(lab, bench):
    """No socket: the client comes back, whoever it is."""
    mta = Exim(bench.folder / "exim", lab.keys, f"{bench.place()}/policy", "127.0.0.2")
    for sender in ("x@partner.example", "x@elsewhere.example"):
        reply = send(lab, sender, address="127.0.0.2")[0].rcpt[0]
        assert (reply.code, reply.enhanced) == (451, "4.3.5"), reply
    mta.stop()


@contextlib.contextmanager
def answering(path, reply):
    """Somebody at that socket who says this to every request, and then hangs up; None: who says nothing."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.listen()
        kept = []

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    kept.append(connection)
                    if reply is not None:
                        connection.recv(65536)
                        connection.sendall(reply)
                        connection.close()
        threading.Thread(target=serve, daemon=True).start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        for connection in kept:
            connection.close()


ANSWERS = [(None, 451), (b"", 451), (b"action=DUN", 451), (b"action=\n\n", 451), (b"nonsense\n\n", 451),
           (b"action=REJECT\n\n", 451), (b"action=250 2.0.0 well\n\n", 451), (b"action=DUNNO\n\n", 250)]


def test_odd_answers(lab, bench):
    """Nothing that is not one of danegate's replies lets anything pass; neither does silence, after the timeout."""
    path = str(bench.place() / "policy")
    mta = Exim(bench.folder / "exim", lab.keys, path, "127.0.0.2", lambda text: text.replace("{15s}", "{1s}"))
    for answer, code in ANSWERS:
        with answering(path, answer):
            reply = send(lab, address="127.0.0.2")[0].rcpt[0]
        assert reply.code == code, (answer, reply)
        os.unlink(path)
    mta.stop()


def test_two_messages_in_one_session(lab, daemon, exim):
    """What the first one was does not stick to the second."""
    first, second = f"{lab.token()}@partner.example", f"{lab.token()}@elsewhere.example"
    token = lab.token()
    with SocketClient("127.0.0.1", 25, HELO, "starttls", lab.keys.other) as client:
        assert client.send(first, "b@example.net", body="Subject: x\r\n\r\nx\r\n").rcpt[0].code == 550
        assert client.send(second, "b@example.net", body=f"Subject: x\r\n\r\n{token}\r\n").delivered
    field, = fields(exim.message(token))
    assert "policy.dane-rule" not in field
    lines = [daemon.verdict(sender=sender, state="RCPT") for sender in (first, second)]
    assert lines[0]["instance"] != lines[1]["instance"]


def test_settings(lab, bench):
    """What exim.conf says of danegate.toml is a configuration."""
    path = bench.place() / "danegate.toml"
    text = "".join(re.findall(r"(?m)^# {5}((?:\[|\w[\w-]* = (?!.*\$)).*\n)", (CONF / "exim.conf").read_text()))
    assert "[policy]" in text and "Debian-exim" in text
    path.write_text(f'{text}[dns]\ntrust-anchor-files = ["{lab.internet.anchor}"]\n')
    run(lab.bin_dir / "danegate", "check", path)
