"""Keys roll: a cached answer, positive or negative, never turns away a client that DNS would admit now."""

import time

import pytest

from lab.policy import PolicyClient
from lab.postfix import Listener, check
from lab.smtp import SocketClient

MIN_TTL = 2


@pytest.fixture(scope="module")
def daemon(module_bench):
    return module_bench.started(dns={"min-ttl": f"{MIN_TTL}s", "max-ttl": "1h"},
                                service=[{"name": "smtp", "names": ["_smtp-client.{helo}"]}],
                                rule=[{"name": "roll", "identities": ["*.roll.example"]}])


@pytest.fixture(scope="module", autouse=True)
def postfix(module_bench, daemon):
    return module_bench.postfix(
        Listener("127.0.0.1", 25),
        smtpd_recipient_restrictions=f"reject_unauth_destination, {check(daemon.endpoint, 'smtp')}")


@pytest.fixture
def attempt(lab, daemon):
    """One session with a credential; returns result and reason."""
    def attempt(name, credential):
        token = lab.token()
        with SocketClient("127.0.0.1", 25, name, credential=credential) as client:
            client.send(f"{token}@roll.example", "b@example.net", data=False)
        line = daemon.verdict(sender=f"{token}@roll.example")
        return line["result"], line["reason"]
    return attempt


def test_replaced_key(lab, attempt):
    """TTL 3600, replaced a second ago: the new key passes at once, the old one fails within min-ttl after that."""
    name, old, new = "mta1.roll.example", lab.keys.self_signed, lab.keys.following
    lab.publish("roll.example", name, old.tlsa(3, 1, 1), ttl=3600)
    assert attempt(name, old) == ("pass", "match")
    lab.publish("roll.example", name, new.tlsa(3, 1, 1), ttl=3600)
    time.sleep(1)
    assert attempt(name, new) == ("pass", "match")
    time.sleep(MIN_TTL)
    assert attempt(name, old) == ("fail", "mismatch")
    assert attempt(name, new) == ("pass", "match")


def test_record_published_while_its_denial_was_cached(lab, attempt):
    name, key = "mta2.roll.example", lab.keys.self_signed
    assert attempt(name, key) == ("none", "no-record")
    lab.publish("roll.example", name, key.tlsa(3, 1, 1))
    assert attempt(name, key) == ("pass", "match")


def test_repaired_records(lab, attempt):
    """Records that could not be judged are replaced by one that can."""
    name, key = "mta3.roll.example", lab.keys.self_signed
    lab.publish("roll.example", name, key.tlsa(2, 1, 1))
    assert attempt(name, key) == ("fail", "unusable")
    lab.publish("roll.example", name, key.tlsa(3, 1, 1))
    time.sleep(MIN_TTL)
    assert attempt(name, key) == ("pass", "match")


def test_a_stranger_does_not_cause_a_query_each_time(lab, attempt):
    """The re-query before a refusal is rate-limited per name: an impostor's attempts do not become a DNS load."""
    name = "mta4.roll.example"
    lab.publish("roll.example", name, lab.keys.self_signed.tlsa(3, 1, 1))
    assert attempt(name, lab.keys.other) == ("fail", "mismatch")
    lab.dns.forget()
    started = time.monotonic()
    for _ in range(10):
        assert attempt(name, lab.keys.other) == ("fail", "mismatch")
    limit = 1 + (time.monotonic() - started) / MIN_TTL
    asked = [question for question in lab.dns.below(name) if question.rrtype == "TLSA"]
    assert len(asked) <= limit, asked


def test_answer_that_only_the_resolver_remembers(lab, bench):
    """danegate's own cache has lost the name, the resolver under it has not: the new key passes at once, too."""
    names = ["mta5.roll.example", "mta6.roll.example"]
    daemon = bench.started(dns={"cache-entries": 1}, service=[{"name": "smtp", "names": ["_smtp-client.{helo}"]}],
                           rule=[{"name": "roll", "identities": ["*.roll.example"]}])
    for name in names:
        lab.publish("roll.example", name, lab.keys.self_signed.tlsa(3, 1, 1))
    with PolicyClient(daemon.endpoint) as client:
        for name in names:
            assert client.ask(lab.keys.self_signed, policy_context="smtp", helo_name=name) == "DUNNO"
        lab.publish("roll.example", names[0], lab.keys.following.tlsa(3, 1, 1))
        time.sleep(1.5)  # a TTL counts whole seconds: what is younger than one looks new
        assert client.ask(lab.keys.following, policy_context="smtp", helo_name=names[0]) == "DUNNO"
