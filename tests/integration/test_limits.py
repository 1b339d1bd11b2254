"""Bounds on what DNS may return and on how much is asked: past them, temperror overload at once, and never a pass."""

import pytest

from lab.policy import PolicyClient
from lab.postfix import Listener, check
from lab.smtp import SocketClient

SERVICE = [{"name": "smtp", "names": ["_smtp-client.{helo}"]}]


@pytest.mark.parametrize("bound, name, expected", [
    (64, "mta1.too-many.records.example", ("temperror", "overload", 451, "4.3.2")),
    (65, "mta1.too-many.records.example", ("fail", "mismatch", 550, "5.7.1")),
    (4, "mta1.large.records.example", ("temperror", "overload", 451, "4.3.2")),
    (5, "mta1.large.records.example", ("pass", "match", 250, "2.1.5")),
], ids=lambda value: str(value) if isinstance(value, int) else None)
def test_records_per_name(lab, bench, bound, name, expected):
    daemon = bench.started(limits={"records-per-name": bound}, service=SERVICE,
                           rule=[{"name": "records", "identities": ["*.records.example"]}])
    bench.postfix(Listener("127.0.0.1", 25), smtpd_recipient_restrictions=", ".join(
        ["reject_unauth_destination", check(daemon.endpoint, "smtp")]))
    with SocketClient("127.0.0.1", 25, name, credential=lab.keys.self_signed) as client:
        reply = client.send(f"{lab.token()}@records.example", "b@example.net", data=False).rcpt[0]
    line = daemon.verdict(helo=name)
    lab.report.append(f"{name:40} records-per-name={bound:<5} {reply.code} {reply.enhanced:6} "
                      f"{line['result']} {line['reason']}")
    assert (line["result"], line["reason"], reply.code, reply.enhanced) == expected
    if expected[1] == "overload":
        daemon.expect("warning", "limits.records-per-name")


def test_equal_lookups_are_one(lab, bench):
    """Twenty connections of one client ask about one name that nobody asked about before: one lookup, no overload."""
    daemon = bench.started(limits={"lookups-per-client": 2}, service=SERVICE,
                           rule=[{"name": "load", "identities": ["*.load.example"]}])
    clients = [PolicyClient(daemon.endpoint) for _ in range(20)]
    for client in clients:
        client.begin(lab.keys.self_signed, policy_context="smtp", helo_name="mta7.load.example")
    assert {client.action() for client in clients} == {"DUNNO"}
    for client in clients:
        client.close()


def test_lookups_in_flight_per_client(lab, bench):
    """One client address with slow names fills its own share; the next one past it is overload at once."""
    daemon = bench.started(limits={"lookups-per-client": 2}, service=SERVICE,
                           rule=[{"name": "slow", "identities": ["*.silent.example", "*.acme.example"]}])
    clients = [PolicyClient(daemon.endpoint) for _ in range(4)]
    for number, client in enumerate(clients):
        helo = f"slow{number}.silent.example"
        address = "192.0.2.1" if number < 3 else "192.0.2.2"
        client.begin(lab.keys.self_signed, policy_context="smtp", helo_name=helo, client_address=address,
                     sender=f"{number}@acme.example")
        if number < 2:
            lab.dns.await_question(helo)
    assert clients[2].action().startswith("451 4.3.2 ")
    for number in (0, 1, 3):
        assert clients[number].action().startswith("451 4.4.3 ")
    assert daemon.verdict(sender="2@acme.example")["reason"] == "overload"
    assert daemon.expect("warning", "limits.lookups-per-client")["client"] == "192.0.2.1"
    daemon.forgive("hold-off")
    assert {daemon.verdict(sender=f"{number}@acme.example")["reason"] for number in (0, 1, 3)} == {"dns-timeout"}
    for client in clients:
        client.close()
