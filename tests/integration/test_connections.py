"""The policy protocol as such: order, chunks, half-close, and what a malformed request costs (its own connection)."""

import re
import socket

import pytest

from lab.policy import PolicyClient, attributes, encode
from lab.procs import wait_until

HELO = "mta1.acme.example"
RULES = {"service": [{"name": "smtp", "ports": [25], "names": ["_smtp-client.{helo}"]}],
         "rule": [{"name": "acme", "identities": ["*.acme.example"]}]}


@pytest.fixture(scope="module")
def daemon(module_bench):
    return module_bench.started(**RULES)


@pytest.fixture
def client(daemon):
    with PolicyClient(daemon.endpoint) as client:
        yield client


def test_many_requests_on_one_connection(lab, client):
    for _ in range(20):
        assert client.ask(lab.keys.self_signed) == "DUNNO"
        assert client.ask(lab.keys.other).startswith("550 5.7.1 ")


def test_requests_in_one_write_are_answered_in_order(lab, client):
    good, bad = (encode(attributes(key)) for key in (lab.keys.self_signed, lab.keys.other))
    client.write(good + bad + good)
    assert [client.action()[:3] for _ in range(3)] == ["DUN", "550", "DUN"]


def test_request_in_small_pieces(lab, client):
    data = encode(attributes(lab.keys.self_signed))
    for start in range(0, len(data), 7):
        client.write(data[start:start + 7])
    assert client.action() == "DUNNO"


def test_half_close_gets_the_reply_and_then_eof(lab, client):
    """Exim's readsocket closes its side after the request and reads until the end."""
    client.write(encode(attributes(lab.keys.self_signed)))
    client.socket.shutdown(socket.SHUT_WR)
    assert client.action() == "DUNNO"
    assert client.at_end()


def test_attributes_of_an_old_postfix(lab, daemon, client):
    """Postfix 2.9: no port, no context, no server address; and nothing that comes after them."""
    late = ("client_port", "policy_context", "server_address", "server_port", "compatibility_level", "mail_version")
    assert client.ask(lab.keys.other, **dict.fromkeys(late)) == "DUNNO", "no service can be chosen"
    daemon.expect("warning", "belongs to no service")


def test_unknown_attributes_are_ignored(lab, client):
    assert client.ask(lab.keys.self_signed, tls_sni="mx.example.net", next_century="=yes=") == "DUNNO"


def test_peer_text_cannot_leave_its_line(lab, daemon, client):
    """Quotes, backslashes, controls and broken UTF-8 in what the peer says: one log line still, one reply still."""
    token = lab.token()
    request = encode(attributes(lab.keys.other, sender=f"{token}\"\\ \t=[ref X]@acme.example"))
    client.write(request.replace(b"[ref X]", b"\xff\xfe\x1b[31m"))
    assert client.action().startswith("550 ")
    line, = wait_until(lambda: [each for each in daemon.lines() if each.get("sender", "").startswith(token)],
                       "the verdict line")
    assert line["result"] == "fail"


def test_hangup_without_a_request_is_no_event(daemon):
    """A port scan, a restarted Postfix: nothing to warn about."""
    PolicyClient(daemon.endpoint).close()


MALFORMED = {
    "line without =": b"request=smtpd_access_policy\nprotocol_state\n\n",
    "line over its bound": b"request=smtpd_access_policy\nsender=" + b"a" * 50_000 + b"\n\n",
    "request over its bound": encode(attributes(sasl_sender="x")) .replace(b"\n\n", b"\n") + b"".join(
        b"pad%d=%s\n" % (number, b"y" * 700) for number in range(100)) + b"\n",
    "too many attributes": b"request=smtpd_access_policy\n" + b"".join(b"a%d=\n" % n for n in range(5000)) + b"\n",
    "no attribute at all": b"\n",
    "another request type": encode(attributes(request="junk")),
    "no request type": encode(attributes(request=None)),
    "an attribute twice": encode(attributes()).replace(b"\n\n", b"\nsender=boss@acme.example\n\n"),
    "NUL in a value": encode(attributes(sender="a\0b@acme.example")),
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_request_closes_its_connection_only(lab, bench, case):
    """No reply, one warning that names the bound or the rule, and the neighbour's connection notices nothing."""
    daemon = bench.started(**RULES)
    with PolicyClient(daemon.endpoint) as neighbour, PolicyClient(daemon.endpoint) as client:
        assert neighbour.ask(lab.keys.self_signed) == "DUNNO"
        try:
            client.write(MALFORMED[case])
        except (BrokenPipeError, ConnectionResetError):
            pass  # it need not read all of what is too much
        assert client.at_end()
        warning = daemon.expect("warning", r".")
        assert neighbour.ask(lab.keys.self_signed) == "DUNNO"
    assert re.search(r"[a-z]{3}", warning["msg"])
    daemon.assert_quiet()


def test_a_good_request_before_a_bad_one_is_answered(lab, bench):
    daemon = bench.started(**RULES)
    with PolicyClient(daemon.endpoint) as client:
        client.write(encode(attributes(lab.keys.self_signed)) + MALFORMED["line without ="])
        assert client.action() == "DUNNO"
        assert client.at_end()
    daemon.expect("warning", r".")


@pytest.mark.slow
def test_idle_for_six_minutes(idle_watch):
    """Postfix keeps its connections; closing one costs it a second at the next request."""
    idle_watch.wait_for(6 * 60)
    assert idle_watch.clients["kept"].ask()


@pytest.mark.slow
def test_no_first_request_for_thirty_seconds(idle_watch):
    """A connection that never completed a request is not kept; some slack for the sweep that finds it."""
    idle_watch.wait_for(60)
    assert all(29 <= idle_watch.closed_after[name] <= 50 for name in ("silent", "partial")), idle_watch.closed_after
    idle_watch.daemon.expect("warning", "not complete in time")
