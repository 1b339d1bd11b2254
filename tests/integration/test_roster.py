"""The roster, live: partners known ahead of DNS, by their key alone, while DNS is away, and through a rollover."""

import shutil
import signal
import time

import pytest

from lab.postfix import Listener, check
from lab.procs import wait_until
from lab.roster import GARBAGE, SMTP, Asker
from lab.smtp import SocketClient

MTA1, MTA2 = "mta1.roster.example", "mta2.roster.example"
RULE = [{"name": "roster", "identities": [MTA1]}]
# libunbound says at once that it failed where it knows already that a server is silent.
UNREACHABLE = ("temperror dns-timeout", "temperror dns-failure")
BOTH = [{"name": "roster", "identities": [MTA1, MTA2]}]
FAST = {"min-ttl": "1s", "negative-max-ttl": "2s", "timeout": "1s", "refresh-per-second": 100}


@pytest.fixture
def serve(lab, bench):
    """Starts a daemon with these [dns] settings; returns it and somebody who asks it."""
    def serve(rule=RULE, **dns):
        daemon = bench.started(dns={**FAST, **dns}, service=SMTP, rule=rule)
        return daemon, Asker(lab, daemon)
    return serve


def test_known_by_key_alone(lab, bench, serve):
    """Real Postfix, garbage for an EHLO name, no CN: who is on the roster passes by the key, who is not is none."""
    lab.publish("roster.example", MTA1, lab.keys.san_only.tlsa(3, 1, 1), lab.keys.following.tlsa(3, 1, 1))
    daemon, ask = serve()
    ask.await_pass(lab.keys.san_only)
    bench.postfix(Listener("127.0.0.1", 25),
                  smtpd_recipient_restrictions=f"reject_unauth_destination, {check(daemon.endpoint, 'smtp')}")
    for credential, result, code in ((lab.keys.san_only, ("pass", "match", MTA1), 250),
                                     (lab.keys.other, ("none", "no-name", ""), 550)):
        token = lab.token()
        lab.dns.forget()
        with SocketClient("127.0.0.1", 25, GARBAGE, credential=credential) as client:
            outcome = client.send(f"{token}@roster.example", "b@example.net", data=False)
        line = daemon.verdict(sender=f"{token}@roster.example")
        assert (line["result"], line["reason"], line["identity"]) == result
        assert outcome.rcpt[0].code == code and line["lookups"] == "0"
        assert not lab.dns.below("roster.example"), "no verdict waited for DNS"


def test_shared_key_names_nobody(lab, serve):
    """Two identities with one key: the claimed one is named, else none, and the log has both."""
    for name in (MTA1, MTA2):
        lab.publish("roster.example", name, lab.keys.self_signed.tlsa(3, 1, 1), lab.keys.following.tlsa(3, 1, 1))
    daemon, ask = serve(BOTH)
    wait_until(lambda: "each of" in ask.verdict(lab.keys.self_signed).get("detail", ""), "both to be known", timeout=20)
    line = ask.verdict(lab.keys.self_signed)
    assert line["result"] == "pass" and line["identity"] == "" == line["owner"]
    assert line["detail"] == f"known by its key as each of {MTA1} {MTA2}"
    assert ask.verdict(lab.keys.self_signed, MTA2)["identity"] == MTA2


def test_unresolved_is_doubt(lab, serve):
    """One partner's zone is silent: a stranger gets temperror, not none; the other partner passes."""
    lab.publish("roster.example", MTA1, lab.keys.self_signed.tlsa(3, 1, 1), lab.keys.following.tlsa(3, 1, 1))
    _, ask = serve([{"name": "roster", "identities": [MTA1, "mta1.silent.example"]}])
    ask.await_pass(lab.keys.self_signed)
    wait_until(lambda: ask.reason(lab.keys.other) in UNREACHABLE, "the lookup to fail", timeout=30)
    line = ask.verdict(lab.keys.other)
    assert line["action"] == "defer" and line["detail"].endswith(": 1")
    assert ask.reason(lab.keys.self_signed) == "pass match"


