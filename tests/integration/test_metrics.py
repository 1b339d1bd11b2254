"""Metrics and health over HTTP: what is counted is what happened, and nobody at that port harms anybody."""

import contextlib
import os
import signal
import socket
import subprocess

import pytest

from lab import metrics
from lab.control import await_known
from lab.load import Load
from lab.metrics import Scrape
from lab.milter_mtas import PostfixSession, SendmailSession, postfix_tls, sendmail_tls
from lab.policy import PolicyClient, connect
from lab.procs import wait_until

HERE, ELSEWHERE = "inet:127.0.0.1:9144", "inet:[::1]:9145"
LISTEN = {"listen": HERE}
TLS_HELLO = b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"
SERVICE = [{"name": "smtp", "ports": [25], "names": ["_smtp-client.{helo}"]}]
ACME = {"name": "acme", "senders": ["acme.example"], "identities": ["*.acme.example", "*.silent.example"]}
LOAD = {"name": "load", "identities": ["*.load.example", "*.records.example", "*.nsec.example"]}


@pytest.fixture
def daemon(bench):
    return bench.started(service=SERVICE, rule=[ACME, LOAD], metrics=LISTEN)


def ask_all(lab, daemon):
    """Passes, fails, none and temperror; the number of requests."""
    keys = lab.keys
    requests = [(keys.self_signed, f"mta{number}.load.example", "l@load.example") for number in range(5)]
    requests += [(keys.other, f"mta{number}.load.example", "l@load.example") for number in range(5, 8)]
    requests += [(None, "mta1.acme.example", "a@acme.example"),
                 (keys.self_signed, "mta1.acme.example", "a@acme.example"),
                 (keys.self_signed, "mta1.absent.nsec.example", "x@elsewhere.example"),
                 (keys.self_signed, 'evil"} 1\n', "x@elsewhere.example"),
                 (keys.self_signed, "mta1.silent.example", "a@acme.example")]
    with PolicyClient(daemon.endpoint) as client:
        for number, (key, helo, sender) in enumerate(requests):
            client.ask(key, helo_name=helo.replace("\n", " "), sender=sender, instance=f"1.{number}.0")
    return len(requests)


def test_counts_are_what_the_log_says(lab, bench):
    """Policy and milter, enforced, monitored and by the From: each line of the log is one count, each decision one
    duration, each lookup another. No label has a value that a peer chose.
    """
    trial = {"name": "trial", "senders": ["load.example"], "identities": ["*.trial.load.example"], "mode": "monitor"}
    author = {"name": "author", "from": ["acme.example"], "identities": ["*.acme.example"]}
    daemon = bench.started(
        milter={}, metrics=LISTEN, service=[*SERVICE, {"name": "MTA", "names": ["_smtp-client.{helo}"]}],
        rule=[trial, ACME, LOAD, author])
    before = Scrape(HERE)
    assert not before.verdicts() and before.value("danegate_verdict_duration_seconds_count") == 0
    asked = ask_all(lab, daemon)

    session = SendmailSession(daemon.milter, daemon_name="MTA")
    session.greet("mta1.ee-cert-sha256.records.example", tls=sendmail_tls(lab.keys.self_signed))
    session.message("x@elsewhere.example", "b@example.net", "c@example.net", headers=[("From", "x@acme.example")])
    session.bye()
    session = PostfixSession(daemon.milter)
    session.greet("mta1.acme.example", tls=None)
    session.message("x@elsewhere.example", "b@example.net", headers=[("From", "x@elsewhere.example")])
    session.bye()

    now = Scrape(HERE)
    counted = now.verdicts()
    wait_until(lambda: metrics.logged(daemon).total() >= counted.total(), "the log's last line")
    assert counted == metrics.logged(daemon)
    lines = daemon.find(event="verdict")
    refs = {line["ref"] for line in lines}
    assert len(refs) == asked + 4, "two recipients and a From, one recipient"
    assert now.value("danegate_verdict_duration_seconds_count") == len(refs)
    assert now.value("danegate_verdict_duration_seconds_bucket", le="+Inf") == len(refs)
    words = {key: {combination[at] for combination in counted} for at, key in enumerate(metrics.VERDICT)}
    assert words["service"] == {"smtp", "MTA"}
    assert words["rule"] == {"trial", "acme", "load", "author"}
    assert words["mode"] == {"enforce", "monitor"}
    assert words["result"] == {"pass", "fail", "none", "temperror", "policy"}
    assert "evil" not in now.text

    lookups = now.by("danegate_lookups_total", "outcome")
    hits = now.value("danegate_cache_hits_total")
    made, cached = (sum({line["ref"]: int(line[key]) for line in lines}.values()) for key in ("lookups", "cached"))
    assert sum(lookups.values()) + hits == made + cached, "what the resolver had in its own cache is a lookup here"
    assert sum(lookups.values()) >= made > 10
    assert now.value("danegate_lookup_duration_seconds_count") == sum(lookups.values())
    assert lookups["timeout"] == 1 and lookups["absent"] >= 1 and lookups["overload"] == 0
    assert now.value("danegate_lookup_duration_seconds_sum") >= 2, "the one that timed out took dns.timeout"
    assert now.value("danegate_cache_entries") == now.value("danegate_cache_misses_total")
    flying = now.by("danegate_lookups_in_flight", "kind")
    assert flying.pop("client") <= 1, "the resolver may go on with the one that timed out"
    assert flying == {"requery": 0, "roster": 0}


