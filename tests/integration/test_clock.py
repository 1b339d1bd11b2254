"""The clock is set while danegated runs."""

import shutil
import signal
import time

import pytest

from lab import faketime
from lab.policy import PolicyClient
from lab.procs import wait_until
from lab.roster import SMTP, Asker

TTL = 3
NAME = "mta1.roll.example"


@pytest.fixture
def clocked(lab):
    """Starts a daemon whose clock can be set; returns the clock."""
    if reason := faketime.missing(lab):
        pytest.skip(reason)

    def clocked(daemon):
        clock = faketime.Clock(daemon.folder / "offset")
        daemon.start(wrapper=clock.wrapper)
        return clock
    return clocked


def test_a_removed_key_passes_no_longer_than_its_ttl_though_the_clock_is_set_back(lab, bench, clocked):
    lab.publish("roll.example", NAME, lab.keys.self_signed.tlsa(3, 1, 1), ttl=TTL)
    daemon = bench.daemon(service=[{"name": "smtp", "ports": [25], "names": ["_smtp-client.{helo}"]}],
                          rule=[{"name": "roll", "identities": ["*.roll.example"]}],
                          dns={"min-ttl": "1s", "max-ttl": f"{TTL}s"})
    clock = clocked(daemon)
    with PolicyClient(daemon.endpoint) as client:
        assert client.ask(lab.keys.self_signed, helo_name=NAME) == "DUNNO"
        clock.set("-1200")
        lab.publish("roll.example", NAME, lab.keys.following.tlsa(3, 1, 1), ttl=TTL)
        time.sleep(TTL + 2)
        action = client.ask(lab.keys.self_signed, helo_name=NAME)
        lab.report.append(f"clock set back by 20 min, key replaced, TTL over: the old key gets {action[:20]!r}")
        assert action.startswith("550 ")
        assert client.ask(lab.keys.following, helo_name=NAME) == "DUNNO"
    daemon.expect("warning", "the clock was set back")
    clock.set("+0")
    wait_until(lambda: daemon.find(msg="the clock was set forward"), "the clock to be found right again")
    daemon.expect("warning", "the clock was set forward")
    daemon.stop()


def test_nothing_serves_after_the_clock_was_set_back_while_no_new_resolver_can_be_made(lab, bench, clocked):
    """The anchor's file is gone just then: doubt until it is back, though libunbound's cache would still say yes."""
    lab.publish("roll.example", NAME, lab.keys.self_signed.tlsa(3, 1, 1), ttl=3600)
    folder = bench.place()
    anchor = folder / "anchor.key"
    shutil.copy(lab.internet.anchor, anchor)
    daemon = bench.daemon(folder, service=[{"name": "smtp", "ports": [25], "names": ["_smtp-client.{helo}"]}],
                          rule=[{"name": "roll", "identities": ["*.roll.example"]}],
                          dns={"trust-anchor-files": [str(anchor)], "min-ttl": "1s"})
    clock = clocked(daemon)
    with PolicyClient(daemon.endpoint) as client:
        assert client.ask(lab.keys.self_signed, helo_name=NAME) == "DUNNO"
        away = anchor.rename(folder / "away.key")
        clock.set("-1200")
        daemon.expect("error", "a new resolver could not be made yet")
        for instance in range(3):
            action = client.ask(lab.keys.self_signed, helo_name=NAME, instance=str(instance))
            assert action.startswith("451 4.4.3 "), action
        away.rename(anchor)
        wait_until(lambda: client.ask(lab.keys.self_signed, helo_name=NAME, instance=lab.token()) == "DUNNO",
                   "the new resolver", timeout=20, interval=0.2)
    daemon.expect("warning", "the clock was set back")
    daemon.forgive("could not be made yet|hold-off")
    daemon.stop()


def test_what_a_clock_set_back_has_dropped_does_not_come_back_from_the_state_file(lab, bench, clocked):
    """Set back by less than the age of the answers: they look valid, to the second daemon as well."""
    state = bench.place()
    lab.publish("roll.example", NAME, lab.keys.self_signed.tlsa(3, 1, 1), lab.keys.following.tlsa(3, 1, 1), ttl=3600)

    def daemon():
        return bench.daemon(server={"state": str(state)}, dns={"min-ttl": "1s", "timeout": "1s"}, service=SMTP,
                            rule=[{"name": "roster", "identities": [NAME]}])

    first = daemon().start()
    Asker(lab, first).await_pass(lab.keys.self_signed, sender_domain="roll.example")
    first.stop()
    assert (state / "roster").exists()
    with lab.internet.cut_off():
        second = daemon()
        clock = clocked(second)
        assert Asker(lab, second).reason(lab.keys.self_signed) == "pass match"
        time.sleep(3)
        clock.set("-2")
        second.expect("warning", "the clock was set back")
        assert Asker(lab, second).reason(lab.keys.self_signed).startswith("temperror ")
        wait_until(lambda: not (state / "roster").exists(), "the state file to go")
        second.signal(signal.SIGKILL)
        second.wait()
        third = daemon().start()
        assert Asker(lab, third).reason(lab.keys.self_signed).startswith("temperror ")
