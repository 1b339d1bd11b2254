"""SIGHUP and SIGTERM under load: nobody loses a reply, a broken file changes nothing, a good one everything."""

import re
import signal
import time

import pytest

from lab import toml
from lab.documents import ROOT
from lab.load import Load
from lab.policy import PolicyClient
from lab.procs import wait_until

SERVICE = [{"name": "smtp", "ports": [25], "names": ["_smtp-client.{helo}"]}]
ACME = {"name": "acme", "identities": ["*.acme.example", "*.silent.example"]}
# label -> (text put at the end of a good file, what the message says about it)
BROKEN = {
    "syntax": ("[log]\nlevel = \n", 2),
    "unknown key": ('[log]\nlevel = "info"\nlevle = "info"\n', 3),
    "wrong type": ('[log]\nlevel = 7\n', 2),
    "value out of bounds": ('[limits]\nrecords-per-name = -1\n', 2),
    "rule without effect": ('[[rule]]\nname = "x"\non-pass = "sometimes"\n', 3),
}


@pytest.fixture
def daemon(lab, bench):
    """Running, and the one name that the load asks about is known to it."""
    daemon = bench.started(service=SERVICE, rule=[ACME])
    with PolicyClient(daemon.endpoint) as client:
        assert client.ask(lab.keys.self_signed) == "DUNNO"
    return daemon


@pytest.mark.parametrize("case", BROKEN)
def test_broken_file_under_load(lab, daemon, case):
    """Not one request fails, the log names file, line and column, the old rules hold."""
    good = daemon.config.read_text()
    broken, offset = BROKEN[case]
    line = good.count("\n") + offset
    with Load(daemon.endpoint, lab.keys.self_signed, ["mta1.acme.example"], connections=10) as load:
        load.run_for(0.3)
        daemon.reload(good + broken)
        complaint = wait_until(lambda: load.run_for(0.05) or daemon.find(level="error"), "the complaint")[0]
        load.run_for(0.3)
    assert load.replies == load.requests and load.actions == {"DUNNO": load.requests}
    text = " ".join(complaint.values())
    assert "danegate.toml" in text
    assert re.search(rf"danegate\.toml:{line}:\d+|line {line}\b.*column \d+", text), text
    with PolicyClient(daemon.endpoint) as client:
        assert client.ask(lab.keys.other).startswith("550 ")
    daemon.expect("error", r"danegate\.toml")


def test_good_file_under_load(lab, daemon):
    """Connections stay; the next request after the reload sees the new rules; no request is lost on the way."""
    changed = lab.config(**{**daemon.tables, "rule": [{**ACME, "on-pass": "hold"}]})
    with PolicyClient(daemon.endpoint) as client, \
            Load(daemon.endpoint, lab.keys.self_signed, ["mta1.acme.example"], connections=10) as load:
        assert client.ask(lab.keys.self_signed) == "DUNNO"
        load.run_for(0.3)
        daemon.reload(changed)
        wait_until(lambda: load.run_for(0.02) or daemon.notified("READY=1"), "the reload")
        assert client.ask(lab.keys.self_signed).startswith("HOLD")
        load.run_for(0.3)
    assert load.replies == load.requests and set(load.actions) == {"DUNNO", "HOLD"}


def test_many_reloads_under_load(lab, daemon):
    """Two configurations in turn, twenty times: every reply is one or the other's."""
    texts = [lab.config(**{**daemon.tables, "rule": [{**ACME, "on-pass": action}]}) for action in ("hold", "tag")]
    with Load(daemon.endpoint, lab.keys.self_signed, ["mta1.acme.example"], connections=10) as load:
        for number in range(20):
            daemon.reload(texts[number % 2])
            load.run_for(0.05)
    assert load.replies == load.requests
    assert set(load.actions) <= {"DUNNO", "HOLD"}


def test_conf_d_is_part_of_the_configuration(lab, bench):
    """A file of conf.d is read on reload, and its mistakes are named with its own name."""
    daemon = bench.started(service=SERVICE, rule=[])
    folder = daemon.config.parent / "conf.d"
    folder.mkdir()
    with PolicyClient(daemon.endpoint) as client:
        assert client.ask(lab.keys.other) == "DUNNO"
        (folder / "10-acme.toml").write_text(toml.dump({"rule": [ACME]}))
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: client.ask(lab.keys.other).startswith("550 "), "the rule of conf.d")
        (folder / "20-bad.toml").write_text("rule = 1\n")
        daemon.signal(signal.SIGHUP)
        daemon.expect("error", r"20-bad\.toml")
        assert client.ask(lab.keys.other).startswith("550 ")


