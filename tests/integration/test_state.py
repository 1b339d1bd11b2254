"""The roster over a restart: answers that last, and files that are of no use."""

import os
import shutil
import signal
import time

import pytest

from lab.procs import wait_until
from lab.roster import SMTP, Asker

MTA1 = "mta1.roster.example"
DNS = {"min-ttl": "1s", "timeout": "1s", "refresh-per-second": 100}
RULE = [{"name": "roster", "identities": [MTA1]}]


@pytest.fixture
def state(bench):
    return bench.place()


@pytest.fixture
def life(lab, bench, state):
    """Starts one more daemon on the same state folder; returns it and somebody who asks it."""
    def life(**dns):
        daemon = bench.daemon(server={"state": str(state)}, dns={**DNS, **dns}, service=SMTP, rule=RULE).start()
        return daemon, Asker(lab, daemon)
    return life


@pytest.fixture
def left_behind(lab, life):
    """The state file of a daemon that knew the partner."""
    lab.publish("roster.example", MTA1, lab.keys.self_signed.tlsa(3, 1, 1), lab.keys.following.tlsa(3, 1, 1), ttl=3600)
    daemon, ask = life()
    ask.await_pass(lab.keys.self_signed)
    daemon.stop()


def test_answers_survive_while_dns_is_away(lab, state, life, left_behind):
    with lab.internet.cut_off():
        daemon, ask = life()
        assert ask.reason(lab.keys.self_signed) == "pass match"
        assert ask.reason(lab.keys.other) == "none no-name"
        daemon.stop()
    assert (state / "roster").stat().st_mode & 0o777 == 0o600


def test_answers_last_for_their_ttl_only(lab, life):
    ttl = 4
    lab.publish("roster.example", MTA1, lab.keys.self_signed.tlsa(3, 1, 1), lab.keys.following.tlsa(3, 1, 1), ttl=ttl)
    daemon, ask = life()
    seen, _ = ask.await_pass(lab.keys.self_signed)
    daemon.stop()
    with lab.internet.cut_off():
        time.sleep(max(0, seen + ttl - time.monotonic()))
        daemon, ask = life()
        assert ask.reason(lab.keys.self_signed).startswith("temperror ")
        daemon.stop()


def test_other_anchors_drop_everything(lab, bench, life, left_behind):
    """Not even the name of the file has to change."""
    folder = bench.place()
    shutil.copy(lab.internet.anchor, folder / "anchor.key")
    with lab.internet.cut_off():
        daemon, ask = life(**{"trust-anchor-files": [str(folder / "anchor.key")]})
        assert ask.reason(lab.keys.self_signed).startswith("temperror ")
        assert daemon.find(event="roster-state", kept="0")
        wait_until(lambda: daemon.find(event="self-test"), "the self-test", timeout=15)
        daemon.expect("warning", "self-test")
        daemon.stop()


@pytest.mark.parametrize("damage", ["truncated", "random", "newer", "empty"])
def test_files_that_are_of_no_use(lab, state, life, left_behind, damage):
    """One warning, the file is put aside, and the roster begins anew."""
    good = (state / "roster").read_bytes()
    bad = {"truncated": good[:-9], "random": os.urandom(4096), "newer": good[:19] + b"\x07" + good[20:], "empty": b""}
    (state / "roster").write_bytes(bad[damage])
    daemon, ask = life()
    daemon.expect("warning", "roster-state.*of no use")
    assert (state / "roster.bad").read_bytes() == bad[damage]
    ask.await_pass(lab.keys.self_signed)
    daemon.stop()
    daemon, ask = life()
    assert ask.reason(lab.keys.self_signed) == "pass match"
    daemon.stop()


def test_killed_while_it_writes(lab, state, life, bench):
    """kill -9 at any point of the write: the next start is clean, with the file of before or the new one."""
    names = "".join(f"host{number}.roster.example\n" for number in range(20000)) + f"{MTA1}\n"
    (state.parent / "names").write_text(names)
    lab.publish("roster.example", MTA1, lab.keys.self_signed.tlsa(3, 1, 1), lab.keys.following.tlsa(3, 1, 1), ttl=3600)
    rule = [{"name": "roster", "identities": [MTA1], "identity-files": [str(state.parent / "names")],
             "prefetch": True}]
    for attempt in range(6):
        daemon = bench.daemon(server={"state": str(state)}, dns={**DNS, "refresh-per-second": 2000, "max-ttl": "1d",
                                                                  "negative-max-ttl": "1h"},
                              service=SMTP, rule=rule).start()
        ask = Asker(lab, daemon)
        ask.await_pass(lab.keys.self_signed, timeout=60)
        time.sleep(2)  # some thousand denials to write
        daemon.signal(signal.SIGTERM)
        if attempt % 2:
            wait_until(lambda: (state / "roster.tmp").exists() or daemon.process.poll() is not None, "the write",
                       interval=0.0005)
        else:
            time.sleep(0.01 * attempt)
        daemon.process.kill()
        daemon.process.wait()
        daemon.assert_quiet()
    daemon = bench.daemon(server={"state": str(state)}, dns=DNS, service=SMTP, rule=RULE).start()
    Asker(lab, daemon).await_pass(lab.keys.self_signed)
    daemon.stop()
    assert not list(state.glob("*.bad")) and not list(state.glob("*.tmp"))


def test_missing_folder_is_one_warning(lab, bench, state):
    lab.publish("roster.example", MTA1, lab.keys.self_signed.tlsa(3, 1, 1), lab.keys.following.tlsa(3, 1, 1))
    daemon = bench.daemon(server={"state": str(state / "none")}, dns=DNS, service=SMTP, rule=RULE).start()
    daemon.expect("warning", "roster-state.*will not survive")
    Asker(lab, daemon).await_pass(lab.keys.self_signed)
    daemon.stop()
