"""The control socket and the commands that use it: status, cache, reload, against a real daemon."""

import errno
import json
import os
import pwd
import signal
import stat
import subprocess
import sys
import threading

import pytest

from lab import catalogue, control
from lab.control import ACME, RULES, SERVICE, request
from lab.load import Load
from lab.policy import PolicyClient
from lab.procs import wait_until

OTHER_USER = "postfix"


@pytest.fixture
def daemon(bench):
    return bench.started(service=SERVICE, rule=RULES)


@pytest.fixture
def danegate(lab, daemon):
    return control.tool_for(lab, daemon)


# --- status

def test_status_counts_what_happened(lab, daemon, danegate):
    before = control.status(daemon)
    assert before["pid"] == daemon.process.pid and before["configuration"] == str(daemon.config)
    assert before["listeners"] == [daemon.endpoint] and before["milter"] == "" and before["last_reload"] is None
    assert before["verdicts"]["total"] == 0 and before["cached_answers"] == 0
    with PolicyClient(daemon.endpoint) as client:
        assert client.ask(lab.keys.self_signed) == "DUNNO"
        assert client.ask(lab.keys.other, instance="2").startswith("550 ")
        after = control.status(daemon)
    assert after["verdicts"]["by_result"] == {"pass": 1, "temperror": 0, "permerror": 0, "policy": 0, "fail": 1,
                                              "none": 0}
    assert after["verdicts"]["by_action"] == {"tag": 1, "permit": 0, "reject": 1, "defer": 0, "hold": 0}
    assert after["verdicts"]["total"] == 2 and after["policy_connections"] == 1 and after["cached_answers"] == 1
    assert set(after["lookups"]) == {"claims", "requeries", "roster", "probes"}
    assert after["overloads"]["limits.lookups"] == 0

    code, text, errors = danegate("status")
    assert (code, errors) == (0, "")
    assert f"process {daemon.process.pid}," in text and "2: pass 1, fail 1" in text and "\x1b" not in text
    code, text, _ = danegate("status", "--json")
    assert code == 0 and json.loads(text)["verdicts"]["total"] == 2


def test_status_with_milter_and_roster(lab, bench):
    lab.publish("roster.example", "mta1.roster.example", lab.keys.self_signed.tlsa(3, 1, 1),
                lab.keys.following.tlsa(3, 1, 1))
    daemon = bench.started(service=SERVICE, milter={},
                           rule=[{"name": "r", "identities": ["mta1.roster.example", "none.roster.example"]}])
    control.await_known(daemon)
    said = control.status(daemon)
    assert said["milter"] == daemon.milter and said["milter_messages"] == 0
    roster = said["roster"]
    assert (roster["names"], roster["secure"], roster["absent"], roster["unresolved"]) == (2, 1, 1, 0)
    assert roster["soonest_signature_end"].endswith("Z")


def test_status_shows_what_is_held_off(lab, bench):
    daemon = bench.started(dns={"timeout": "1s"}, service=SERVICE,
                           rule=[{"name": "r", "identities": ["*.servfail.example"]}])
    with PolicyClient(daemon.endpoint) as client:
        for number in range(3):
            assert client.ask(lab.keys.self_signed, helo_name=f"m{number}.servfail.example").startswith("451 4.4.3")
    daemon.expect("warning", "hold-off")
    held = control.status(daemon)["held_off"]
    assert [zone["domain"] for zone in held] == ["servfail.example"]
    code, text, _ = control.tool(lab, "status", "--socket", daemon.control)
    assert code == 0 and "servfail.example: for " in text
    owner = catalogue.owner("m9.servfail.example")
    assert control.ask(daemon.control, "POST", f"/cache/flush?name={owner}")[0] == 200
    assert control.status(daemon)["held_off"] == []