def test_sigterm_drains(lab, daemon):
    """A request that waits for DNS gets its reply after SIGTERM; then the connections end, and exit is 0."""
    with PolicyClient(daemon.endpoint) as waiting, PolicyClient(daemon.endpoint) as idle:
        assert idle.ask(lab.keys.self_signed) == "DUNNO"
        waiting.begin(lab.keys.self_signed, helo_name="drain.silent.example")
        lab.dns.await_question("drain.silent.example")
        started = time.monotonic()
        daemon.signal(signal.SIGTERM)
        assert waiting.action().startswith("451 4.4.3 ")
        assert waiting.at_end() and idle.at_end()
    assert daemon.wait() == 0
    assert time.monotonic() - started < 8, "within limits.deadline"


def test_sigterm_under_load_loses_no_reply(lab, daemon):
    """Each request that was written is answered, or its connection closed before any byte of a reply."""
    with Load(daemon.endpoint, lab.keys.self_signed, ["mta1.acme.example"], connections=10) as load:
        load.run_for(0.3)
        daemon.signal(signal.SIGTERM)
        load.run_until_closed()
    assert daemon.wait() == 0
    assert load.requests - load.replies <= 10 and not load.torn


# What a setting that needs a restart is changed to, in TOML.
OTHER_VALUES = {"server.user": '"daemon"', "policy.socket-mode": "0o600", "policy.socket-group": '"daemon"',
                "milter.socket-mode": "0o600", "milter.socket-group": '"daemon"'}


def settings_that(words):
    """The settings of which danegate.toml(5) says these words at their end."""
    page = (ROOT / "man" / "danegate.toml.5").read_text().replace("\\-", "-").replace("\\&", "")
    found = set()
    for table, text in re.findall(r"(?ms)^\.Ss \[+([\w.-]+)\]+\n(.*?)(?=^\.S[sh] )", page):
        for key, item in re.findall(r"(?ms)^\.It Cm (\S+)\n(.*?)(?=^\.It |^\.El)", text):
            if item.rstrip().endswith(words):
                found.add(f"{table}.{key}")
    return found


def changed(text, setting, value):
    """A configuration's text with another value of one setting."""
    table, key = setting.split(".")
    head, section, rest = re.split(rf"(?m)^(\[{table}\]\n)", text, maxsplit=1)
    body, *tail = re.split(r"(?m)^(?=\[)", rest, maxsplit=1)
    body = re.sub(rf"(?m)^{key} = .*\n", "", body)
    return f"{head}{section}{key} = {value}\n{body}{''.join(tail)}"


def test_what_the_manual_says_of_a_restart(lab, bench):
    """Those settings, and no others, are warned of when all of them change at once; the rest of the file is in force."""
    wanted = settings_that("It needs a restart.")
    assert wanted
    daemon = bench.started(service=SERVICE, rule=[ACME], milter={})
    text = lab.config(**{**daemon.tables, "rule": [{**ACME, "on-pass": "hold"}]})
    for setting in wanted:
        text = changed(text, setting, OTHER_VALUES[setting])
    daemon.reload(text)
    wait_until(lambda: daemon.find(event="reloaded"), "the reload")
    assert {line["setting"] for line in daemon.find(event="restart-needed")} == wanted
    daemon.forgive("restart only")
    with PolicyClient(daemon.endpoint) as client:
        assert client.ask(lab.keys.self_signed).startswith("HOLD")


def test_what_the_manual_says_of_a_refused_reload(lab, bench):
    assert settings_that("A reload that changes it is refused.") == {"milter.listen"}
    daemon = bench.started(service=SERVICE, rule=[ACME], milter={})
    daemon.reload(changed(daemon.config.read_text(), "milter.listen", f'"unix:{daemon.folder}/other"'))
    daemon.expect("error", "milter.listen")
    assert not daemon.find(event="reloaded")
