"""libmilter's socket, signals and end: a reload that lives on, a drain, a start that says what is wrong."""

import grp
import os
import signal
import socket
import stat
import threading
import time

import pytest

from lab.churn import churn
from lab.milter_mtas import SendmailSession, sendmail_tls

HELO = "mta1.ee-cert-sha256.records.example"
HEADERS = [("From", "x@elsewhere.example"), ("Subject", "s")]
SERVICE = [{"name": "MTA", "names": ["_smtp-client.{helo}"]}]
PARTNER = {"name": "partner", "senders": ["partner.example"], "identities": ["*.records.example"]}
DEADLINE = 8  # limits.deadline


def session(lab, daemon, key="self_signed", helo=HELO, port=9000):
    made = SendmailSession(daemon.milter, client=("192.0.2.20", port))
    made.greet(helo, tls=sendmail_tls(key and getattr(lab.keys, key)))
    return made


def action(lab, daemon, **arguments):
    made = session(lab, daemon, **arguments)
    message = made.message("x@partner.example", "b@example.net", headers=HEADERS)
    made.bye()
    return message.action


def start(bench, **more):
    return bench.started(**{"milter": {}, "service": SERVICE, "rule": [PARTNER], **more})


def test_socket_mode_group_and_privileges(lab, bench):
    daemon = start(bench)
    found = os.stat(daemon.milter.removeprefix("unix:"))
    assert stat.S_IMODE(found.st_mode) == 0o660
    assert found.st_gid == grp.getgrnam("postfix").gr_gid
    assert action(lab, daemon) == "accept"
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as status:
        assert "0" not in dict(line.split(":", 1) for line in status)["Uid"].split()


@pytest.mark.parametrize("endpoint", ["inet:127.0.0.1:10045", "inet:[::1]:10045"])
def test_inet_socket(lab, bench, endpoint):
    daemon = start(bench, milter={"listen": endpoint})
    daemon.milter = endpoint
    assert action(lab, daemon) == "accept"
    assert action(lab, daemon, key="other") == "reject"


def test_reload(lab, bench):
    """A message keeps the rules that it began with; the session's next one sees the new ones. libmilter lives on."""
    daemon = start(bench)
    made = session(lab, daemon, key="other")
    made.message("x@partner.example", until="mail")
    changed = lab.config(**{**daemon.tables, "rule": [{**PARTNER, "on-fail": "tag"}]})
    daemon.reload(changed)
    for _ in range(100):
        if daemon.notified("READY=1"):
            break
        time.sleep(0.05)
    assert made.rcpt("b@example.net").outcome == "reject", "the rules of MAIL"
    made.abort()
    assert made.message("x@partner.example", "b@example.net", headers=HEADERS).action == "accept"
    made.bye()
    for _ in range(5):
        daemon.signal(signal.SIGHUP)
        assert action(lab, daemon, key="other") == "accept"


def test_no_thread_of_libmilter_takes_our_signals(lab, bench):
    """The kernel gives a signal to any thread that does not block it: SIGHUP would end the daemon, now and then."""
    daemon = start(bench)
    assert action(lab, daemon) == "accept"
    ours = sum(1 << (number - 1) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM))
    threads = {}
    for task in os.listdir(f"/proc/{daemon.process.pid}/task"):
        with open(f"/proc/{daemon.process.pid}/task/{task}/status", encoding="ascii") as status:
            threads[int(task)] = int(dict(line.split(":", 1) for line in status)["SigBlk"], 16) & ours
    assert threads.pop(daemon.process.pid) == 0
    assert len(threads) > 2 and set(threads.values()) == {ours}, threads


def test_reload_cannot_move_the_socket(lab, bench):
    daemon = start(bench)
    daemon.reload(lab.config(**{**daemon.tables, "milter": {"listen": "inet:127.0.0.1:10046"}}))
    daemon.expect("error", "milter.listen changes with a restart only")
    assert action(lab, daemon) == "accept"


def test_from_rule_without_milter_is_refused_at_start(bench):
    daemon = bench.daemon(service=SERVICE, rule=[{"name": "author", "from": ["acme.example"]}])
    daemon.start(ready=False)
    assert daemon.wait() == 78
    assert "rule.from: needs milter.listen" in daemon.stderr()


