"""The chaos tier: steady load while everything around danegated breaks, one thing after the other, in random order.

Not part of the integration tier: `tests/run chaos`, or pytest with `-m chaos`. DANEGATE_CHAOS_SECONDS says how long
(default 180), DANEGATE_CHAOS_SEED makes another order (default 1), DANEGATE_CHAOS_FAULTS="kill,reload" chooses.

The load: policy clients, who claim names or are known by their key alone; a real Postfix, with danegated as its policy
service and its milter, to which clients send mail over TLS; and milter sessions of their own. Some have the right key,
some the one of before or after a rollover, some nobody's.

What must hold: every request has a reply or a closed connection; no pass and no refusal that the zone did not justify at
some instant within the lifetime of an answer; mail that Postfix accepted is delivered once, with one field of ours, and
no other mail is; every start is clean without a manual step, whatever ended the one before; every end by SIGTERM is
orderly; nothing is left lying about; in the end everybody passes again. How long something takes on a busy machine is
judged nowhere: waits have a lower bound where a fault lasts, and end with what they wait for otherwise.
"""

import contextlib
import os
import random
import signal
import subprocess
import threading
import time

import pytest

from lab import faketime
from lab.catalogue import owner
from lab.chaos import History, Peer, PolicyCrowd, counts
from lab.chaos_mail import SENDER_DOMAIN, MailCrowd, MilterCrowd
from lab.policy import connect
from lab.postfix import Listener, check, milter
from lab.procs import wait_until

pytestmark = pytest.mark.chaos

SECONDS = int(os.environ.get("DANEGATE_CHAOS_SECONDS", "180"))
SEED = int(os.environ.get("DANEGATE_CHAOS_SEED", "1"))
TTL, SLACK = 20, 5
NAMES = [f"mta{number}.chaos.example" for number in range(30)]
KEYED = "keyed.chaos.example"  # known by its key alone: nobody else has these two
STEADY = "mta1.acme.example"  # in a zone whose servers are never touched
NEVER = [f"mta1.{zone}.example" for zone in ("silent", "servfail", "broken")]


