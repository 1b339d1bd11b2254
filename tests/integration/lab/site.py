"""One laboratory per test run, and what a test module builds in it: daemons, Postfix instances, configurations."""

import contextlib
import itertools
import subprocess
from pathlib import Path

from . import catalogue, toml
from .credentials import Credentials
from .daemon import Daemon
from .dnslog import DnsLog
from .internet import ROOT, Internet
from .postfix import Postfix
from .sendmail import Sendmail

SANITIZER_MARKS = (b"__asan_init", b"__tsan_init")
USER = "nobody"  # of every Debian; the package's own user does not exist here


class Lab:
    """What lives as long as the run. `bin_dir` holds danegated and danegate; `zones` makes the leaf zones."""

    def __init__(self, folder, bin_dir, zones=catalogue.zones):
        self.folder, self.bin_dir = folder, Path(bin_dir).resolve()
        folder.chmod(0o755)
        self.keys = Credentials(folder / "keys")
        self.internet = Internet(folder / "dns", zones(self.keys))
        self.dns = DnsLog()
        self.report = []  # lines for the end of the run: one per matrix case
        self._tokens = itertools.count(1)

    def stop(self):
        self.dns.stop()
        self.internet.stop()

    def zone(self, name):
        return self.internet.zones[name]

    def publish(self, zone_name, client, *data, ttl=3600):
        """Replaces a client's TLSA records and serves them; returns when a query would get them."""
        zone = self.zone(zone_name).tlsa(catalogue.owner(client), *data, ttl=ttl)
        self.internet.publish(zone)

    def token(self):
        """A word that occurs nowhere else in this run: local part of a sender, text of a message."""
        return f"t{next(self._tokens)}x"

    def sanitized(self):
        """Is danegated a sanitizer build, whose memory and speed say nothing?"""
        content = (self.bin_dir / "danegated").read_bytes()
        return any(mark in content for mark in SANITIZER_MARKS)

    def config(self, **tables):
        """A configuration's text: the lab's base, with each given table merged over it or added to it."""
        document = {
            "server": {"user": USER, "authserv-id": "mx.example.net", "origin": "example.net", "state": "",
                       "control": ""},
            "policy": {"socket-group": "postfix"},
            "dns": {"trust-anchor-files": [str(self.internet.anchor)], "trust-anchors": [],
                    "stub-zones": [{"zone": ".", "servers": [f"{ROOT}@53"]}], "timeout": "2s"},
        }
        for name, content in tables.items():
            document[name] = {**document.get(name, {}), **content} if isinstance(content, dict) else content
        return toml.dump(document)

    def tool(self, *arguments):
        """Runs `danegate` with these arguments and returns its exit status, output and error output."""
        done = subprocess.run([self.bin_dir / "danegate", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def explain(self, config, request):
        """Runs `danegate explain --json` on one request and returns its exit status, output and error output."""
        done = subprocess.run([self.bin_dir / "danegate", "explain", "--config", config, "--json"], input=request,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        return done.returncode, done.stdout, done.stderr.decode()


class Bench:
    """What one test, or one module, builds in the lab; close() takes it down in reverse and checks every daemon."""

    def __init__(self, lab, folder):
        self.lab, self.folder = lab, folder
        folder.mkdir()
        self._stack = contextlib.ExitStack()
        self._count = itertools.count(1)
        self.daemons = []

    def close(self):
        self._stack.close()

    def place(self):
        """A new folder, reachable and writable for danegated after its privileges are dropped."""
        return self.owned(self.folder / str(next(self._count)))

    @staticmethod
    def owned(folder):
        """Makes that folder, danegated's own."""
        folder.mkdir()
        subprocess.run(["chown", USER, folder], check=True)
        return folder

    def daemon(self, folder=None, **tables):
        """A danegated that was not started yet, listening at <folder>/policy, and at <folder>/milter where there is a
        table for it, unless the tables say otherwise."""
        folder = folder or self.place()
        tables["server"] = {"control": f"unix:{folder}/control", **tables.get("server", {})}
        tables["policy"] = {"listen": [f"unix:{folder}/policy"], **tables.get("policy", {})}
        if "milter" in tables:
            tables["milter"] = {"listen": f"unix:{folder}/milter", "socket-group": "postfix", **tables["milter"]}
        config = folder / "danegate.toml"
        config.write_text(self.lab.config(**tables))
        daemon = Daemon(self.lab.bin_dir / "danegated", folder, config)
        daemon.endpoint, daemon.milter = f"unix:{folder}/policy", f"unix:{folder}/milter"
        daemon.control = folder / "control"
        daemon.tables = tables
        self._stack.callback(daemon.kill)
        return daemon

    def run(self, daemon):
        """Starts a daemon that is to be stopped and checked at the end; returns when it has asked for its roster."""
        daemon.start()
        daemon.await_roster()
        self._stack.callback(daemon.stop)
        self.daemons.append(daemon)
        return daemon

    def started(self, **tables):
        """A running danegated, stopped and checked at the end."""
        return self.run(self.daemon(**tables))

    def postfix(self, *listeners, **parameters):
        """A running Postfix with these listeners."""
        postfix = Postfix(self.folder / f"postfix{next(self._count)}", self.lab.keys, listeners, **parameters)
        self._stack.callback(postfix.stop)
        return postfix

    def sendmail(self, *ports, **options):
        """A running Sendmail with these ports, or at 127.0.0.1; skips the test where there is no Sendmail."""
        sendmail = Sendmail(self.folder / f"sendmail{next(self._count)}", self.lab.keys, *ports, **options)
        self._stack.callback(sendmail.stop)
        return sendmail
