"""The partner's side by `danegate provision` alone, and the sample configuration on ours: mail from Postfix to Postfix.

The sending Postfix has the lines that were printed, the zone has the records that were printed, the receiving Postfix
has conf/postfix-partner.cf, and danegated the sample's rule for a partner. Nobody edits anything in between.
"""

import json
import threading
import time

import pytest

from lab import rpk
from lab.postfix import Listener
from lab.procs import run, wait_until
from lab.samples import partner_forms, sample_rules
from lab.sender import OUTLET, Sender

NAME, ZONE = "mta1.acme.example", "acme.example"
TTL = 2


class Partner:
    """Who sends: a folder for keys, a zone, the tool."""

    def __init__(self, lab, folder, config, *options):
        self.lab, self.keys = lab, folder / "keys"
        self._options = [NAME, "--dir", self.keys, "--config", config, "--ttl", str(TTL), *options]

    def attempt(self, *options):
        return self.lab.tool("provision", *self._options, *options)

    def provision(self, *options):
        status, out, err = self.attempt(*options, "--json")
        assert (status, err) == (0, ""), err
        return json.loads(out)

    def publish(self, keys):
        """What is to be published, replacing what was."""
        lines = [key["line"].split(maxsplit=4) for key in keys]
        owner, = {line[0] for line in lines}
        zone = self.lab.zone(ZONE).tlsa(owner.rstrip("."), *(line[4] for line in lines), ttl=int(lines[0][1]))
        self.lab.internet.publish(zone)
        run("ldns-verify-zone", self.lab.internet.folder / "leaves" / f"{ZONE}.served")


@pytest.fixture(scope="module", autouse=True)
def restored(lab):
    """Other modules know the partner by the lab's own key."""
    yield
    lab.publish(ZONE, NAME, lab.keys.self_signed.tlsa(3, 1, 1))


def server(bench, **more):
    """Ours: the sample rules, as they stand; nothing of the partner's but its name."""
    first, _ = partner_forms(bench.place())
    postfix = bench.postfix(Listener(*OUTLET), smtpd_tls_loglevel="2", **first, **more)
    daemon = bench.daemon(folder=bench.owned(postfix.folder / "queue" / "danegate"),
                          dns={"min-ttl": f"{TTL}s", "max-ttl": f"{TTL}s"})
    with open(daemon.config, "a", encoding="utf-8") as config:
        config.write(sample_rules("# 1. A business partner", "# 2. Submission"))
    bench.run(daemon)
    return postfix, daemon


def passed(lab, postfix, daemon, sender):
    """One message goes through both, and passes."""
    token = lab.token()
    sender.send(f"{token}@{ZONE}", token)
    assert sender.await_outcome() == "sent", sender.log()
    postfix.mail(token)
    lines = daemon.find(event="verdict", sender=f"{token}@{ZONE}")
    assert {(line["rule"], line["result"], line["identity"]) for line in lines} == {("partner", "pass", NAME)}


def test_certificate(lab, bench):
    postfix, daemon = server(bench)
    partner = Partner(lab, bench.place(), daemon.config)
    made = partner.provision()
    partner.publish(made["keys"])
    passed(lab, postfix, daemon, Sender(bench, made["main_cf"]))
    assert "raw public key fingerprint" not in postfix.log()


def test_raw_key(lab, bench):
    if rpk.missing():
        pytest.skip(rpk.missing())
    postfix, daemon = server(bench, **rpk.parameters())
    partner = Partner(lab, bench.place(), daemon.config, "--raw-key")
    made = partner.provision()
    partner.publish(made["keys"])
    passed(lab, postfix, daemon, Sender(bench, made["main_cf"]))
    assert "raw public key fingerprint" in postfix.log()


def test_what_people_copy(lab, bench):
    """Without --json: the lines to be copied stand at the margin, the very same."""
    partner = Partner(lab, bench.place(), bench.daemon().config)
    made = partner.provision()
    status, out, _ = partner.attempt()
    lines = out.splitlines()
    assert status == 0 and made["keys"][0]["line"] in lines
    start = lines.index(made["main_cf"][0])
    assert lines[start:start + len(made["main_cf"])] == made["main_cf"]