def test_verdicts_are_counted_below_the_logs_level(lab, bench):
    daemon = bench.started(service=SERVICE, rule=[ACME, LOAD], metrics=LISTEN, log={"level": "warning"})
    asked = ask_all(lab, daemon)
    assert sum(Scrape(HERE).verdicts().values()) == asked
    assert not daemon.find(event="verdict")


def test_gauges_say_what_is(lab, bench):
    """Connections, messages, lookups under way, the roster and its signatures, a limit that is met."""
    named = {"name": "named", "senders": ["named.example"],
             "identities": ["mta1.acme.example", "mta1.absent.nsec.example"]}
    daemon = bench.started(milter={}, metrics=LISTEN, service=SERVICE, rule=[named, ACME, LOAD],
                           limits={"lookups-per-client": 1})
    await_known(daemon)
    now = Scrape(HERE)
    assert now.by("danegate_roster_names", "state") == {"secure": 1, "absent": 1, "insecure": 0, "unresolved": 0}
    end = now.value("danegate_roster_signatures_end_timestamp_seconds")
    assert end > now.value("danegate_start_time_seconds")
    assert (now.value("danegate_policy_connections"), now.value("danegate_milter_connections")) == (0, 0)
    with PolicyClient(daemon.endpoint) as waiting, PolicyClient(daemon.endpoint) as refused:
        waiting.begin(lab.keys.self_signed, helo_name="mta1.silent.example")
        lab.dns.await_question("mta1.silent.example")
        assert refused.ask(lab.keys.self_signed, helo_name="mta2.silent.example").startswith("451 4.3.2 ")
        session = PostfixSession(daemon.milter)
        session.greet("mta1.acme.example", tls=postfix_tls())
        session.message("x@elsewhere.example", until="mail")
        now = Scrape(HERE)
        assert now.value("danegate_lookups_in_flight", kind="client") == 1
        assert now.value("danegate_policy_connections") == 2
        assert (now.value("danegate_milter_connections"), now.value("danegate_milter_messages")) == (1, 1)
        assert now.value("danegate_overload_total", limit="limits.lookups-per-client") == 1
        assert sum(now.by("danegate_overload_total", "limit").values()) == 1
        assert now.value("danegate_lookups_total", outcome="overload") == 1
        session.abort()
        session.bye()
        assert waiting.action().startswith("451 4.4.3 ")
    daemon.expect("warning", "limits.lookups-per-client")
    wait_until(lambda: Scrape(HERE).value("danegate_milter_connections") == 0, "the session to be over")


def test_promtool_finds_nothing_to_complain_about(lab, daemon):
    ask_all(lab, daemon)
    done = subprocess.run(["promtool", "check", "metrics"], input=Scrape(HERE).text.encode(), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60)
    assert (done.returncode, done.stdout) == (0, b"")


def test_scrapes_under_load(lab, daemon):
    """They fail nobody, and in the end every reply was counted."""
    names = [f"mta{number}.load.example" for number in range(5)]  # fewer than limits.lookups-per-client
    seen = 0
    with Load(daemon.endpoint, lab.keys.self_signed, names, connections=10) as load:
        for _ in range(20):
            load.run_for(0.05)
            now = Scrape(HERE)
            total = sum(now.verdicts().values())
            assert seen <= total <= load.requests
            assert total == now.value("danegate_verdict_duration_seconds_count")
            seen = total
    assert load.replies == load.requests and not load.torn
    assert sum(Scrape(HERE).verdicts().values()) == load.replies


def test_health(lab, daemon):
    """Ready while it serves; 503 while it drains, and /healthz and /metrics still answer then."""
    assert metrics.get(HERE, "/healthz") == (200, "text/plain; charset=utf-8", "ok\n")
    assert metrics.get(HERE, "/readyz")[::2] == (200, "ready\n")
    assert metrics.get(HERE, "/")[0] == 404
    assert metrics.get(HERE, "/metrics", method="POST")[0] == 405
    with PolicyClient(daemon.endpoint) as waiting:
        waiting.begin(lab.keys.self_signed, helo_name="drain.silent.example")
        lab.dns.await_question("drain.silent.example")
        daemon.signal(signal.SIGTERM)
        wait_until(lambda: metrics.get(HERE, "/readyz")[::2] == (503, "draining\n"), "the drain", interval=0.002)
        assert metrics.get(HERE, "/healthz")[0] == 200
        assert Scrape(HERE).value("danegate_policy_connections") == 1
        assert waiting.action().startswith("451 4.4.3 ")
    assert daemon.wait() == 0


