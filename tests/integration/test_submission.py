"""Submission by key, live: who may send as whom, through a real Postfix and with SIGHUP."""

import hashlib

import pytest

from lab.policy import PolicyClient
from lab.postfix import Listener, check
from lab.procs import wait_until
from lab.smtp import SocketClient

LABEL = "_submission-client"
FOREIGN = "someone@elsewhere.example.org"
DEVICE = "scanner.devices.roster.example"
SERVICE = [{"name": "submission", "ports": [587],
            "names": [f"{LABEL}.{{helo}}", f"{{sender.hash}}.{LABEL}.{{sender.domain}}"]}]


def hashed(local, domain="roster.example"):
    """The owner name of an address, made with Python's own SHA-256 (RFC 7929 section 3)."""
    return f"{hashlib.sha256(local.encode()).hexdigest()[:56]}.{LABEL}.{domain}"


def rule(**changes):
    return {"name": "submission", "senders": ["roster.example", "<>"], "on-pass": "permit",
            "identities": ["{sender}", "*.devices.{sender.domain}"], **changes}


@pytest.fixture(scope="module")
def zone(lab):
    """alice, "al ice" and älice have one key; bob and the device have others."""
    alice, bob, device = lab.keys.self_signed, lab.keys.other, lab.keys.following
    records = lab.zone("roster.example")
    for local in ("alice", "al ice", "älice"):
        records.tlsa(hashed(local), alice.tlsa(3, 1, 1))
    records.tlsa(hashed("bob"), bob.tlsa(3, 1, 1))
    records.tlsa(f"{LABEL}.{DEVICE}", device.tlsa(3, 1, 1))
    lab.internet.publish(records)


@pytest.fixture(scope="module")
def daemon(module_bench, zone):
    return module_bench.started(dns={"min-ttl": "1s"}, service=SERVICE,
                                rule=[rule(identities=["{sender}", "*.devices.roster.example"])])


@pytest.fixture(scope="module", autouse=True)
def postfix(module_bench, daemon):
    return module_bench.postfix(
        Listener("127.0.0.1", 587, {"smtpd_relay_restrictions": f"{check(daemon.endpoint, 'submission')}, reject",
                                    "smtpd_recipient_restrictions": ""}), smtputf8_enable="yes")


# sender -> may alice's key send as it?
@pytest.mark.parametrize("sender, reason, identity", [
    ("alice@roster.example", "match", "alice@roster.example"),
    ("Alice@Roster.Example", "match", "Alice@roster.example"),
    ("bob@roster.example", "mismatch", ""),
    ("alice@acme.example", "not-listed", ""),
    ("nobody@roster.example", "no-record", ""),
    ('"al ice"@roster.example', "match", "al ice@roster.example"),
    ("älice@roster.example", "match", "älice@roster.example"),
    ("", "no-name", ""),
], ids=str)
def test_alice(lab, daemon, sender, reason, identity):
    seen = len(daemon.find(event="verdict"))
    with SocketClient("127.0.0.1", 587, "laptop", credential=lab.keys.self_signed) as client:
        utf8 = " SMTPUTF8" if not sender.isascii() else ""
        assert client.command(f"MAIL FROM:<{sender}>{utf8}").code == 250
        reply = client.command(f"RCPT TO:<{FOREIGN}>")
        client.command("RSET")
    line = wait_until(lambda: daemon.find(event="verdict")[seen:], "the verdict")[0]
    if reason == "not-listed":  # no rule holds for that sender's domain: the service's default, and Postfix's reject
        assert line["rule"] == "" and reply.code == 554
    else:
        assert (line["reason"], line["identity"]) == (reason, identity)
        assert reply.code == {"match": 250, "no-record": 451}.get(reason, 550)


def test_null_sender_of_a_device(lab, daemon):
    """A device satisfies the rule by its own name, whatever it sends as; an address cannot without a sender."""
    with SocketClient("127.0.0.1", 587, DEVICE, credential=lab.keys.following) as client:
        assert client.send("", FOREIGN, data=False).rcpt[0].code == 250
    assert daemon.verdict(identity=DEVICE, sender="")["result"] == "pass"


def test_grants(lab, bench, zone):
    """Who may send as whom changes with SIGHUP; a key that the roster knows sends as its grants allow."""
    folder = bench.place()
    grants = folder / "grants"
    grants.write_text(f"{DEVICE} alerts@roster.example\n")
    strict = rule(identities=[DEVICE, "alice@roster.example"], grants=[str(grants)])
    daemon = bench.started(dns={"min-ttl": "1s", "refresh-per-second": 100}, service=SERVICE, rule=[strict])
    tokens = iter(range(1000))

    def ask(credential, sender, helo="laptop"):
        instance = f"g{next(tokens)}"
        with PolicyClient(daemon.endpoint) as client:
            client.ask(credential, policy_context="submission", helo_name=helo, sender=sender, instance=instance)
        line = daemon.verdict(instance=instance)
        return line["reason"], line["identity"]

    alice, device = lab.keys.self_signed, lab.keys.following
    wait_until(lambda: ask(alice, "alice@roster.example") == ("match", "alice@roster.example"), "the roster", timeout=20)
    wait_until(lambda: ask(alice, "sales@roster.example")[0] == "sender-not-allowed", "all to be resolved", timeout=20)
    assert ask(device, "alerts@roster.example", DEVICE) == ("match", DEVICE)
    assert ask(device, "alerts@roster.example") == ("match", DEVICE), "by its key alone"
    assert ask(device, "boss@roster.example", DEVICE) == ("sender-not-allowed", DEVICE)
    assert ask(alice, "sales@roster.example") == ("sender-not-allowed", "alice@roster.example")
    assert ask(alice, "bob@roster.example") == ("sender-not-allowed", "alice@roster.example")
    grants.write_text(f"{DEVICE} boss@roster.example\nalice@roster.example sales@roster.example\n")
    daemon.reload(daemon.config.read_text())
    wait_until(lambda: ask(device, "boss@roster.example", DEVICE) == ("match", DEVICE), "the reload")
    assert ask(device, "alerts@roster.example", DEVICE) == ("sender-not-allowed", DEVICE)
    assert ask(alice, "sales@roster.example") == ("match", "alice@roster.example")
    assert ask(alice, "bob@roster.example") == ("sender-not-allowed", "alice@roster.example")
