"""The measurements, one function a part of the table."""

import contextlib
import itertools
import subprocess
import time

import context as neighbours
import world
from lab.milter_mtas import SendmailSession, sendmail_tls
from lab.policy import PolicyClient, connect
from lab.postfix import Listener, check
from lab.procs import wait_until
from lab.samples import sample_rules
from lab.site import Bench
from world import PARTNERS, Series, on

SERVICE = [{"name": "smtp", "names": ["_smtp-client.{helo}"]}]
# More rounds where few would tell of the machine: at a fixed rate a pause of its own that lasts a hundredth of a round is
# that round's p99, and a verdict costs in some rounds half as much again as in the others.
MORE = 3
MANY = 10  # where two p99s are compared: from one round to the next each may be ten times as long


class Run:
    """What a part works with. Each has a bench of its own, taken down at its end."""

    _numbers = itertools.count(1)

    def __init__(self, lab, options, table, tools, logs):
        self.lab, self.options, self.table, self.tools, self.logs = lab, options, table, tools, logs
        self.folder = lab.folder / f"bench{next(self._numbers)}"
        self.bench = Bench(lab, self.folder)

    def tool(self, name):
        return self.tools / name

    def load(self, endpoint, requests, *options):
        result, = self.loads(endpoint, requests, *options)
        return result

    def loads(self, endpoint, requests, *options):
        """What policy_load printed: one result, or two with --beside."""
        return world.measured_each(world.ASKER, self.tool("policy_load"), "--seconds", self.options.seconds, *options,
                                   endpoint, requests)

    def rounds(self, times=1):
        return range(times * self.options.rounds)

    @contextlib.contextmanager
    def danegated(self, rules=None, started=True, **tables):
        """With the sample configuration's rules, unless others are given; on the server's processor."""
        daemon = self.bench.daemon(**{"service": SERVICE, **tables})
        with open(daemon.config, "a", encoding="utf-8") as config:
            config.write(sample() if rules is None else rules)
        daemon.log_path = self.logs / f"{self.folder.name}-{daemon.folder.name}"
        if started:
            daemon.start(wrapper=on(world.SERVER))
        try:
            yield daemon
        finally:
            daemon.skim()
            daemon.forgive("hold-off")
            daemon.stop()
            daemon.log_path.unlink()

    @contextlib.contextmanager
    def floor(self, endpoint=None):
        endpoint = endpoint or f"unix:{self.folder}/floor"
        with world.program(self.tool("policy_floor"), endpoint, ready=lambda: reachable(endpoint)) as process:
            process.endpoint = endpoint
            yield process

    def partners(self, path="partners"):
        """A request of each of the fifty partners."""
        return world.write_requests(self.folder / path, [world.recorded(self.lab, name) for name in PARTNERS])

    def warm(self, daemon, requests):
        """Every answer is in the cache then. Returns when all passed: a verdict that did not is another measurement."""
        self.load(daemon.endpoint, requests, "--connections", 1, "--count", 2 * len(PARTNERS))
        results = {line["result"] for line in daemon.find(event="verdict")}
        assert results == {"pass"}, results


def sample():
    """Rule 1 of the sample configuration, in force."""
    return sample_rules("# 1. A business partner", "# 2. Submission")


def reachable(endpoint):
    try:
        connect(endpoint).close()
        return True
    except OSError:
        return False


def together(run, first, second, requests, *options, times=1):
    """Rounds of one load on both, first on one and then on the other, as two Series."""
    def one_round():
        return [*measure([first], lambda: run.loads(first.endpoint, requests, *options)),
                *measure([second], lambda: run.loads(second.endpoint, requests, *options))]
    return in_rounds(run, one_round, times)


def beside(run, first, second, requests, *options, times=1):
    """Rounds of one load at a fixed rate on both at once, a request to one and then one to the other, as two Series: what
    the machine does meanwhile befalls both, and that is most of a p99.
    """
    def one_round():
        return measure([first, second], lambda: run.loads(first.endpoint, requests, "--beside", second.endpoint, *options))
    return in_rounds(run, one_round, times)