class Chaos:
    """The daemon, the zone and what happens to them. Each method named by FAULTS is one fault, and leaves all well."""

    def __init__(self, lab, bench):
        self.lab, self.bench, self.history = lab, bench, History()
        self.zone, self.relay = lab.zone("chaos.example"), lab.internet.relay
        self.keys = {"right": lab.keys.self_signed, "next": lab.keys.following, "other": lab.keys.other,
                     "first": lab.keys.san_only, "second": lab.keys.utf8}
        self.done, self.times, self.rolled = [], [], set()
        for name in NAMES:
            self._give(name, "right")
        self._give(KEYED, "first")
        self.history.begin(STEADY, "right")
        lab.internet.publish(self.zone)
        folder = bench.place()
        self.daemon = bench.daemon(
            folder,
            service=[{"name": "smtp", "ports": [25], "names": ["_smtp-client.{helo}"]}],
            milter={},
            rule=[{"name": "roster", "senders": ["nobody.example"], "identities": NAMES[:10]},
                  {"name": "keyed", "senders": ["keyed.example"], "identities": [KEYED]},
                  {"name": "all", "identities": [f"*.{zone}.example" for zone in
                                                 ("chaos", "silent", "servfail", "broken", "acme")]}],
            server={"state": str(bench.owned(folder / "state"))},
            dns={"timeout": "2s", "min-ttl": "2s", "max-ttl": f"{TTL}s", "negative-max-ttl": f"{TTL}s"},
            limits={"deadline": "5s"})
        self.start()
        ask = check(self.daemon.endpoint, "smtp")
        self.postfix = bench.postfix(
            Listener("127.0.0.1", 25), smtpd_recipient_restrictions=f"reject_unauth_destination, {ask}",
            smtpd_data_restrictions=ask, smtpd_milters=milter(self.daemon.milter))
        self.postfix.tolerated = "problem talking to server"

    # the daemon

    def start(self, *wrapper):
        self.daemon.notified("no such line")  # what was said before, at a reload for one, is not what is waited for
        self.daemon.start(wrapper=wrapper)

    def end(self, number, status):
        self.daemon.signal(number)
        assert self.daemon.wait(20) == status

    def restart(self, *wrapper):
        self.end(signal.SIGTERM, 0)
        for name in ("policy", "milter"):
            assert not (self.daemon.folder / name).exists(), f"the socket {name} is left behind"
        self.start(*wrapper)

    # faults

    def roll_keys(self, pick):
        """Some names get the next key, some the right one back."""
        for name in pick.sample(NAMES, 10):
            self._give(name, pick.choice(["right", "next"]))
        self._give(KEYED, pick.choice(["first", "second"]))
        self.lab.internet.publish(self.zone)
        while self.rolled:
            self.history.over(self.rolled.pop())

    def _give(self, name, key):
        """Both selectors: Postfix tells the digest of the key, Sendmail that of the certificate."""
        credential = self.keys[key]
        self.zone.tlsa(owner(name), credential.tlsa(3, 1, 1), credential.tlsa(3, 0, 1), ttl=TTL)
        self.history.begin(name, key)
        self.rolled.add(name)

    def server_killed(self, _):
        self.relay.stop()
        time.sleep(8)
        self.relay.start()

    def server_stalled(self, _):
        self._relay(8, stalled=True)

    def server_slow(self, _):
        self._relay(6, delay=1.2)

    def server_bogus(self, _):
        self._relay(6, bogus=True)

    def _relay(self, seconds, **state):
        for name, value in state.items():
            setattr(self.relay, name, value)
        time.sleep(seconds)
        self.relay.restore()

    def reload(self, pick):
        for _ in range(pick.randrange(1, 6)):
            self.daemon.signal(signal.SIGHUP)
            time.sleep(pick.random())

    def terminate(self, _):
        self.restart()

    def kill(self, pick):
        """Three times, also while it starts."""
        for _ in range(2):
            self.end(signal.SIGKILL, -signal.SIGKILL)
            self.daemon.start(ready=False)
            time.sleep(0.3 * pick.random())
        self.end(signal.SIGKILL, -signal.SIGKILL)
        self.start()

    def few_descriptors(self, _):
        self.restart("prlimit", "--nofile=100:100")
        with contextlib.ExitStack() as stack:  # more connections than it has descriptors for
            for _ in range(150):
                stack.callback(connect(self.daemon.endpoint).close)
            time.sleep(6)
        self.restart()

    def blocked_log(self, _):
        pipe = self.daemon.folder / "pipe"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self.restart("sh", "-c", f'exec "$@" 2>{pipe}', "sh")
        time.sleep(8)
        drained = threading.Event()

        def drain():
            while not drained.is_set():
                with contextlib.suppress(BlockingIOError):
                    os.read(reader, 1 << 16)
                time.sleep(0.01)
        thread = threading.Thread(target=drain)
        thread.start()
        self.restart()
        drained.set()
        thread.join()
        os.close(reader)
        pipe.unlink()

    def clock_jumps(self, pick):
        if reason := faketime.missing(self.lab):
            return reason
        offset = self.daemon.folder / "offset"
        clock = faketime.Clock(offset)
        self.restart(*clock.wrapper)
        for jump in ["+5", "+0", "+86400", "+0", pick.choice(["-3600", "-600", "-60"])]:
            time.sleep(1.5)
            clock.set(jump)
        time.sleep(1.5)  # what is cached now may seem to be of the future
        self.roll_keys(pick)
        time.sleep(TTL + 2 * SLACK)
        self.restart()
        offset.unlink()
        return None

    def full_disk(self, _):
        """The disk of server.state is full: answers go on, and what was there before is there afterwards."""
        state = self.daemon.folder / "state"
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=777", "tmpfs", state], check=True)
        try:
            with contextlib.suppress(OSError):
                (state / "filler").write_bytes(b"x" * (1 << 20))
            self.restart()
            time.sleep(3)
            self.restart()
            (state / "filler").unlink()
            left = {path.name for path in state.iterdir()} - {"roster"}
            assert not left, left
        finally:
            subprocess.run(["umount", "-l", state], check=True)
        self.restart()

    def state(self, when):
        """For whoever reads a failure."""
        lines = self.daemon.stderr().splitlines()
        loud = [line for line in lines if " level=info " not in line]
        return "\n".join([f"{when}, seed {SEED}, after {self.done}; {self.daemon.process.poll()=}; it "
                          "complained last:", *loud[-12:], "and its log ends:", *lines[-8:]])

    def story(self, asked):
        """What was under way when that request was answered, and what the log says around its verdict."""
        faults = " ".join(f"{name}:{begun - asked.sent:+.1f}..{ended - asked.sent:+.1f}" for name, begun, ended in self.times)
        lines = self.daemon.stderr().splitlines()
        ref = asked.action.rpartition("[ref ")[2].rstrip("]")
        at = next((number for number, line in enumerate(lines) if f"ref={ref} " in line), len(lines))
        around = [line for line in lines[:at] if "event=verdict" not in line or "rule=keyed" in line][-40:]
        return "\n".join([f"{asked}", f"zone: {self.history.spans(asked)}", f"faults: {faults}", *around, *lines[at:at + 1]])

    def run(self, seconds):
        pick = random.Random(SEED)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for fault in pick.sample(FAULTS, len(FAULTS)):
                if time.monotonic() >= end:
                    break
                begun = time.monotonic()
                try:
                    why_not = fault(self, pick)
                except Exception as error:
                    error.add_note(self.state(f"during {fault.__name__}"))
                    raise
                self.times.append((fault.__name__, begun, time.monotonic()))
                self.done.append(f"{fault.__name__}{f' (not: {why_not})' if why_not else ''}")
                self.roll_keys(pick)
                time.sleep(2)


