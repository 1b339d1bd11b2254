"""What the running daemon explains, and what it says at the policy socket: the same. (But for `detail`, which tells how
DNS was asked this time.)"""

import json
import signal
import threading

import pytest

from lab import control
from lab.control import RULES, SERVICE, request
from lab.policy import PolicyClient
from lab.procs import wait_until


@pytest.fixture
def daemon(bench):
    return bench.started(service=SERVICE, rule=RULES)


@pytest.fixture
def danegate(lab, daemon):
    return control.tool_for(lab, daemon)


@pytest.mark.parametrize("case", [
    {"credential": "self_signed"},
    {"credential": "other"},
    {"credential": "self_signed", "helo_name": "mta9.acme.example"},
    {"credential": "self_signed", "helo_name": "mta1.silent.example"},
    {"credential": "self_signed", "helo_name": "not.listed.example"},
    {"credential": "self_signed", "sender": "a@watched.example"},
    {"credential": None},
    {"credential": None, "encryption_protocol": "", "encryption_cipher": ""},
], ids=lambda case: " ".join(map(str, case.values())))
def test_explain_agrees_with_the_log(lab, daemon, danegate, case):
    changes = {key: value for key, value in case.items() if key != "credential"}
    credential = getattr(lab.keys, case["credential"]) if case["credential"] else None
    token = lab.token()
    asked = request(credential, instance=token, **changes)
    with PolicyClient(daemon.endpoint) as client:
        reply = client.ask(credential, instance=token, **changes)
    line = wait_until(lambda: daemon.find(event="verdict", instance=token, mode="enforce"), "the verdict's line")[0]

    verdicts = control.status(daemon)["verdicts"]["total"]
    code, text, errors = danegate("explain", "--live", "--json", text=asked)
    assert (code, errors) == (0, "")
    said = json.loads(text)
    for key in ("result", "reason", "action", "rule", "mode", "service", "identity", "owner", "dnssec", "state"):
        assert said[key] == line[key], key
    assert said["reply"].split(" [ref")[0] == reply.split(" [ref")[0]
    wait_until(lambda: len(daemon.find(event="verdict", instance=token)) == 1 + len(said["monitored"]), "its other lines")
    lines = daemon.find(event="verdict", instance=token)
    assert [each["rule"] for each in said["monitored"]] == [each["rule"] for each in lines if each["mode"] == "monitor"]

    code, text, _ = danegate("explain", "--live", text=asked)
    assert code == 0 and f"{line['result']} ({line['reason']})" in text
    assert control.status(daemon)["verdicts"]["total"] == verdicts, "an explanation is no verdict"
    assert len(daemon.find(event="verdict", instance=token)) == len(lines)


def test_explain_knows_the_roster(lab, bench):
    """The daemon recognises a key that claims nothing; the tool by itself cannot."""
    name = "mta1.roster.example"
    lab.publish("roster.example", name, lab.keys.self_signed.tlsa(3, 1, 1), lab.keys.other.tlsa(3, 1, 1))
    daemon = bench.started(service=SERVICE, rule=[{"name": "r", "identities": [name]}])
    control.await_known(daemon)
    asked = request(lab.keys.self_signed, helo_name="garbage")
    code, text, _ = control.tool(lab, "explain", "--config", daemon.config, "--live", "--json", text=asked)
    said = json.loads(text)
    assert code == 0 and (said["result"], said["identity"], said["note"]) == ("pass", name, "")
    code, text, _ = control.tool(lab, "explain", "--config", daemon.config, "--json", text=asked)
    assert code == 0 and json.loads(text)["result"] == "none"


def test_explain_input(lab, daemon, danegate):
    both = request(lab.keys.self_signed) + request(lab.keys.other)
    code, text, _ = danegate("explain", "--live", text=both)
    assert code == 0 and "request:    1: RCPT" in text and "\nrequest:    2: RCPT" in text
    assert "pass (match)" in text and "fail (mismatch)" in text
    code, text, _ = danegate("explain", "--live", text=request(protocol_state="CONNECT"))
    assert code == 0 and "no verdict is given before MAIL" in text
    code, _, errors = danegate("explain", "--live", text="sender\n\n")
    assert code == 65 and "request 1" in errors
    code, _, _ = danegate("explain", "--live", "--cert", "/dev/null", text=both)
    assert code == 64
    for body in ("", "x", both, "request=junk\n\n"):
        code, said = control.ask(daemon.control, "POST", "/explain", body)
        assert code == 400 and said["error"]
    assert control.ask(daemon.control, "POST", "/explain?as=html", request())[0] == 400


def test_sigterm_lets_an_explanation_out(lab, daemon):
    """What waits for DNS is answered, as policy requests are; then the daemon ends."""
    results = []
    asked = request(lab.keys.self_signed, helo_name="term.silent.example")
    thread = threading.Thread(target=lambda: results.append(control.ask(daemon.control, "POST", "/explain", asked)))
    thread.start()
    lab.dns.await_question("term.silent.example")
    daemon.signal(signal.SIGTERM)
    thread.join(20)
    assert daemon.wait() == 0
    assert results[0][0] == 200 and results[0][1]["reason"] == "dns-timeout"