def measure(servers, load):
    """What load() says of each, and the processor seconds that a million replies took it."""
    pids = [getattr(server, "process", server).pid for server in servers]
    before = [world.processor_seconds(pid) for pid in pids]
    results = load()
    for result, pid, seconds in zip(results, pids, before, strict=True):
        result["cpu"] = (world.processor_seconds(pid) - seconds) * 1e6 / result["sent"]
    for server in servers:
        if hasattr(server, "skim"):
            server.skim()
    return results


def in_rounds(run, one_round, times):
    """One round more than are counted: the first finds out how much memory the log of a round takes."""
    one_round()
    both = Series(), Series()
    for _ in run.rounds(times):
        for series, result in zip(both, one_round(), strict=True):
            series.note(result, "rate", "p50", "p99", "p999", "max", "cpu")
    return both


def compare(run, what, name, unit, floor, ours, **judged):
    """The ratio is the median of the rounds' own: what changes from one minute to the next on this machine is in both."""
    run.table.add(what, ours.span(name), unit, floor=floor.span(name), ratio=ours.over(floor, name), **judged)


def closed(run):
    """Each connection asks again as soon as it has its reply."""
    requests = run.partners()
    with run.floor() as floor, run.danegated() as daemon:
        run.warm(daemon, requests)
        base, ours = together(run, floor, daemon, requests, times=MORE)
        compare(run, "closed loop, 32 connections: verdicts", "rate", "/s", base, ours, bound=0.6, aim=0.7, above=True)
        compare(run, "  p99 of a reply", "p99", "us", base, ours, bound=1.6)
        compare(run, "  processor time of a million", "cpu", "s", base, ours, bound=1.8)
        base, ours = together(run, floor, daemon, requests, "--connections", 1000)
        compare(run, "closed loop, 1,000 connections: verdicts", "rate", "/s", base, ours, bound=0.5, aim=0.65, above=True)
        compare(run, "  p99 of a reply", "p99", "us", base, ours)
        run.table.add("  resident memory", world.resident_mib(daemon.process.pid), "MiB",
                      floor=world.resident_mib(floor.pid))
    address = "inet:127.0.0.1:10040"
    with run.floor("inet:127.0.0.1:10041") as floor, run.danegated(policy={"listen": [address]}) as daemon:
        daemon.endpoint = address
        run.warm(daemon, requests)
        base, ours = together(run, floor, daemon, requests)
        compare(run, "closed loop, 32 TCP connections: verdicts", "rate", "/s", base, ours)
        compare(run, "  p99 of a reply", "p99", "us", base, ours)


def paced(run):
    """A fixed rate, as mail comes."""
    requests = run.partners()
    with run.floor() as floor, run.danegated() as daemon:
        run.warm(daemon, requests)
        base, ours = together(run, floor, daemon, requests, "--rate", 2000, times=MORE)
        compare(run, "2,000 requests/s: p50 of a reply", "p50", "us", base, ours)
        run.table.add("  p99 of a reply", ours.span("p99"), "us", floor=base.span("p99"), bound=1000)


def idle(run):
    """Many connections that have asked once and lie idle, as those of smtpd processes between two messages."""
    requests = run.partners()
    with contextlib.ExitStack() as stack:
        def with_idle(idlers):
            daemon = stack.enter_context(run.danegated())
            run.warm(daemon, requests)
            for _ in range(idlers):
                stack.enter_context(PolicyClient(daemon.endpoint)).ask(policy_context="smtp")
            return daemon

        ten, crowd = with_idle(10), with_idle(2000)
        few, many = beside(run, ten, crowd, requests, "--connections", 10, "--rate", 1000, times=MANY)
        run.table.add("2,000 idle connections: resident memory", world.resident_mib(crowd.process.pid), "MiB", bound=40)
        compare(run, "  p50 of a reply beside them, and beside ten", "p50", "us", few, many, bound=1.2)
        compare(run, "  p99 of a reply beside them, and beside ten", "p99", "us", few, many, bound=1.2)
        # Work that thousands of connections cause takes the processor from both: it shows in what it costs.
        compare(run, "  processor time of a million", "cpu", "s", few, many, bound=1.2)