def test_cut_off_for_the_rest_of_the_ttl(lab, serve):
    """Without grace: the right key passes for the rest of its TTL and not a second longer."""
    ttl = 5
    lab.publish("roster.example", MTA1, lab.keys.self_signed.tlsa(3, 1, 1), lab.keys.following.tlsa(3, 1, 1), ttl=ttl)
    _, ask = serve()
    seen, _ = ask.await_pass(lab.keys.self_signed)
    with lab.internet.cut_off():
        while time.monotonic() < seen + ttl - 0.8:
            assert ask.reason(lab.keys.self_signed) == "pass match"
            time.sleep(0.1)
        time.sleep(max(0, seen + ttl - time.monotonic()))
        assert ask.reason(lab.keys.self_signed) in UNREACHABLE
        assert ask.reason(lab.keys.self_signed, MTA1) in UNREACHABLE
    ask.await_pass(lab.keys.self_signed, timeout=60)


@pytest.mark.parametrize("ending", ["grace", "signatures"])
def test_cut_off_with_grace(lab, serve, ending):
    """With grace: until the grace ends, or the signatures do, visibly, and not a second longer."""
    ttl, lasts = 3, 9
    zone, client = ("ending.example", "mta1.ending.example") if ending == "signatures" else ("roster.example", MTA1)
    grace = {"grace": f"{lasts - ttl}s" if ending == "grace" else "1h"}
    signed_at = time.time()
    if ending == "signatures":
        lab.zone(zone).expires_in = lasts
    lab.publish(zone, client, lab.keys.self_signed.tlsa(3, 1, 1), lab.keys.following.tlsa(3, 1, 1), ttl=ttl)
    daemon, ask = serve([{"name": "roster", "identities": [client]}], **grace)
    seen, _ = ask.await_pass(lab.keys.self_signed, sender_domain=zone)
    end = seen + lasts if ending == "grace" else time.monotonic() + signed_at + lasts + 1 - time.time()
    with lab.internet.cut_off():
        while time.monotonic() < seen + ttl - 1:
            assert "grace" not in ask.verdict(lab.keys.self_signed, sender_domain=zone)
            time.sleep(0.1)
        # The signatures' clock counts whole seconds: the zone was signed within this one or the next.
        while time.monotonic() < end - 2:
            late = time.monotonic() > seen + ttl
            line = ask.verdict(lab.keys.self_signed, sender_domain=zone)
            assert line["result"] == "pass" and (line.get("grace") == "yes" or not late)
            time.sleep(0.1)
        time.sleep(max(0, end + 0.05 - time.monotonic()))
        assert ask.reason(lab.keys.self_signed, sender_domain=zone) in UNREACHABLE
    if ending == "signatures":
        assert [line for line in daemon.find(event="roster-record", problem="signatures-end") if
                line["identity"] == client]
        lab.zone(zone).expires_in = 0
        lab.publish(zone, client, lab.keys.self_signed.tlsa(3, 1, 1))


def test_removed_record_fails_within_its_ttl(lab, serve):
    ttl = 4
    lab.publish("roster.example", MTA1, lab.keys.self_signed.tlsa(3, 1, 1), lab.keys.following.tlsa(3, 1, 1), ttl=ttl)
    _, ask = serve()
    seen, _ = ask.await_pass(lab.keys.self_signed)
    lab.publish("roster.example", MTA1)
    time.sleep(max(0, seen + ttl - time.monotonic()))
    assert ask.reason(lab.keys.self_signed) == "none no-name"
    assert ask.reason(lab.keys.self_signed, MTA1) == "none no-record"


def test_other_anchors_drop_everything(lab, bench):
    """SIGHUP with other keys in the same anchor file: nothing that the old ones vouched for passes."""
    lab.publish("roster.example", MTA1, lab.keys.self_signed.tlsa(3, 1, 1), lab.keys.following.tlsa(3, 1, 1))
    folder = bench.place()
    anchor = folder / "anchor.key"
    shutil.copy(lab.internet.anchor, anchor)
    daemon = bench.started(dns={**FAST, "trust-anchor-files": [str(anchor)]}, service=SMTP, rule=RULE)
    ask = Asker(lab, daemon)
    ask.await_pass(lab.keys.self_signed)
    foreign = lab.zone("acme.example").public_key().replace("acme.example.", ".")
    anchor.write_text(foreign)
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: daemon.find(event="reloaded"), "the reload")
    assert ask.verdict(lab.keys.self_signed)["result"] == "temperror"
    assert ask.verdict(lab.keys.self_signed, MTA1)["result"] == "temperror"
    daemon.expect("warning", "self-test")
    shutil.copy(lab.internet.anchor, anchor)
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: len(daemon.find(event="reloaded")) == 2, "the second reload")
    ask.await_pass(lab.keys.self_signed)