def test_everything_answers_under_load(lab, daemon):
    """Reloads and questions beside a load: nobody loses a reply, and the counts add up."""
    with PolicyClient(daemon.endpoint) as client:
        assert client.ask(lab.keys.self_signed) == "DUNNO"
    explained = request(lab.keys.self_signed)
    with Load(daemon.endpoint, lab.keys.self_signed, ["mta1.acme.example"], connections=10) as load:
        for _ in range(5):
            load.run_for(0.1)
            results = []
            questions = [("GET", "/status"), ("GET", "/cache"), ("POST", "/reload"), ("POST", "/cache/flush"),
                         ("POST", "/explain", explained)]
            threads = [threading.Thread(target=lambda q=question: results.append(control.ask(daemon.control, *q)[0]))
                       for question in questions]
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                load.run_for(0.05)
            assert results == [200] * len(questions)
    assert load.replies == load.requests and load.actions == {"DUNNO": load.requests}
    assert control.status(daemon)["verdicts"]["total"] == load.requests + 1


# --- who may ask, and where

def test_socket_is_its_users_alone(lab, daemon, danegate):
    found = os.stat(daemon.control)
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert pwd.getpwuid(found.st_uid).pw_name == "nobody"
    attempt = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", attempt, daemon.control], user=OTHER_USER, group=OTHER_USER,
                          extra_groups=[], stderr=subprocess.PIPE, check=False)
    assert f"[Errno {errno.EACCES}]" in done.stderr.decode()
    code, text, errors = danegate("status", user=OTHER_USER, group=OTHER_USER, extra_groups=[])
    assert (code, text) == (69, "")
    assert f"unix:{daemon.control}: Permission denied: only root and server.user may connect" in errors
    code, _, _ = danegate("status", user="nobody", extra_groups=[])
    assert code == 0


def test_nobody_answers(lab, bench, daemon, danegate):
    daemon.stop()
    assert not daemon.control.exists()
    for command in ("status", "cache", "reload"):
        code, text, errors = danegate(command)
        assert (code, text) == (69, "")
        assert f"unix:{daemon.control}" in errors and "danegated is not running" in errors
    code, _, errors = danegate("explain", "--live", text=request())
    assert code == 69 and "danegated is not running" in errors


def test_what_a_killed_daemon_left_is_replaced(lab, bench):
    folder = bench.place()
    first = bench.daemon(folder=folder, service=SERVICE, rule=[ACME]).start()
    first.signal(signal.SIGKILL)
    first.wait()
    code, _, errors = control.tool(lab, "status", "--socket", first.control)
    assert code == 69 and "nobody listens there" in errors
    second = bench.started(folder=bench.place(), server={"control": f"unix:{first.control}"}, service=SERVICE)
    assert control.ask(first.control, "GET", "/status")[1]["pid"] == second.process.pid


def test_start_without_a_place_for_it(bench, daemon):
    """A folder that is missing, as after a boot, and a socket that another daemon has: the message says what to do."""
    missing = bench.daemon(server={"control": "unix:/run/nowhere/control"}, service=SERVICE).start(ready=False)
    assert missing.wait() == 69
    assert "install -d -o nobody -m 755 /run/nowhere" in missing.stderr()
    taken = bench.daemon(server={"control": f"unix:{daemon.control}"}, service=SERVICE).start(ready=False)
    assert taken.wait() == 69
    assert f"unix:{daemon.control}: in use" in taken.stderr()
    assert control.status(daemon)["pid"] == daemon.process.pid


def test_reload_moves_it_and_takes_it_away(lab, daemon):
    moved = daemon.folder / "moved"
    daemon.reload(lab.config(**{**daemon.tables, "server": {"control": f"unix:{moved}"}}))
    wait_until(moved.exists, "the other socket")
    wait_until(lambda: not daemon.control.exists(), "the first one to go")
    assert stat.S_IMODE(os.stat(moved).st_mode) == 0o600
    daemon.configure(lab.config(**{**daemon.tables, "server": {"control": ""}}))
    assert control.ask(moved, "POST", "/reload")[0] == 200  # told by the connection that it came in by
    assert not moved.exists()
    with PolicyClient(daemon.endpoint) as client:
        assert client.ask(lab.keys.self_signed) == "DUNNO"