def cold(run):
    """Names that nobody has asked for, at a server 20 ms away whose delegation is known."""
    count = 500 if run.options.smoke else world.COLD
    ahead = 20 if run.options.smoke else 100
    names = itertools.count()
    alone, ours, many_alone, many = Series(), Series(), Series(), Series()
    rules = '[[rule]]\nname = "far"\nservices = ["smtp"]\nidentities = ["*.far.example"]\n'
    limits = {"lookups": 1000, "lookups-per-entry": 500, "lookups-per-client": 64}

    def unbound(in_flight, wanted):
        path = run.folder / "names"
        path.write_text("".join(f"_smtp-client.{name}\n" for name in wanted))
        return world.measured_on(world.SERVER, run.tool("unbound_floor"), run.lab.internet.anchor, "127.0.0.1", in_flight,
                                 path)

    def danegated(daemon, in_flight, wanted):
        path = world.write_requests(run.folder / "cold", [
            world.recorded(run.lab, name, f"198.51.{number % 50}.{number % 250 + 1}")
            for number, name in enumerate(wanted)])
        return run.load(daemon.endpoint, path, "--connections", in_flight, "--count", len(wanted))

    def take(number):
        return [f"m{next(names) % (8 * world.COLD)}.far.example" for _ in range(number)]

    with world.program(run.tool("dns_delay"), world.FAR, "127.0.0.3", world.MILLISECONDS, ready=lambda: True,
                       processor=world.ASKER):
        for number in range(1 if run.options.smoke else 3):
            for at, series, wanted in ((1, (alone, ours), ahead), (32, (many_alone, many), count)):
                with run.danegated(rules, limits=limits) as daemon:
                    some = take(wanted)
                    danegated(daemon, 1, take(1))
                    series[1].note(danegated(daemon, at, some), "p50", "seconds")
                    results = {line["result"] for line in daemon.find(event="verdict")}
                    assert results == {"pass"}, results
                series[0].note(unbound(at, take(1) + some), "p50", "seconds")
    compare(run, "a cold name, 20 ms away: p50 of a reply", "p50", "us", alone, ours, bound=1.25)
    compare(run, f"{count:,} cold names, 32 in flight: in all", "seconds", "s", many_alone, many, bound=1.25)


class Recorder(SendmailSession):
    """A session of Sendmail's that notes what it sends, for milter_load."""

    def __init__(self, *arguments, **more):
        self.sent, self.present = [], None
        super().__init__(*arguments, **more)

    def event(self, name, payload=b"", message=None):
        self.present = [name, b"", b""]
        self.sent.append(self.present)
        return super().event(name, payload, message)

    def send_raw(self, data):
        if self.present:
            self.present[1 if data[4:5] == b"D" else 2] += data
        super().send_raw(data)

    def file(self, path):
        path.write_text("".join(f"{name} {macros.hex() or '-'} {command.hex() or '-'}\n"
                                for name, macros, command in self.sent))
        return path


def milter_session(run, daemon):
    """A session of Sendmail's up to RCPT, with a certificate whose record is known, as milter_load reads it."""
    key = run.lab.keys.self_signed
    run.lab.publish("acme.example", PARTNERS[0], key.tlsa(3, 1, 1), key.tlsa(3, 0, 1))
    session = Recorder(daemon.milter, daemon_name="smtp")
    session.greet(PARTNERS[0], tls=sendmail_tls(key))
    session.message("a@acme.example", "b@example.net", until="rcpt")
    session.bye()
    wait_until(lambda: daemon.find(event="verdict", result="pass"), "the verdict")
    return session.file(run.folder / "session")


