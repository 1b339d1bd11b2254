"""A private Postfix: its own configuration, queue and data folders, real smtpd processes on loopback addresses.

Mail for example.net, and for any other domain that Postfix agrees to relay to, ends in one maildir, so a test reads
what was delivered with the headers that were added.
"""

import contextlib
import os
import re
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from .procs import descendants, name_of, run, wait_until

SERVICES = """\
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass
class Listener:
    """One smtpd in master.cf: endpoint and its own -o parameters."""

    address: str
    port: int
    parameters: dict = field(default_factory=dict)

    def text(self):
        host = f"[{self.address}]" if ":" in self.address else self.address
        options = "".join(f"  -o {{ {name} = {value} }}\n" for name, value in self.parameters.items())
        return f"{host}:{self.port} inet n - n - - smtpd\n{options}"


@dataclass
class Entry:
    """A piece of master.cf as somebody wrote it."""

    content: str

    def text(self):
        return self.content


def check(endpoint, context, default="451 4.3.5 danegate is not there"):
    """A check_policy_service restriction as README recommends it: bounded, with a default that defers."""
    return (f"check_policy_service {{ {endpoint}, timeout=10s, "
            f"{{ default_action = {default} }}, policy_context={context} }}")


def milter(endpoint):
    """smtpd_milters as README recommends it."""
    return f"{{ {endpoint}, connect_timeout=5s, command_timeout=15s, content_timeout=30s, default_action=tempfail }}"


class Postfix:
    """Running from construction to stop(). `folder` must not exist and be reachable for the postfix user."""

    def __init__(self, folder, keys, listeners, **parameters):
        self.folder = folder
        self.tolerated = None  # a complaint of its log that the test provokes, as a regular expression
        for name in ("", "conf", "queue", "data", "mail"):
            (folder / name).mkdir()
        self.conf = folder / "conf"
        self.log_path = folder / "mail.log"
        run("chown", "postfix", folder / "data")
        run("chown", "-R", "nobody", folder / "mail")
        main = {**self._main(keys), **parameters}
        (self.conf / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in main.items()))
        (self.conf / "master.cf").write_text(SERVICES + "".join(each.text() for each in listeners))
        run("postfix", "-c", self.conf, "check")
        self._master = Path(run("postconf", "-c", self.conf, "-h", "daemon_directory").decode().strip()) / "master"
        self._start()

    def _start(self):
        # Not `postfix start-fg`: a shell stays in front of master there and does not pass the end on. A session of
        # its own makes a process group of master and its daemons, which stop() ends as one.
        before = self.log().count("daemon started")
        self._process = subprocess.Popen([self._master, "-c", self.conf, "-d"], start_new_session=True)
        wait_until(lambda: self.log().count("daemon started") > before, "Postfix to start", timeout=20)

    def _main(self, keys):
        return {
            "compatibility_level": "3.6",
            "queue_directory": self.folder / "queue",
            "data_directory": self.folder / "data",
            "maillog_file": self.log_path,
            "maillog_file_prefixes": self.folder,
            "myhostname": "mx.example.net",
            "myorigin": "example.net",
            "mydestination": "",
            "mynetworks": "192.0.2.0/32",
            "inet_interfaces": "loopback-only",
            "alias_maps": "",
            "default_transport": "virtual:",
            "smtpd_sasl_auth_enable": "no",
            "virtual_mailbox_domains": "example.net",
            "virtual_mailbox_base": self.folder / "mail",
            "virtual_mailbox_maps": "static:all/",
            "virtual_uid_maps": "static:65534",
            "virtual_gid_maps": "static:65534",
            "smtpd_client_connection_count_limit": "0",
            "smtpd_relay_restrictions": "reject_unauth_destination",
            "smtpd_tls_security_level": "may",
            "smtpd_tls_ask_ccert": "yes",
            "smtpd_tls_cert_file": keys.server.certificate,
            "smtpd_tls_key_file": keys.server.key,
            "smtpd_tls_CAfile": keys.ca.certificate,
        }

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def mail(self, token, count=1):
        """Waits for `count` delivered messages that contain the token and returns their texts."""
        def delivered():
            found = [text for text in self.delivered() if token in text]
            return len(found) >= count and found
        found = wait_until(delivered, f"{count} delivered message(s) with {token}", timeout=30)
        assert len(found) == count, found
        return found

    def assert_no_mail(self, token):
        """Nothing with that token was delivered, and none is on its way."""
        wait_until(lambda: not self.queued(), "an empty queue")
        assert not [text for text in self.delivered() if token in text]

    def held(self, token):
        """Waits for the held message that contains the token and returns its text; its queue file has it in pieces."""
        def found():
            texts = [path.read_bytes().decode("utf-8", "replace") for path in (self.folder / "queue" / "hold").glob("*")
                     if path.is_file()]
            return next((text for text in texts if token in text), None)
        return wait_until(found, f"a held message with {token}")

    def delivered(self):
        """The texts of all messages that were delivered."""
        return [path.read_text(errors="replace") for path in (self.folder / "mail").glob("all/new/*")]

    def queued(self):
        """The files of messages that are neither delivered nor held."""
        return [path for name in ("incoming", "active", "deferred")
                for path in (self.folder / "queue" / name).rglob("*") if path.is_file()]

    def reload(self):
        """`postfix reload`, as an administrator says it, until no smtpd is left that has read the old configuration: an
        idle one may still take the next client after the command has ended."""
        old = self._smtpds()
        before = self.log().count("reload --")
        run("postfix", "-c", self.conf, "reload")
        wait_until(lambda: self.log().count("reload --") > before, "Postfix to reload")
        wait_until(lambda: not old & self._smtpds(), "the old smtpd processes to end")

    def restart(self):
        self.stop()
        self._start()

    def _smtpds(self):
        return {pid for pid in descendants(self._process.pid) if name_of(pid) == "smtpd"}

    def stop(self):
        """Ends it; a panic, a fatal error or a complaint about the policy service in its log is a failure."""
        group = self._process.pid
        os.killpg(group, signal.SIGTERM)
        self._process.wait()
        with contextlib.suppress(ChildProcessError):
            while True:  # master's daemons are ours now: we are process 1, and their ports are free when they are gone
                os.waitpid(-group, 0)
        complaints = re.findall(r"(?m)^.*(?:panic:|fatal:|problem talking to server).*$", self.log())
        if self.tolerated:
            complaints = [line for line in complaints if not re.search(self.tolerated, line)]
        assert not complaints, complaints