def test_sigterm_drains(lab, bench):
    """A message under way comes to its end, an idle session does not keep the daemon, and exit is 0 in time."""
    daemon = start(bench)
    idle = session(lab, daemon, port=9001)
    busy = session(lab, daemon, port=9002)
    busy.message("x@partner.example", "b@example.net", until="rcpt")
    began = time.monotonic()
    daemon.signal(signal.SIGTERM)
    time.sleep(0.5)
    assert daemon.process.poll() is None, "a message is under way"
    for name, value in HEADERS:
        assert busy.header(name, value).outcome == "continue"
    assert busy.eom().action == "accept"
    assert daemon.wait() == 0
    assert time.monotonic() - began < DEADLINE + 6
    assert not os.path.exists(daemon.milter.removeprefix("unix:"))
    idle.close()
    busy.close()


def test_sigterm_does_not_wait_for_ever(lab, bench):
    """A mail server that never ends its message: the drain is over with limits.deadline."""
    daemon = start(bench, limits={"deadline": "3s"})
    busy = session(lab, daemon)
    busy.message("x@partner.example", "b@example.net", until="rcpt")
    began = time.monotonic()
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    assert time.monotonic() - began < 3 + 6
    daemon.expect("warning", "time is up")
    busy.close()


def test_sigterm_while_a_verdict_waits(lab, bench):
    """The client's zone is silent: its verdict arrives, and then the daemon ends."""
    daemon = start(bench, lookup={"domains": ["silent.example"]})
    busy = session(lab, daemon, helo="mta1.silent.example")
    replies = []

    def ask():
        replies.append(busy.message("x@partner.example", "b@example.net", until="rcpt"))

    asking = threading.Thread(target=ask)
    asking.start()
    lab.dns.await_question("mta1.silent.example")
    daemon.signal(signal.SIGTERM)
    asking.join()
    assert replies[0].final.outcome == "tempfail"
    busy.close()
    assert daemon.wait() == 0


def test_stale_socket_is_taken_over(lab, bench):
    folder = bench.place()
    first = bench.daemon(folder=folder, milter={}, service=SERVICE, rule=[PARTNER]).start()
    first.signal(signal.SIGKILL)
    first.wait()
    path = folder / "milter"
    assert path.exists()
    second = start(bench, milter={"listen": f"unix:{path}"})
    second.milter = f"unix:{path}"
    assert action(lab, second) == "accept"


def taken_unix(bench):
    path = bench.place() / "milter"
    holder = socket.socket(socket.AF_UNIX)
    holder.bind(str(path))
    holder.listen()
    return holder, f"unix:{path}"


def taken_inet(_):
    holder = socket.create_server(("127.0.0.1", 10047))
    return holder, "inet:127.0.0.1:10047"


@pytest.mark.parametrize("take", [taken_unix, taken_inet])
def test_socket_in_use_ends_the_start(bench, take):
    holder, endpoint = take(bench)
    daemon = bench.daemon(milter={"listen": endpoint}, service=SERVICE, rule=[PARTNER])
    daemon.start(ready=False)
    assert daemon.wait() == 69
    assert endpoint in daemon.stderr()
    holder.close()


@pytest.mark.parametrize("settings, words", [
    ({"listen": "unix:/nonesuch/milter"}, "/nonesuch"),
    ({"socket-group": "nonesuch"}, "group nonesuch does not exist"),
], ids=["folder", "group"])
def test_socket_that_cannot_be_made_ends_the_start(bench, settings, words):
    daemon = bench.daemon(milter=settings, service=SERVICE, rule=[PARTNER])
    daemon.start(ready=False)
    assert daemon.wait() == 69
    assert words in daemon.stderr()


def test_many_sessions_under_reloads(lab, bench):
    """The short form, for every build."""
    outcome, _, _ = churn(start(bench), 15, lab.keys.self_signed, HELO)
    assert outcome["failures"] == [] and outcome["messages"] > 500, outcome


@pytest.mark.slow
def test_five_minutes_of_sessions_under_reloads(lab, churn_watch):
    """No failure and no growth, beside the other tests since the run began."""
    outcome, early, late = churn_watch.result()
    lab.report.append(f"churn: {outcome['sessions']} sessions, {outcome['messages']} messages, resident memory "
                      f"{early >> 10} KiB after a minute, {late >> 10} KiB in the end")
    assert outcome["failures"] == [] and outcome["messages"] > 10000, outcome
    assert late - early < 2 << 20, (early, late)