def milter(run):
    """A connection each, as mail servers have it; libmilter gives each a thread."""
    place = run.folder / "floor"
    base, ours = Series(), Series()
    with world.program(run.tool("milter_floor"), place, ready=place.exists), run.danegated(milter={}) as daemon:
        script = milter_session(run, daemon)
        for _ in run.rounds(MORE):
            for endpoint, series in ((f"unix:{place}", base), (daemon.milter, ours)):
                result = world.measured(run.tool("milter_load"), "--seconds", run.options.seconds, endpoint, script)
                series.note(result, "rate", "p50", "p99")
            daemon.skim()
        compare(run, "milter to RCPT, 8 sessions: sessions", "rate", "/s", base, ours, bound=0.9, above=True)
        compare(run, "  p99 of a session", "p99", "us", base, ours)


def postfix(run):
    """A whole Postfix that asks at RCPT, and throws away what it takes. All of it shares both processors."""
    messages = 100 if run.options.smoke else 1500
    base, ours = Series(), Series()
    with run.floor() as floor, run.danegated() as daemon:
        listeners = [Listener("127.0.0.1", port, {
            "smtpd_recipient_restrictions": f"reject_unauth_destination, {check(server.endpoint, 'smtp')}"})
            for port, server in ((2525, floor), (2526, daemon))]
        run.bench.postfix(*listeners, virtual_transport="discard:", default_process_limit="100",
                          smtpd_client_connection_rate_limit="0", smtpd_error_sleep_time="0")
        for _ in run.rounds(MORE):
            for port, series in ((2525, base), (2526, ours)):
                begin = time.monotonic()
                subprocess.run(["smtp-source", "-s", "8", "-m", str(messages), "-l", "1024", "-M", "client.example.org",
                                "-f", "a@partner.example.org", "-t", "b@example.net", f"inet:127.0.0.1:{port}"],
                               check=True, stdout=subprocess.DEVNULL)
                series.note({"rate": messages / (time.monotonic() - begin)}, "rate")
    compare(run, "Postfix, smtp-source, 8 sessions: messages", "rate", "/s", base, ours, bound=0.95, above=True)


def start(run):
    """From the program's start to its first answer."""
    times = Series()
    for _ in range(1 if run.options.smoke else 15):
        with run.danegated(started=False) as daemon:
            begin = time.monotonic()
            daemon.start(ready=False)
            with wait_until(lambda: answering(daemon), "danegated to listen", interval=0.0005) as client:
                client.ask(policy_context="smtp")
            times.note({"milliseconds": 1000 * (time.monotonic() - begin)}, "milliseconds")
            wait_until(lambda: daemon.notified("READY=1"), "READY=1")
    run.table.add("from start to the first answer", times.span("milliseconds"), "ms", bound=150)


def answering(daemon):
    assert daemon.process.poll() is None, daemon.stderr()
    try:
        return PolicyClient(daemon.endpoint)
    except OSError:
        return None


def rules(run):
    """Each of many rules is about one domain; the client's is the last one."""
    requests = run.partners()

    def text(count):
        return "".join(f'[[rule]]\nname = "r{number}"\nservices = ["smtp"]\nsenders = ["d{number}.example"]\n'
                       f'identities = ["*.d{number}.example"]\n' for number in range(count - 1)) + (
            '[[rule]]\nname = "acme"\nservices = ["smtp"]\nsenders = ["acme.example"]\n'
            'identities = ["*.out.acme.example"]\n')

    with run.danegated(text(10)) as few, run.danegated(text(10_000)) as many:
        for daemon in (few, many):
            run.warm(daemon, requests)
        ten, all_of_them = together(run, few, many, requests)
    compare(run, "processor time of a million, 10,000 rules and ten", "cpu", "s", ten, all_of_them, bound=2)


def context(run):
    """What others take, from Debian's packages."""
    neighbours.policy_services(run)
    with run.danegated(milter={}) as daemon:
        script = milter_session(run, daemon)
    neighbours.opendkim(run, script)


def pieces(run):
    """The pure pieces of a verdict, each by itself."""
    for name, nanoseconds in world.benchmarks(run.tool("bench_pieces"), run.options.smoke):
        run.table.add(f"piece: {name}", nanoseconds, "ns")