def test_no_switch_before_dns_knows(lab, bench):
    partner = Partner(lab, bench.place(), bench.daemon().config)
    first = partner.provision()
    partner.publish(first["keys"])
    both = partner.provision("--next")
    status, out, err = partner.attempt("--switch")
    assert (status, out) == (75, "") and "no record there is of the next key" in err
    assert partner.provision()["keys"] == [key | {"made": False} for key in both["keys"]]  # nothing was changed
    partner.publish(both["keys"])
    switched = partner.provision("--switch")
    assert [key["role"] for key in switched["keys"]] == ["current", "old"]
    assert switched["keys"][0]["data"] == both["keys"][1]["data"]


class Stream(threading.Thread):
    """Mail without a pause, until it is stopped; none is handed in while somebody else holds `turn`."""

    def __init__(self, lab, sender):
        super().__init__()
        self._lab, self._sender, self._end = lab, sender, threading.Event()
        self.turn = threading.Lock()
        self.tokens, self.failure = [], None

    def run(self):
        try:
            while not self._end.is_set():
                with self.turn:
                    token = self._lab.token()
                    self._sender.send(f"{token}@{ZONE}", token)
                    self.tokens.append(token)
                time.sleep(0.1)
        except Exception as error:
            self.failure = error

    def stop(self):
        self._end.set()
        self.join()
        assert self.failure is None, self.failure

    def await_more(self, count):
        """Until so many more were sent."""
        goal = len(self.tokens) + count
        wait_until(lambda: self.failure or len(self.tokens) >= goal, "more mail", timeout=30)


@pytest.mark.parametrize("kind", ["certificate", "raw-key"])
def test_rollover_loses_nothing(lab, bench, kind):
    """Next key published, switched over, Postfix restarted, old record removed, and mail before and after each. TLS
    sessions are cached, so a resumed one must not bring the old key back: with `postfix reload`, a delivery under way
    now and then left one that was resumed, and so renewed, for as long as there was mail."""
    if kind == "raw-key" and rpk.missing():
        pytest.skip(rpk.missing())
    postfix, daemon = server(bench, **(rpk.parameters() if kind == "raw-key" else {}))
    partner = Partner(lab, bench.place(), daemon.config, *(["--raw-key"] if kind == "raw-key" else []))
    first = partner.provision()
    partner.publish(first["keys"])
    sender = Sender(bench, first["main_cf"], smtp_tls_session_cache_database="btree:${data_directory}/smtp_scache",
                    smtp_tls_session_cache_timeout="120s", smtp_tls_loglevel="2")
    stream = Stream(lab, sender)
    stream.start()
    try:
        stream.await_more(5)
        partner.publish(partner.provision("--next")["keys"])
        time.sleep(2 * TTL)
        switched = partner.provision("--switch")
        assert switched["main_cf"] == first["main_cf"]
        assert any("postfix stop && postfix start" in step for step in switched["steps"])
        with stream.turn:
            sender.restart()
        stream.await_more(10)
        partner.publish([key for key in switched["keys"] if key["role"] != "old"])
        time.sleep(2 * TTL)
        stream.await_more(10)
    finally:
        stream.stop()
    for token in stream.tokens:
        postfix.mail(token)
    assert {status for status, _ in sender.outcomes()} == {"sent"}, sender.outcomes()
    lines = [line for line in daemon.find(event="verdict") if line["sender"].endswith(f"@{ZONE}")]
    assert {line["result"] for line in lines} == {"pass"}
    assert "Reusing old session" in sender.log()
    old, new = first["keys"][0]["data"], switched["keys"][0]["data"]
    shown = [line["record"] for line in lines]
    assert shown[0].endswith(old[-4:]) and shown[-1].endswith(new[-4:])
    lab.report.append(f"rollover by {kind}: {len(stream.tokens)} messages sent, all delivered, "
                      f"{len({line for line in shown})} keys")