def test_reloads(lab, daemon):
    """Counted by outcome; counters go on, of rules that are gone as well."""
    with PolicyClient(daemon.endpoint) as client:
        client.ask(lab.keys.self_signed, helo_name="mta1.load.example", sender="x@load.example")
    before = Scrape(HERE).verdicts()
    assert before and Scrape(HERE).by("danegate_reloads_total", "outcome") == {"ok": 0, "failed": 0}
    good = lab.config(**{**daemon.tables, "rule": [ACME, {**LOAD, "name": "renamed"}]})
    daemon.reload(good + "\n[log]\nlevel = 7\n")
    daemon.expect("error", "log.level")
    now = wait_until(lambda: (s := Scrape(HERE)).value("danegate_reload_failing") == 1 and s, "the reload to fail")
    assert now.by("danegate_reloads_total", "outcome") == {"ok": 0, "failed": 1}
    daemon.reload(good)
    now = wait_until(lambda: (s := Scrape(HERE)).value("danegate_reload_failing") == 0 and s, "the reload")
    assert now.by("danegate_reloads_total", "outcome") == {"ok": 1, "failed": 1}
    with PolicyClient(daemon.endpoint) as client:
        client.ask(lab.keys.self_signed, helo_name="mta1.load.example", sender="x@load.example")
    after = Scrape(HERE).verdicts()
    assert not before - after and after - before == {("smtp", "renamed", "enforce", "tag", "pass", "match"): 1}


def test_listener_changes_with_a_reload(lab, daemon):
    """Elsewhere, nowhere, and back; what cannot be bound leaves the old configuration in force."""
    def with_metrics(table):
        return lab.config(**{**daemon.tables, "metrics": table})

    def refuses(endpoint):
        with contextlib.suppress(ConnectionRefusedError):
            connect(endpoint).close()
            return False
        return True

    daemon.reload(with_metrics({"listen": ELSEWHERE}))
    wait_until(lambda: not refuses(ELSEWHERE), "the new listener")
    wait_until(lambda: refuses(HERE), "the old one to close")
    wait_until(lambda: Scrape(ELSEWHERE).value("danegate_reloads_total", outcome="ok") == 1, "the end of the reload")
    with socket.create_server(("127.0.0.1", 9144)):
        daemon.reload(with_metrics(LISTEN))
        daemon.expect("error", HERE)
        wait_until(lambda: Scrape(ELSEWHERE).value("danegate_reload_failing") == 1, "the reload to fail")
    daemon.reload(with_metrics({}))
    wait_until(lambda: refuses(ELSEWHERE), "the listener to close")
    daemon.reload(with_metrics(LISTEN))
    wait_until(lambda: not refuses(HERE), "the listener to come back")


def test_unix_socket(bench):
    """Open to everybody who reaches the folder, as a port is."""
    folder = bench.place()
    daemon = bench.started(folder=folder, service=SERVICE, metrics={"listen": f"unix:{folder}/metrics"})
    assert os.stat(folder / "metrics").st_mode & 0o777 == 0o666
    assert Scrape(f"unix:{folder}/metrics").value("danegate_build_info") == 1
    daemon.stop()
    assert not (folder / "metrics").exists()


def test_port_in_use_ends_the_start(bench):
    daemon = bench.daemon(service=SERVICE, metrics=LISTEN)
    with socket.create_server(("127.0.0.1", 9144)):
        daemon.start(ready=False)
        assert daemon.wait() == 69
    assert HERE in daemon.stderr()


def test_idle_connections_and_garbage_harm_nobody(lab, daemon):
    """A hundred connections that say nothing, and bytes that are no HTTP: mail is judged, and scrapes are answered."""
    with contextlib.ExitStack() as stack, PolicyClient(daemon.endpoint) as client:
        for _ in range(100):
            stack.enter_context(connect(HERE))
        for garbage in (b"\0" * 4096, b"GET /metrics\r\n\r\n", TLS_HELLO, b"GET " + b"/" * 65536):
            connection = stack.enter_context(connect(HERE))
            with contextlib.suppress(ConnectionError):  # it may hang up before all was sent
                connection.sendall(garbage)
            with contextlib.suppress(ConnectionError):
                while reply := connection.recv(4096):
                    assert b"danegate_" not in reply
        assert client.ask(lab.keys.self_signed, helo_name="mta1.load.example", sender="x@load.example") == "DUNNO"
        for _ in range(5):
            assert sum(Scrape(HERE).verdicts().values()) == 1
    daemon.expect("warning", "too many connections")
    daemon.forgive("http-")
