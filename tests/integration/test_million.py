"""A million identities in a file: load, memory, requests meanwhile, cost of a request, pace of refreshes.

The figures go into the report at the end of the run. What is judged are the bounds that README states, with room for a
busy machine; sanitizer builds are skipped, whose memory and speed say nothing.
"""

import hashlib
import random
import statistics
import subprocess
import time

import pytest

from lab.policy import PolicyClient, attributes, encode
from lab.procs import wait_until

pytestmark = pytest.mark.heavy

MILLION, THOUSAND = 1_000_000, 1_000
RATE = 50
SERVICE = [{"name": "smtp", "ports": [25], "names": ["_smtp-client.{helo}", "_smtp-client.{subject}"]}]
DNS = {"max-ttl": "1d", "negative-max-ttl": "1d", "refresh-per-second": RATE}
MIB = 1 << 20


def name(number):
    return f"mta{number}.roster.example"


def key(number):
    """The first of the two keys that bench_roster gives to that name."""
    return hashlib.sha256(f"{number} 1".encode()).hexdigest()


def request(number):
    return encode(attributes(helo_name=name(number), ccert_fingerprint="", ccert_pubkey_fingerprint=key(number),
                             sender="a@roster.example"))


class Watch:
    """Milliseconds of one request after the other."""

    def __init__(self, endpoint):
        self._client = PolicyClient(endpoint)
        self.times = []

    def ask(self, data):
        begin = time.perf_counter()
        self._client.write(data)
        action = self._client.action()
        self.times.append(1000 * (time.perf_counter() - begin))
        return action

    def summary(self):
        cuts = statistics.quantiles(self.times, n=1000, method="inclusive")
        return cuts[499], cuts[989], max(self.times)


@pytest.fixture(scope="module")
def lists(module_bench):
    folder = module_bench.place()
    for count in (THOUSAND, MILLION):
        with (folder / f"list{count}").open("w") as file:
            file.writelines(f"{name(number)}\n" for number in range(count))
    return folder


@pytest.fixture
def tables(lists):
    """What to start a daemon with, for so many identities."""
    def tables(count, **changes):
        return {"service": SERVICE, "dns": DNS, "log": {"level": "warning"},
                "rule": [{"name": "million", "identity-files": [str(lists / f"list{count}")], "prefetch": True}], **changes}
    return tables


@pytest.fixture(autouse=True)
def real_build(lab):
    if lab.sanitized():
        pytest.skip("a sanitizer's own memory and speed hide the daemon's")


def test_loaded_while_requests_are_answered(lab, bench, tables):
    """From a thousand to a million with SIGHUP, and once more: time, memory, the slowest of all replies, the pace."""
    daemon = bench.started(**tables(THOUSAND))
    base = daemon.resident_bytes()
    watch = Watch(daemon.endpoint)
    stranger = encode(attributes(lab.keys.self_signed, helo_name="garbage"))
    for step in ("loaded", "loaded again"):
        daemon.notified("READY=1")
        begin = time.monotonic()
        daemon.reload(lab.config(**daemon.tables | tables(MILLION)))
        while not daemon.notified("READY=1"):
            assert watch.ask(stranger).startswith("451 "), "nobody is known yet: doubt, not none"
            assert time.monotonic() - begin < 60
        took, grown = time.monotonic() - begin, (daemon.resident_bytes() - base) / MIB
        median, p99, slowest = watch.summary()
        lab.report.append(f"a million identities {step} in {took:.1f} s, {grown:.0f} MiB beyond the base; meanwhile "
                          f"{len(watch.times)} requests, median {median:.2f} ms, p99 {p99:.2f} ms, slowest {slowest:.0f} ms")
        assert grown < 400 and p99 < 100
    lab.dns.forget()
    begin = time.monotonic()
    seconds = []
    for _ in range(8):
        before = len(lab.dns.below("roster.example"))
        time.sleep(1)  # the resolver asks for mtaN first (RFC 9156) and stops there: it does not exist
        seconds.append(len({q.name.split(".")[-3] for q in lab.dns.below("roster.example")[before:] if q.name.count(".") > 1}))
    lab.report.append(f"refreshes seen on the wire in 8 seconds at {RATE}/s: {seconds}")
    assert max(seconds) <= 1.5 * RATE and sum(seconds) >= 0.6 * RATE * (time.monotonic() - begin)


def test_known(lab, bench, tables):
    """Every name known, with two records each: time and memory of a warm start, and what a request costs."""
    figures = {}
    for count in (THOUSAND, MILLION):
        folder = bench.place()
        state = bench.owned(folder / "state")
        daemon = bench.daemon(**tables(count, server={"state": str(state)}))
        done = subprocess.run([lab.bin_dir / "tests" / "bench_roster", daemon.config], stdout=subprocess.PIPE, check=True,
                              text=True, timeout=300)
        lab.report += [f"bench_roster: {line}" for line in done.stdout.splitlines()]
        subprocess.run(["chown", "-R", "nobody", state], check=True)
        begin = time.monotonic()
        bench.run(daemon)
        took = time.monotonic() - begin
        watch = Watch(daemon.endpoint)
        chosen = random.Random(1)
        for _ in range(20000):
            assert watch.ask(request(chosen.randrange(count))) == "DUNNO"
        figures[count] = (took, daemon.resident_bytes(), statistics.mean(watch.times), *watch.summary())
    took, resident, mean, median, p99, _ = figures[MILLION]
    grown = (resident - figures[THOUSAND][1]) / MIB
    lab.report.append(f"warm start with a million known: {took:.1f} s, {grown:.0f} MiB more than with a thousand")
    lab.report.append(f"a request for a known name: median {median:.3f} ms, p99 {p99:.3f} ms; with a thousand names median "
                      f"{figures[THOUSAND][3]:.3f} ms; ratio of the medians {median / figures[THOUSAND][3]:.2f}, of the "
                      f"means {mean / figures[THOUSAND][2]:.2f}")
    assert took < 60 and grown < 400 and median < 2 * figures[THOUSAND][3]


def test_rate_that_cannot_keep_up(lab, bench, tables):
    """Refused with the arithmetic, by check and on reload; the old configuration stays."""
    daemon = bench.started(**tables(THOUSAND))
    slow = lab.config(**daemon.tables | tables(MILLION, dns={**DNS, "max-ttl": "1h", "negative-max-ttl": "1h"}))
    daemon.reload(slow)
    wait_until(lambda: daemon.find(event="reload-failed"), "the refusal", timeout=30)
    line = daemon.expect("error", "1000000 / 50 = 20000 s.*within 2700 s.*3/4 of dns.max-ttl = 1h.*371 or more")
    lab.report.append(line["error"])
    done = subprocess.run([lab.bin_dir / "danegate", "--config", daemon.config, "check"], stderr=subprocess.PIPE,
                          text=True, timeout=60)
    assert done.returncode == 78 and "1000000 / 50 = 20000 s" in done.stderr
