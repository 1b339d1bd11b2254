"""Steady load: 200,000 requests, and the daemon is no bigger after them than it was after the first tenth."""

import time

import pytest

from lab.catalogue import LOAD_NAMES
from lab.load import Load
from lab.policy import PolicyClient
from lab.procs import wait_until

REQUESTS, CONNECTIONS, GROWTH = 200_000, 100, 1 << 20


@pytest.mark.heavy
def test_memory_and_replies(lab, bench):
    """100 connections, 50 names, and a message identity of its own for each request."""
    daemon = bench.started(service=[{"name": "smtp", "ports": [25], "names": ["_smtp-client.{helo}"]}],
                           rule=[{"name": "load", "identities": ["*.load.example"]}])
    with PolicyClient(daemon.endpoint) as client:  # one after the other: all at once is more than one client may ask
        assert {client.ask(lab.keys.self_signed, helo_name=name) for name in LOAD_NAMES} == {"DUNNO"}
    started = time.monotonic()
    with Load(daemon.endpoint, lab.keys.self_signed, LOAD_NAMES, CONNECTIONS) as load:
        load.run(REQUESTS // 10)
        before = daemon.resident_bytes()
        load.run(REQUESTS - REQUESTS // 10)
        after = daemon.resident_bytes()
    rate = REQUESTS / (time.monotonic() - started)
    lab.report.append(f"{REQUESTS} requests at {rate:,.0f}/s: resident memory {before:,} -> {after:,} octets")
    assert load.replies == REQUESTS and load.actions == {"DUNNO": REQUESTS}
    wait_until(lambda: len(daemon.find(event="verdict")) == REQUESTS + len(LOAD_NAMES), "a line for each verdict")
    if lab.sanitized():
        pytest.skip("a sanitizer's own memory hides the daemon's: replies were counted, growth was not judged")
    assert after - before < GROWTH