FAULTS = [Chaos.server_killed, Chaos.server_stalled, Chaos.server_slow, Chaos.server_bogus, Chaos.reload, Chaos.terminate,
          Chaos.kill, Chaos.few_descriptors, Chaos.blocked_log, Chaos.clock_jumps, Chaos.full_disk]
if CHOSEN := os.environ.get("DANEGATE_CHAOS_FAULTS"):
    FAULTS = [fault for fault in FAULTS if fault.__name__ in CHOSEN.split(",")]


def peers(names, sender):
    return [Peer(name, ("right", "next", "other"), name, sender) for name in names]


def crowds(chaos):
    """The load, from now on."""
    known = [Peer(KEYED, ("first", "second", "other"), "garbage", "a@keyed.example")] * 5
    partners = peers(NAMES, f"x@{SENDER_DOMAIN}")
    return [PolicyCrowd(chaos.daemon.endpoint, chaos.keys, peers([*NAMES, STEADY, *NEVER], "a@acme.example") + known, 20,
                        SEED),
            MailCrowd(25, chaos.keys, partners, 4, SEED), MilterCrowd(chaos.daemon.milter, chaos.keys, partners, 4, SEED)]


def await_everybody(chaos, load):
    """Until every name has passed once more, by every way. Returns how long it took."""
    began = time.monotonic()
    policy, mail, sessions = load

    def since(crowd):
        return [each for each in crowd.asked if each.sent > began]

    def missing():
        passed = {each.name for each in since(policy) if each.passed}
        return ({*NAMES, KEYED, STEADY} - passed
                | {type(crowd).__name__ for crowd in (mail, sessions) if not any(each.passed for each in since(crowd))})

    try:
        wait_until(lambda: not missing(), "everybody to pass again", timeout=120, interval=0.5)
    except AssertionError as error:
        error.add_note(chaos.state(f"missing: {sorted(missing())}; "
                                   f"{[(dict(counts(since(crowd))), crowd.failures) for crowd in load]}"))
        raise
    return time.monotonic() - began


def test_chaos(lab, bench):
    chaos = Chaos(lab, bench)
    load = crowds(chaos)
    try:
        chaos.run(SECONDS)
        recovery = await_everybody(chaos, load)
    finally:
        for crowd in load:
            crowd.stop()
    wait_until(lambda: not chaos.postfix.queued(), "an empty queue", timeout=60)
    chaos.end(signal.SIGTERM, 0)
    _, mail, _ = load
    delivered = chaos.postfix.delivered()
    wrong_mail = mail.wrong(delivered)
    asked = [each for crowd in load for each in crowd.asked]
    unjustified = chaos.history.unjustified(asked, TTL + SLACK)
    report = lab.report.append
    report(f"chaos, seed {SEED}, {SECONDS} s: {len(chaos.done)} faults: {', '.join(chaos.done)}")
    for crowd in load:
        report(crowd.summary())
    report(f"{sum(each.passed for each in asked)} passes and {sum(each.refused for each in asked)} refusals, "
           f"{len(unjustified)} not justified; by key alone {sum(each.passed for each in asked if each.name == KEYED)}; "
           f"{len(delivered)} messages delivered, {len(wrong_mail)} not as they should be")
    report(f"everybody passed again {recovery:.1f} s after the last fault; left in the folder: "
           f"{sorted(path.name for path in chaos.daemon.folder.iterdir())}")
    assert [failure for crowd in load for failure in crowd.failures] == []
    assert [lost for crowd in load for lost in crowd.lost] == []
    assert not unjustified, "\n\n".join(map(chaos.story, unjustified[:5]))
    assert not wrong_mail, wrong_mail[:5]
    errors = chaos.daemon.find(level="error")
    assert not errors, errors[:5]
    assert {path.name for path in chaos.daemon.folder.iterdir()} == {"danegate.toml", "stderr.log", "notify", "state"}
    assert {path.name for path in (chaos.daemon.folder / "state").iterdir()} == {"roster"}
    chaos.daemon.forgive(".")
