"""Where benchmarks run: the lab of the integration tests with zones of its own, each program on a processor of its own.

The server that is measured has processor 0, who asks it has processor 1, so that neither takes time from the other.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from lab import catalogue, namespace  # noqa: E402
from lab.internet import LEAVES  # noqa: E402
from lab.policy import encode  # noqa: E402
from lab.procs import stop, wait_until  # noqa: E402
from lab.zone import Zone  # noqa: E402

SERVER, ASKER = "0", "1"
FAR, MILLISECONDS = "127.0.0.12", 20
PARTNERS = [f"m{number}.out.acme.example" for number in range(50)]
RECORDED = ROOT / "tests" / "data" / "captures" / "postfix-3.10.13" / "self-signed.policy"
COLD = 5000


def zones(keys):
    """acme.example with the sample configuration's partner, and one behind a server that is 20 ms away."""
    match = keys.self_signed.tlsa(3, 1, 1)
    acme = Zone("acme.example", LEAVES)
    for name in ["mta1.acme.example", *PARTNERS]:
        acme.tlsa(catalogue.owner(name), match)
    far = Zone("far.example", LEAVES, via=FAR)
    for number in range(8 * COLD):
        far.tlsa(catalogue.owner(f"m{number}.far.example"), match)
    return [acme, far]


def recorded(lab, name, client="192.0.2.1"):
    """The RCPT request that Postfix 3.10 sent for a client with a certificate, with this name and the lab's key."""
    lines = RECORDED.read_text().split("\n\n")[0].splitlines()
    request = dict(line.split("=", 1) for line in lines)
    assert len(request) >= 30, "a recorded request has 30 attributes"
    key = lab.keys.self_signed
    request |= {"helo_name": name, "sender": "a@acme.example", "instance": "@INSTANCE@", "policy_context": "smtp",
                "client_address": client, "ccert_fingerprint": key.fingerprint(0),
                "ccert_pubkey_fingerprint": key.fingerprint(1)}
    return encode(request)


def write_requests(path, requests):
    path.write_bytes(b"".join(requests))
    return path


def on(processor, *command):
    """That command line, bound to one processor."""
    return ["taskset", "--cpu-list", processor, *map(str, command)]


def measured(*command):
    """What a load generator printed."""
    return measured_on(ASKER, *command)


def measured_on(processor, *command):
    """The same of a program on another processor."""
    only, = measured_each(processor, *command)
    return only


def measured_each(processor, *command):
    """What a load generator printed of each server that it asked."""
    done = subprocess.run(on(processor, *command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.decode()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def benchmarks(program, quick):
    """The names and nanoseconds of a Google Benchmark program."""
    done = subprocess.run(on(SERVER, program, "--benchmark_format=json", *(["--benchmark_min_time=0.01"] if quick else [])),
                          stdout=subprocess.PIPE, check=True)
    return [(each["name"], each["cpu_time"]) for each in json.loads(done.stdout)["benchmarks"]]


def processor_seconds(pid):
    """What all its threads have used so far; one that has ended is not in it."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def resident_mib(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS:")) / 1024


@contextlib.contextmanager
def program(*command, ready, processor=SERVER, **options):
    """A server that runs inside the with-block."""
    process = subprocess.Popen(on(processor, *command), stdin=subprocess.DEVNULL, **options)
    try:
        wait_until(ready, f"{command[0]} to be ready", timeout=20)
        assert process.poll() is None, f"{command[0]} ended"
        yield process
    finally:
        stop(process)


@contextlib.contextmanager
def memory(folder):
    """That folder, with no disk behind it while the block lasts."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "danegate-bench", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


class Series:
    """What the rounds measured: values by name."""

    def __init__(self):
        self.values = {}

    def note(self, result, *names):
        for name in names:
            self.values.setdefault(name, []).append(result[name])

    def over(self, other, name):
        """The median of the ratios, round by round."""
        return statistics.median(ours / theirs for ours, theirs in zip(self.values[name], other.values[name], strict=True))

    def span(self, name):
        return statistics.median(self.values[name]), min(self.values[name]), max(self.values[name])


def enter():
    """Into namespaces of our own, as the integration tests do."""
    if not namespace.inside():
        os.environ[namespace.MARK] = "1"
        os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--propagation", "private", "--fork",
                              "--kill-child", "--mount-proc", "--", sys.executable, *sys.argv])
    namespace.prepare()