# --- garbage, and those who say nothing

def test_garbage(lab, daemon):
    for octets in (b"request=smtpd_access_policy\n\n", b"\x16\x03\x01" + bytes(500), b"GET " + b"x" * 100000,
                   b"POST /reload HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"\r\n" * 2000,
                   b"GET /status HTTP/1.1"):
        connection = control.Connection(daemon.control)
        connection.connect()
        try:
            connection.sock.sendall(octets)
            connection.sock.shutdown(1)
            assert b" 200 " not in connection.sock.recv(65536)
        except OSError as error:
            assert error.errno in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN)
        connection.close()
    daemon.expect("warning", "http-request")  # once a minute, whatever comes
    assert control.status(daemon)["last_reload"] is None
    for method, target, code in (("GET", "/", 404), ("POST", "/status", 405), ("PUT", "/status", 405),
                                 ("POST", "/cache/flush?nmae=x", 400), ("GET", "/cache?name=", 400)):
        connection = control.Connection(daemon.control)
        connection.request(method, target)
        assert connection.getresponse().status == code
        connection.close()


def test_two_hundred_that_say_nothing(lab, daemon):
    """Policy clients never notice, and whoever has a question still has it answered."""
    with PolicyClient(daemon.endpoint) as client:
        assert client.ask(lab.keys.self_signed) == "DUNNO"
    silent = []
    for _ in range(200):
        silent.append(control.Connection(daemon.control))
        silent[-1].connect()
    with Load(daemon.endpoint, lab.keys.self_signed, ["mta1.acme.example"], connections=10) as load:
        load.run_for(0.5)
        assert control.status(daemon)["policy_connections"] >= 10
    assert load.replies == load.requests and load.actions == {"DUNNO": load.requests}
    daemon.expect("warning", "http-full")
    for connection in silent:
        connection.close()


# --- cache

@pytest.mark.parametrize("everything", [False, True], ids=["one name", "everything"])
def test_flush_asks_dns_again(lab, daemon, danegate, everything):
    """A record with TTL 3600 is replaced: until the flush the old key passes, afterwards it does not."""
    name = f"flush{int(everything)}.roll.example"
    owner = catalogue.owner(name)
    old, new = lab.keys.self_signed, lab.keys.following
    lab.publish("roll.example", name, old.tlsa(3, 1, 1))

    def asks(key):
        with PolicyClient(daemon.endpoint) as client:
            return client.ask(key, helo_name=name, sender="a@roll.example", instance=lab.token()).split()[0]
    assert asks(old) == "DUNNO"
    lab.publish("roll.example", name, new.tlsa(3, 1, 1))
    assert asks(old) == "DUNNO"
    stored = control.ask(daemon.control, "GET", f"/cache?name={owner}")[1]
    assert stored["cache"]["state"] == "secure" and 3000 < stored["cache"]["remaining"] <= 3600
    assert stored["cache"]["records"][0]["data"] in old.tlsa(3, 1, 1).lower() and stored["roster"] is None
    code, text, _ = danegate("cache", owner)
    assert code == 0 and text.startswith(f"{owner}\ncache          secure, ttl 3600, serves for ")

    code, text, _ = danegate("cache", *([] if everything else [owner]), "--flush")
    assert code == 0 and "forgotten" in text
    wait_until(lambda: daemon.find(event="cache-flushed", name="*" if everything else owner), "the log line")
    assert control.ask(daemon.control, "GET", f"/cache?name={owner}")[1]["cache"] is None
    assert danegate("cache", owner)[1] == f"{owner}\ncache          nothing\n"
    assert asks(old) == "550"
    assert asks(new) == "DUNNO"
    code, text, _ = danegate("cache", "--json")
    assert code == 0 and json.loads(text) == {"entries": 1, "roster": 1}


def test_wrong_name(danegate):
    for name in ("a..b", "x" * 300, "a b"):
        code, text, errors = danegate("cache", name, "--flush")
        assert (code, text) == (65, "") and "expected an owner name" in errors


