"""The verdict line: its keys and their order, in logfmt and in JSON, and the reply that quotes its reference."""

import json

import pytest

from lab import logfmt
from lab.policy import PolicyClient
from lab.procs import wait_until

KEYS = ["time", "level", "event", "ref", "queue", "instance", "state", "service", "rule", "mode", "action", "result",
        "reason", "identity", "owner", "dnssec", "record", "ttl", "client", "helo", "sender", "lookups", "cached", "ms"]
SERVICE = [{"name": "smtp", "ports": [25], "names": ["_smtp-client.{helo}"]}]
ACME = {"name": "acme", "identities": ["*.acme.example"]}
PARSERS = {"logfmt": logfmt.parse, "json": json.loads}


def ask(lab, daemon, parse, **request):
    """One request; returns its action and the verdict lines with its reference or, for lack of one, its sender."""
    sender = f"{lab.token()}@acme.example"
    with PolicyClient(daemon.endpoint) as client:
        action = client.ask(sender=sender, **request)
    return action, wait_until(lambda: [parsed for line in daemon.stderr().splitlines()
                                       if (parsed := parse(line)).get("sender") == sender], "the verdict line")


@pytest.mark.parametrize("form", PARSERS)
def test_keys(lab, bench, form):
    daemon = bench.daemon(log={"format": form}, service=SERVICE, rule=[ACME]).start()
    action, (line,) = ask(lab, daemon, PARSERS[form], credential=lab.keys.self_signed, queue_id="4F1")
    assert [key for key in line if key != "detail"] == KEYS
    expected = {"level": "info", "event": "verdict", "queue": "4F1", "state": "RCPT", "service": "smtp",
                "rule": "acme", "mode": "enforce", "action": "tag", "result": "pass", "reason": "match",
                "identity": "mta1.acme.example", "owner": "_smtp-client.mta1.acme.example", "dnssec": "secure",
                "client": "192.0.2.1", "helo": "mta1.acme.example"}
    assert {key: line[key] for key in expected} == expected
    assert line["record"].startswith("3 1 1 ") and int(line["ttl"]) > 0 and action == "DUNNO"
    daemon.signal(15)
    assert daemon.wait() == 0


def test_monitor_logs_what_would_have_been(lab, bench):
    """A rule in monitor mode refuses nothing: its line says what it would have done, under the same reference."""
    daemon = bench.started(service=SERVICE, rule=[{**ACME, "mode": "monitor"}, {"name": "rest", "on-fail": "tag"}])
    action, lines = ask(lab, daemon, logfmt.parse, credential=lab.keys.other)
    lines = wait_until(lambda: len(found := daemon.find(ref=lines[0]["ref"])) == 2 and found, "both lines")
    assert action == "DUNNO"
    assert {(line["rule"], line["mode"], line["action"]) for line in lines} == {
        ("acme", "monitor", "reject"), ("rest", "enforce", "tag")}
    assert all(line["result"] == "fail" and line["identity"] == "" for line in lines)