def test_reload_asks_for_what_is_new_only(lab, serve, bench):
    for name in (MTA1, MTA2):
        lab.publish("roster.example", name, lab.keys.self_signed.tlsa(3, 1, 1), lab.keys.following.tlsa(3, 1, 1))
    daemon, ask = serve()
    ask.await_pass(lab.keys.self_signed)
    lab.dns.forget()
    daemon.reload(lab.config(**{**daemon.tables, "rule": BOTH}))
    wait_until(lambda: lab.dns.below(f"_smtp-client.{MTA2}"), "the new name to be asked for")
    assert ask.reason(lab.keys.self_signed) == "pass match"
    assert not lab.dns.below(f"_smtp-client.{MTA1}")
    wait_until(lambda: "each of" in ask.verdict(lab.keys.self_signed).get("detail", ""), "both to be known")
    daemon.reload(lab.config(**{**daemon.tables, "rule": [{"name": "roster", "identities": [MTA2]}]}))
    wait_until(lambda: ask.verdict(lab.keys.self_signed)["identity"] == MTA2, "the other to be dropped")


def test_files_without_prefetch_are_resolved_on_claim(lab, bench):
    lab.publish("roster.example", MTA1, lab.keys.self_signed.tlsa(3, 1, 1), lab.keys.following.tlsa(3, 1, 1))
    folder = bench.place()
    (folder / "list").write_text(f"# partners\n{MTA1}\n")
    rule = {"name": "roster", "identity-files": [str(folder / "list")]}
    lab.dns.forget()
    daemon = bench.started(dns=FAST, service=SMTP, rule=[rule])
    ask = Asker(lab, daemon)
    assert ask.reason(lab.keys.self_signed) == "none no-name"
    assert not lab.dns.below("roster.example")
    assert ask.reason(lab.keys.self_signed, MTA1) == "pass match"
    daemon.reload(lab.config(**{**daemon.tables, "rule": [{**rule, "prefetch": True}]}))
    ask.await_pass(lab.keys.self_signed)


def test_rollover_done_well(lab, bench, serve):
    """Next key beside the current one, the client switches, the old one goes: not one message is refused."""
    ttl = 2
    old, new = lab.keys.self_signed, lab.keys.following
    lab.publish("roster.example", MTA1, old.tlsa(3, 1, 1), ttl=ttl)
    daemon, ask = serve()
    ask.await_pass(old)
    bench.postfix(Listener("127.0.0.1", 25),
                  smtpd_recipient_restrictions=f"reject_unauth_destination, {check(daemon.endpoint, 'smtp')}")
    sent = 0

    def send(credential, seconds):
        nonlocal sent
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for helo in (MTA1, GARBAGE):
                with SocketClient("127.0.0.1", 25, helo, credential=credential) as client:
                    assert client.send(f"m{sent}@roster.example", "b@example.net", data=False).rcpt[0].code == 250
                sent += 1

    send(old, 1)
    lab.publish("roster.example", MTA1, old.tlsa(3, 1, 1), new.tlsa(3, 1, 1), ttl=ttl)
    send(old, ttl + 1)
    send(new, 1)
    lab.publish("roster.example", MTA1, new.tlsa(3, 1, 1), ttl=ttl)
    send(new, ttl + 2)
    assert sent > 20
    assert daemon.find(event="roster-record", problem="single-record"), "a single key is worth a warning"


def test_rollover_done_badly(lab, serve):
    """The new key is live before its record: one more query, then fail; the record is published: at once pass."""
    old, new = lab.keys.self_signed, lab.keys.following
    lab.publish("roster.example", MTA1, old.tlsa(3, 1, 1), lab.keys.rsa.tlsa(3, 1, 1))
    _, ask = serve()
    ask.await_pass(old)
    lab.dns.forget()
    line = ask.verdict(new, MTA1)
    assert (line["result"], line["reason"]) == ("fail", "mismatch")
    assert line["detail"] == "asked again, and no record is of this key"
    assert len([q for q in lab.dns.below(f"_smtp-client.{MTA1}") if q.rrtype == "TLSA"]) == 1
    lab.publish("roster.example", MTA1, new.tlsa(3, 1, 1), lab.keys.rsa.tlsa(3, 1, 1))
    time.sleep(1.1)  # min-ttl
    assert ask.reason(new, MTA1) == "pass match"
    assert ask.reason(new) == "pass match", "what the re-query learned counts for clients without a claim"
