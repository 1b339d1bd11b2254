"""The milter's bounds: past them a session, or a verdict, is put off; the others go on, and all is well afterwards."""

import concurrent.futures
import os
import time

from lab.milter_mtas import SendmailSession, sendmail_tls
from lab.policy import PolicyClient
from lab.procs import wait_until

GOOD, SLOW = "mta1.ee-cert-sha256.records.example", ["wait1.silent.example", "wait2.silent.example"]
HEADERS = [("From", "x@elsewhere.example"), ("Subject", "s")]
SERVICE = [{"name": "MTA", "ports": [25], "names": ["_smtp-client.{helo}"]}]
PARTNER = [{"name": "partner", "senders": ["partner.example"], "identities": ["*.records.example", "*.silent.example"]}]


def start(bench, **limits):
    return bench.started(milter={}, service=SERVICE, rule=PARTNER, limits=limits)


def opened(daemon, number):
    """A session that has said HELO; what it was told then is in `decision`."""
    session = SendmailSession(daemon.milter, client=("192.0.2.30", 20000 + number))
    session.connect()
    session.decision = session.helo(GOOD)
    return session


def ask(lab, daemon, helo, number=0, until="end"):
    """One message in a session of its own, and how long it took."""
    began = time.monotonic()
    session = SendmailSession(daemon.milter, client=("192.0.2.31", 30000 + number))
    session.greet(helo, tls=sendmail_tls(lab.keys.self_signed))
    message = session.message("x@partner.example", "b@example.net", headers=HEADERS, until=until)
    session.bye()
    return message, time.monotonic() - began


def overload_over(daemon, limit):
    return wait_until(lambda: daemon.find(event="overload-over", limit=limit), f"the count of {limit}", timeout=30)[0]


def test_sessions_past_the_bound_are_put_off(lab, bench):
    """Fifty idle sessions, and room for fifty: each of the next ones is told to come again, and none of the fifty hears
    of it. A place is free as soon as a session ends."""
    daemon = start(bench, **{"milter-connections": 50})
    idle = [opened(daemon, number) for number in range(50)]
    assert {session.decision.outcome for session in idle} == {"continue"}
    threads = len(os.listdir(f"/proc/{daemon.process.pid}/task"))
    for number in range(50, 60):
        late = opened(daemon, number)
        assert late.decision.outcome == "tempfail"
        late.close()
    mute = SendmailSession(daemon.milter, client=("192.0.2.30", 20060))
    mute.connect()
    assert mute.message("x@partner.example", "b@example.net", until="mail").action == "tempfail", "without HELO as well"
    mute.close()
    assert daemon.expect("warning", "limits.milter-connections")["event"] == "overload"
    with PolicyClient(daemon.endpoint) as client:
        assert client.ask(lab.keys.self_signed, helo_name=GOOD, sender="x@partner.example") == "DUNNO"
    busy = idle.pop()
    busy.helo(GOOD)
    busy.tls = sendmail_tls(lab.keys.self_signed)
    busy.helo(GOOD)
    assert busy.message("x@partner.example", "b@example.net", headers=HEADERS).action == "accept"
    busy.bye()

    def has_room():
        session = opened(daemon, 60)
        session.bye()
        return session.decision.outcome == "continue"

    wait_until(has_room, "room for one more", interval=0.05)
    for session in idle:
        session.bye()
    wait_until(lambda: ask(lab, daemon, GOOD)[0].action == "accept", "messages to be accepted", interval=0.05)
    over = overload_over(daemon, "limits.milter-connections")
    assert int(over["count"]) >= 10
    lab.report.append(f"50 idle milter sessions: {threads} threads; {over['count']} were put off, and none afterwards")
    daemon.forgive("limits.milter-connections")  # has_room() may have met it in a burst of its own


def test_verdicts_past_the_bound_are_overload_at_once(lab, bench):
    """Two wait for a silent zone: the third verdict of the milter is overload, whatever it is about; the policy service
    has bounds of its own. When the two are through, so is everybody."""
    daemon = start(bench, **{"milter-verdicts": 2})
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = [pool.submit(ask, lab, daemon, name, number, "rcpt") for number, name in enumerate(SLOW)]
        for name in SLOW:
            lab.dns.await_question(name)
        message, took = ask(lab, daemon, GOOD, 2)
        with PolicyClient(daemon.endpoint) as client:
            assert client.ask(lab.keys.self_signed, helo_name=GOOD, sender="x@partner.example") == "DUNNO"
        still_waiting = [not each.done() for each in waiting]
        slow = [each.result()[0] for each in waiting]
    assert still_waiting == [True, True], "or this has shown nothing"
    assert (message.action, message.final.text[:10]) == ("tempfail", "451 4.3.2 ")
    line = daemon.verdict(client="192.0.2.31", reason="overload")
    assert (line["result"], line["action"]) == ("temperror", "defer")
    assert {each.final.text[:10] for each in slow} == {"451 4.4.3 "}
    assert ask(lab, daemon, GOOD, 3)[0].action == "accept"
    assert daemon.expect("warning", "limits.milter-verdicts")["event"] == "overload"
    over = overload_over(daemon, "limits.milter-verdicts")
    lab.report.append(f"two of two verdicts of the milter wait: the next is overload after {1000 * took:.0f} ms; "
                      f"{over['count']} in all")
    assert over["count"] == "1"
    daemon.forgive("hold-off")