def test_flushed_identity_is_refreshed_and_never_forgotten(lab, bench):
    """An identity that a rule names in full serves until DNS has said something else, out of reach or not."""
    name = "mta1.roster.example"
    owner = catalogue.owner(name)
    old, new = lab.keys.self_signed, lab.keys.following
    lab.publish("roster.example", name, old.tlsa(3, 1, 1), lab.keys.other.tlsa(3, 1, 1))
    daemon = bench.started(dns={"timeout": "1s"}, service=SERVICE, rule=[{"name": "r", "identities": [name]}])

    def verdict(key):
        token = lab.token()
        with PolicyClient(daemon.endpoint) as client:
            client.ask(key, helo_name="garbage", instance=token)
        return daemon.verdict(instance=token)["result"]
    wait_until(lambda: verdict(old) == "pass", "the key to be known", timeout=30)
    with lab.internet.cut_off():
        said = control.ask(daemon.control, "POST", f"/cache/flush?name={owner}")
        assert said == (200, {"flushed": 0, "roster": 1})
        wait_until(lambda: control.status(daemon)["lookups"]["roster"] == 1, "the refresh to begin")
        wait_until(lambda: control.status(daemon)["lookups"]["roster"] == 0, "the refresh to fail", timeout=30)
        assert verdict(old) == "pass"
        assert control.ask(daemon.control, "GET", f"/cache?name={owner}")[1]["roster"]["state"] == "secure"
    lab.publish("roster.example", name, new.tlsa(3, 1, 1), lab.keys.other.tlsa(3, 1, 1))
    control.ask(daemon.control, "POST", "/cache/flush")
    wait_until(lambda: verdict(new) == "pass", "the new key to be known", timeout=30)
    assert verdict(old) != "pass"


# --- reload

def test_reload_says_what_came_of_it(lab, daemon, danegate):
    code, text, errors = danegate("reload")
    assert (code, text, errors) == (0, "reloaded\n", "")
    assert control.status(daemon)["last_reload"]["ok"]

    good = daemon.config.read_text()
    line = good.count("\n") + 2
    daemon.configure(good + '[log]\nlevle = "info"\n')
    code, text, errors = danegate("reload")
    assert (code, text) == (78, "")
    assert f"{daemon.config}:{line}:1: unknown setting \"levle\"" in errors and "stays in force" in errors
    code, text, _ = danegate("reload", "--json")
    assert code == 78 and json.loads(text)["errors"][0].startswith(f"{daemon.config}:{line}:1: ")
    assert not control.status(daemon)["last_reload"]["ok"]
    assert "REFUSED" in danegate("status")[1]
    for _ in range(2):
        daemon.expect("error", "levle")

    daemon.configure(good.replace("unix:", "nuix:", 1))  # not even where the daemon is
    code, _, errors = danegate("reload")
    assert code == 78 and "--socket says where" in errors
    code, _, errors = danegate("reload", "--socket", daemon.control)
    assert code == 78 and "server.control: expected" in errors
    daemon.expect("error", "server.control")
    with PolicyClient(daemon.endpoint) as client:
        assert client.ask(lab.keys.other).startswith("550 ")


def test_reload_beside_sighup(lab, daemon):
    """Whoever asked for a reload is told of one that began afterwards: what he had written is in force then."""
    texts = {action: lab.config(**{**daemon.tables, "rule": [{**ACME, "on-pass": action}]})
             for action in ("hold", "tag")}
    with PolicyClient(daemon.endpoint) as client:
        for number in range(20):
            action = ("hold", "tag")[number % 2]
            daemon.configure(texts[action])
            daemon.signal(signal.SIGHUP)
            code, said = control.ask(daemon.control, "POST", "/reload")
            assert code == 200 and said["ok"]
            reply = client.ask(lab.keys.self_signed, instance=lab.token())
            assert reply.startswith("HOLD" if action == "hold" else "DUNNO")
