"""Listening sockets: mode and group, several of them, what is left from a crash, what cannot be bound, activation."""

import grp
import os
import signal
import socket
import stat
import sys

import pytest

from lab.policy import PolicyClient

RULES = {"service": [{"name": "smtp", "ports": [25], "names": ["_smtp-client.{helo}"]}],
         "rule": [{"name": "acme", "identities": ["*.acme.example"]}]}


def answers(lab, endpoint):
    with PolicyClient(endpoint) as client:
        return client.ask(lab.keys.self_signed) == "DUNNO"


def test_unix_socket_mode_and_group(lab, bench):
    daemon = bench.started(**RULES)
    found = os.stat(daemon.endpoint.removeprefix("unix:"))
    assert stat.S_IMODE(found.st_mode) == 0o660
    assert found.st_gid == grp.getgrnam("postfix").gr_gid


def test_several_listeners(lab, bench):
    folder = bench.place()
    endpoints = [f"unix:{folder}/policy", f"unix:{folder}/other", "inet:127.0.0.1:10044", "inet:[::1]:10044"]
    bench.started(folder=folder, policy={"listen": endpoints}, **RULES)
    assert all(answers(lab, endpoint) for endpoint in endpoints)


def test_privileges_are_dropped(bench):
    daemon = bench.started(**RULES)
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as status:
        fields = dict(line.split(":", 1) for line in status)
    assert "0" not in fields["Uid"].split()
    assert "0" not in fields["Gid"].split() and int(fields["CapEff"], 16) == 0


def test_stale_socket_is_replaced(lab, bench):
    """A daemon that was killed leaves its socket; the next one takes the place."""
    folder = bench.place()
    first = bench.daemon(folder=folder, **RULES).start()
    first.signal(signal.SIGKILL)
    first.wait()
    path = folder / "policy"
    assert path.exists()
    second = bench.started(folder=bench.place(), policy={"listen": [f"unix:{path}"]}, **RULES)
    assert answers(lab, f"unix:{path}")
    second.assert_quiet()


def taken_by_a_daemon(bench, path):
    bench.started(policy={"listen": [f"unix:{path}"]}, **RULES)


def taken_by_a_file(_, path):
    path.write_text("precious")


@pytest.mark.parametrize("occupy", [taken_by_a_daemon, taken_by_a_file])
def test_socket_path_in_use(lab, bench, occupy):
    """What lives or is no socket is left alone: the start fails with a message."""
    path = bench.place() / "taken"
    occupy(bench, path)
    daemon = bench.daemon(policy={"listen": [f"unix:{path}"]}, **RULES).start(ready=False)
    assert daemon.wait() != 0
    assert str(path) in daemon.stderr()
    assert answers(lab, f"unix:{path}") if occupy is taken_by_a_daemon else path.read_text() == "precious"


@pytest.mark.parametrize("endpoint, marker", [
    ("inet:192.0.2.1:10044", "192.0.2.1"),
    ("inet:127.0.0.1:10045", "127.0.0.1:10045"),
    ("unix:/nonexistent-folder/policy", "/nonexistent-folder/policy"),
], ids=["address of another host", "port in use", "no such folder"])
def test_listener_that_cannot_bind(bench, endpoint, marker):
    with socket.create_server(("127.0.0.1", 10045)):
        daemon = bench.daemon(policy={"listen": [endpoint]}, **RULES).start(ready=False)
        assert daemon.wait() not in (0, -signal.SIGSEGV, -signal.SIGABRT)
    assert marker in daemon.stderr()


BAD_AT_START = {"syntax": "[policy\n", "unknown key": "[policy]\nlistne = []\n", "wrong type": "[policy]\nlisten = 7\n",
                "unknown table": "[polity]\n"}


@pytest.mark.parametrize("case", BAD_AT_START)
def test_bad_configuration_at_start(bench, case):
    """Exit 78 (sysexits: EX_CONFIG), and the message has file, line and column."""
    daemon = bench.daemon(**RULES)
    daemon.configure(BAD_AT_START[case])
    daemon.start(ready=False)
    assert daemon.wait() == 78
    text = daemon.stderr()
    assert "danegate.toml" in text and any(form in text for form in (":1:", ":2:", "line 1", "line 2")), text


ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_systemd_activation(lab, bench):
    """systemd holds the socket: requests that came before the start are answered, and it is never rebound."""
    folder = bench.place()
    with socket.socket(socket.AF_UNIX) as listener:
        path = folder / "policy"
        listener.bind(str(path))
        path.chmod(0o666)
        listener.listen(8)
        inode = os.stat(path).st_ino
        with PolicyClient(f"unix:{path}") as early:
            daemon = bench.daemon(folder=folder, **RULES)
            daemon.start(wrapper=(sys.executable, "-c", ACTIVATE, str(listener.fileno())),
                         pass_fds=(listener.fileno(),))
            assert early.ask(lab.keys.self_signed) == "DUNNO"
        assert answers(lab, f"unix:{path}")
        assert os.stat(path).st_ino == inode
        daemon.stop()
        assert path.exists(), "the socket is systemd's, not the daemon's to remove"
