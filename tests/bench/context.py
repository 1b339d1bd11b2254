"""What others take for a request or a session: from Debian's packages, asked as danegated is. Context, not judged."""

import contextlib
import os
import signal
import socket
import subprocess
import threading

import world
from lab.procs import wait_until
from world import PARTNERS, Series, on

SPF = '"v=spf1 ip4:192.0.2.1 -all"'


def policy_services(run):
    """policyd-spf, one process a connection as Postfix's spawn(8) starts it, and postfwd with two rules on fingerprints."""
    requests = run.partners()
    zone = run.lab.zone("acme.example")
    for name in ("acme.example", *PARTNERS):
        zone.set(name, "TXT", SPF)
    run.lab.internet.publish(zone)
    with resolver(run.folder, "127.0.0.3"), spawned(run.folder / "spf", "/usr/bin/policyd-spf") as endpoint:
        report(run, "policyd-spf, 8 connections: verdicts", endpoint, requests, "--expect", "*")
    with postfwd(run) as endpoint:
        report(run, "postfwd, two rules on fingerprints, 8 connections", endpoint, requests)


def report(run, what, endpoint, requests, *options):
    series = Series()
    for _ in run.rounds():
        series.note(run.load(endpoint, requests, "--connections", 8, *options), "rate", "p99")
    run.table.add(what, series.span("rate"), "/s")
    run.table.add("  p99 of a reply", series.span("p99"), "us")


@contextlib.contextmanager
def resolver(folder, address):
    """/etc/resolv.conf of this mount namespace, which is ours."""
    file = folder / "resolv.conf"
    file.write_text(f"nameserver {address}\n")
    subprocess.run(["mount", "--bind", file, "/etc/resolv.conf"], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "/etc/resolv.conf"], check=True)


@contextlib.contextmanager
def spawned(path, program):
    """A listener that gives each connection to a process of its own, as spawn(8) does."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(64)
    children = []

    def accept():
        with contextlib.suppress(OSError):  # the listener is closed
            while True:
                connection, _ = listener.accept()
                with connection:
                    children.append(subprocess.Popen(on(world.SERVER, program), stdin=connection, stdout=connection,
                                                     stderr=subprocess.DEVNULL))

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"unix:{path}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for child in children:
            child.kill()
            child.wait()


@contextlib.contextmanager
def postfwd(run):
    key = run.lab.keys
    rules = run.folder / "postfwd.cf"
    rules.write_text("".join(f"id={name}; ccert_fingerprint=={each.fingerprint(0)}; action=DUNNO\n"
                             for name, each in (("OTHER", key.other), ("RIGHT", key.self_signed))))
    endpoint, pid = "inet:127.0.0.1:10045", run.folder / "postfwd.pid"
    subprocess.run(on(world.SERVER, "/usr/sbin/postfwd", "--daemon", "--nodns", "--file", rules, "--interface", "127.0.0.1",
                      "--port", "10045", "--user", "nobody", "--group", "nogroup", "--pidfile", pid), check=True)
    wait_until(lambda: answers(endpoint), "postfwd to listen", timeout=20)
    try:
        yield endpoint
    finally:
        os.kill(int(pid.read_text()), signal.SIGTERM)


def answers(endpoint):
    host, port = endpoint.split(":")[1:]
    with contextlib.suppress(OSError):
        socket.create_connection((host, int(port))).close()
        return True
    return False


def opendkim(run, script):
    """OpenDKIM, verifying, up to RCPT: it has nothing to look up before the header."""
    path = run.bench.place() / "dkim"
    series = Series()
    with world.program("/usr/sbin/opendkim", "-f", "-x", "/dev/null", "-b", "v", "-p", f"local:{path}", "-u", "nobody",
                       ready=path.exists):
        path.chmod(0o666)
        for _ in run.rounds():
            series.note(world.measured(run.tool("milter_load"), "--seconds", run.options.seconds, f"unix:{path}", script),
                        "rate", "p99")
    run.table.add("OpenDKIM to RCPT, 8 sessions: sessions", series.span("rate"), "/s")
    run.table.add("  p99 of a session", series.span("p99"), "us")
