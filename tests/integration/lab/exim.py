"""A private Exim, Debian's own, with conf/exim.conf: configuration and spool in a folder, SMTP on a loopback address.

Exim is unpacked into a tree of its own (tests/support/mta-tree) as it cannot be installed beside Postfix. What it
accepts stays in its spool, where a test reads it with the fields that the ACL added.
"""

import grp
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

from .mtatree import mta_tree
from .procs import run, wait_until
from .samples import CONF

# What Debian builds into it, in Exim's own view of /etc/passwd only. Its group is the one that the lab's sockets have,
# as socket-group = "Debian-exim" would give them.
USER, UID = "Debian-exim", 65533

WRAPPER = """\
set -e
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/group" /etc/group
shift
exec "$@"
"""

MAIN = """\
exim_path = {tree}/bin/exim
keep_environment =
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
pid_file_path = {folder}/exim.pid
primary_hostname = mx.example.net
qualify_domain = example.net
local_interfaces = <; {address}
daemon_smtp_ports = 25
host_lookup =
rfc1413_query_timeout = 0s
queue_only
log_selector = +all
tls_advertise_hosts = *
tls_certificate = {folder}/server.pem
tls_privatekey = {folder}/server.key
helo_allow_chars = _
acl_smtp_rcpt = check_rcpt
acl_smtp_predata = check_data
"""

# As the comments of part 3 say: exempt first, then danegate, then relay by key, then our own domains.
ACLS = """\
check_rcpt:
  accept  hosts = 127.0.0.66
  {rcpt}
  {relay}
  accept  domains = example.net
  deny    message = relay not permitted

check_data:
  accept  hosts = 127.0.0.66
  {data}
  accept

begin routers
"""


def recipe(folder, endpoint):
    """conf/exim.conf for this folder and socket: its main section, its ACL, and the statements of part 3."""
    text = (CONF / "exim.conf").read_text()
    wanted = {"/etc/exim4/exim.crt": f"{folder}/server.pem", "/var/spool/danegate/policy": endpoint}
    for shipped, ours in wanted.items():
        assert shipped in text
        text = text.replace(shipped, ours)
    main, acl = text.split("# 2. After \"begin acl\"", 1)
    statements = re.findall(r"(?m)^# {5}((?:require|accept) .*)$", acl)
    assert len(statements) == 3, statements
    return main, "#" + acl, dict(zip(("rcpt", "relay", "data"), statements))


class Exim:
    """Running from construction to stop(). `folder` must not exist; `endpoint` is the path of danegate's socket."""

    def __init__(self, folder, keys, endpoint, address="127.0.0.1", change=lambda text: text):
        tree = mta_tree("exim")
        self.folder = folder
        folder.mkdir()
        self._accounts()
        for name, source in (("server.pem", keys.server.certificate), ("server.key", keys.server.key)):
            (folder / name).write_bytes(Path(source).read_bytes())
        (folder / "spool").mkdir()
        run("chown", "-R", f"{UID}:postfix", folder)
        main, acl, statements = recipe(folder, endpoint)
        text = MAIN.format(tree=tree, folder=folder, address=address) + main + "begin acl\n" + acl
        (folder / "exim.conf").write_text(change(text) + ACLS.format(**statements))
        (folder / "exim.conf").chmod(0o644)
        self._command = ["unshare", "--mount", "--propagation", "unchanged", "sh", "-c", WRAPPER, "sh", folder,
                         tree / "bin" / "exim", "-C", folder / "exim.conf"]
        with open(folder / "stderr.log", "wb") as errors:
            self._process = subprocess.Popen([*self._command, "-bdf"], stdin=subprocess.DEVNULL, stdout=errors,
                                             stderr=errors, start_new_session=True)
        wait_until(lambda: self._listens(f"{address}:25"), "Exim to start", timeout=20)
        wait_until(lambda: self._greets(address), "Exim's greeting", timeout=20)

    def _accounts(self):
        gid = grp.getgrnam("postfix").gr_gid
        for name, line in (("passwd", f"{USER}:x:{UID}:{gid}::/:/bin/false\n"), ("group", f"{USER}:x:{gid}:\n")):
            (self.folder / name).write_text(Path("/etc", name).read_text() + line)

    def _listens(self, endpoint):
        assert self._process.poll() is None, (self.folder / "stderr.log").read_text()
        return endpoint in run("ss", "-H", "-l", "-t", "-n").decode().split()

    @staticmethod
    def _greets(address):
        """It listens before it serves, and turns away who comes in between."""
        try:
            with socket.create_connection((address, 25), 10) as connection:
                return connection.recv(3) == b"220"
        except ConnectionError:
            return False

    def log(self, name="main"):
        path = self.folder / f"{name}log"
        return path.read_text(errors="replace") if path.exists() else ""

    def message(self, token):
        """Waits for a message whose body has the token; returns what its spool header file holds."""
        def found():
            for body in (self.folder / "spool" / "input").glob("*-D"):
                header = body.with_name(body.name[:-1] + "H")
                if token in body.read_text(errors="replace") and header.exists():
                    return header.read_text(errors="replace")
            return None
        return wait_until(found, f"a message with {token}")

    def expand(self, text):
        """What Exim makes of a string."""
        return run(*self._command, "-be", text).decode().rstrip("\n")

    def stop(self):
        """Ends it; a panic of its own is a failure."""
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait()
        assert not self.log("panic"), self.log("panic")
