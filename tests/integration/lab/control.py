"""Speaks to danegated's control socket: HTTP over a unix socket, and the tool's commands for it."""

import functools
import http.client
import json
import socket
import subprocess

from .policy import attributes, encode
from .procs import wait_until

SERVICE = [{"name": "smtp", "ports": [25], "names": ["_smtp-client.{helo}"]}]
ACME = {"name": "acme", "identities": ["*.acme.example", "*.silent.example"]}
RULES = [{"name": "watch", "senders": ["watched.example"], "mode": "monitor", "identities": ["nobody.example"]},
         {"name": "roll", "senders": ["roll.example"], "identities": ["*.roll.example"]}, ACME]


class Connection(http.client.HTTPConnection):
    """http.client, but to a path."""

    def __init__(self, path, timeout=60):
        super().__init__("localhost", timeout=timeout)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask(path, method, target, body=None):
    """One request on a connection of its own; returns its status and what the JSON says."""
    connection = Connection(path)
    try:
        connection.request(method, target, body)
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())
    finally:
        connection.close()


def status(daemon):
    """The daemon's own account of itself."""
    code, said = ask(daemon.control, "GET", "/status")
    assert code == 200
    return said


def await_known(daemon):
    """Waits until every name of the roster is known. On a busy machine a first lookup may take too long, and the next one
    comes half a minute later; until then a key that nobody has is doubt.
    """
    wait_until(lambda: status(daemon)["roster"]["unresolved"] == 0, "the roster to know everybody", timeout=90)


def tool(lab, *arguments, text="", **options):
    """Runs danegate; returns its exit status, output and error output."""
    done = subprocess.run([lab.bin_dir / "danegate", *map(str, arguments)], input=text.encode(), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=120, **options)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def tool_for(lab, daemon):
    """tool() for commands that find this daemon by its configuration."""
    return functools.partial(_with_config, lab, daemon)


def _with_config(lab, daemon, command, *arguments, **options):
    return tool(lab, command, "--config", daemon.config, *arguments, **options)


def request(credential=None, **changes):
    """A policy request as text."""
    return encode(attributes(credential, **changes)).decode()
