"""A private Sendmail, Debian's own: configuration and queue in a folder, real SMTP on loopback addresses, one milter.

Sendmail is unpacked into a tree of its own (tests/support/mta-tree) as it cannot be installed beside Postfix.
Mail for example.net ends in one folder, a file per message, so a test reads what was delivered with the headers that
the filter changed. Nothing is looked up in the DNS, so names of clients come from /etc/hosts alone.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
from dataclasses import dataclass

from .milter_wire import mta_endpoint
from .mtatree import mta_tree
from .procs import run, wait_until

# Sendmail logs to the machine's syslog and to nothing else, and asks the machine for its name, so it gets a /dev and
# a name that only it sees. What it needs of /dev is mounted from open descriptors: the old /dev is out of sight then.
WRAPPER = """\
set -e
hostname mx.example.net
exec 3</dev/null 4</dev/urandom
mount --make-private /dev
mount -t tmpfs -o mode=755 tmpfs /dev
ln -s "$1" /dev/log
: >/dev/null
: >/dev/urandom
mount --no-canonicalize --bind /proc/self/fd/3 /dev/null
mount --no-canonicalize --bind /proc/self/fd/4 /dev/urandom
exec 3<&- 4<&-
shift
exec "$@"
"""

# Run as nobody with the message on standard input; a name that glob("*") sees only once it is complete.
DELIVER = """\
#!/bin/sh
set -e
file=$(mktemp "$1/.new.XXXXXXXX")
cat >"$file"
mv "$file" "$1/message${file##*.new}"
"""

CONFIGURATION = """\
OSTYPE(`linux')
define(`confDOMAIN_NAME', `mx.example.net')
LOCAL_DOMAIN(`example.net')
undefine(`ALIAS_FILE')
define(`QUEUE_DIR', `{folder}/queue')
define(`STATUS_FILE', `{folder}/statistics')
define(`HELP_FILE', `{folder}/help')
define(`confPID_FILE', `{folder}/sendmail.pid')
define(`confCR_FILE', `-o {folder}/relay-domains')
define(`confSERVICE_SWITCH_FILE', `{folder}/service.switch')
define(`confDEF_USER_ID', `65534:65534')
define(`confDELIVERY_MODE', `interactive')
define(`confPRIVACY_FLAGS', `public')
define(`confTO_IDENT', `0s')
define(`confDONT_PROBE_INTERFACES', `True')
define(`confREFUSE_LA', `1000')
define(`confQUEUE_LA', `1000')
define(`confLOG_LEVEL', `14')
define(`confDONT_BLAME_SENDMAIL', `TrustStickyBit')
define(`confSERVER_CERT', `{keys.server.certificate}')
define(`confSERVER_KEY', `{keys.server.key}')
define(`confCACERT', `{keys.ca.certificate}')
define(`confCACERT_PATH', `{folder}/ca')
FEATURE(`nocanonify')
FEATURE(`accept_unresolvable_domains')
FEATURE(`accept_unqualified_senders')
FEATURE(`no_default_msa')
define(`LOCAL_MAILER_PATH', `{folder}/deliver')
define(`LOCAL_MAILER_ARGS', `deliver {folder}/mail $u')
define(`_DEF_LOCAL_MAILER_FLAGS', `lsDFMq')
define(`LOCAL_MAILER_FLAGS', `mn')
"""

# What goes to other domains, as far as Sendmail relays it, ends in the same folder. The mailer's name is the usual one
# for other hosts, because a filter is told it for the sender's address, too.
MAILERS = """\
MAILER(`local')
LOCAL_RULE_0
R$* < @ $=w . > $*\t$#local $: $1
R$* < @ $+ > $*\t$#esmtp $@ $2 $: $1 < @ $2 > $3
MAILER_DEFINITIONS
Mesmtp, P={folder}/deliver, F=mDFMnu, A=deliver {folder}/mail $u
"""


@dataclass
class Port:
    """One listening socket; `name` is what the filter sees as {daemon_name}.

    `modifiers`: "A" for no AUTH, whose library would look for the machine's own secrets; "As" for TLS from the start.
    """

    address: str
    port: int = 25
    name: str = "MTA"
    modifiers: str = "A"

    def endpoint(self):
        """As `ss` shows it."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    def text(self):
        family = "inet6" if ":" in self.address else "inet"
        return (f"DAEMON_OPTIONS(`Name={self.name}, Family={family}, Addr={self.address}, Port={self.port}, "
                f"M={self.modifiers}')\n")


class Syslog:
    """The reading end of a /dev/log: keeps every message as a line of a file."""

    def __init__(self, path, log_path):
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        path.chmod(0o666)
        self._log = open(log_path, "wb", buffering=0)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while message := self._socket.recv(65536):
            self._log.write(re.sub(rb"^<\d+>", b"", message).rstrip(b"\n\0") + b"\n")

    def close(self):
        """Ends the reader with an empty message, after those that came before."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", str(self._path))
        self._thread.join()
        self._socket.close()
        self._log.close()


class Sendmail:
    """Running from construction to stop(). `folder` must not exist, and be reachable for nobody.

    `milter` is a filter's endpoint in danegate's spelling, or None; while it fails, clients get a 4xx reply (F=T).
    `fingerprint` is the digest of {cert_fp}; with None Sendmail sends {cert_md5} instead, and with "sha512" (seen in
    8.17.1.9) its process dies of an assertion as soon as a client shows a certificate. `more` is added to the
    configuration's m4 source, e.g. "define(`confMILTER_MACROS_HELO', `...')dnl\\n".
    """

    def __init__(self, folder, keys, *ports, milter=None, fingerprint="sha256", more=""):
        tree = mta_tree("sendmail")
        self.folder = folder
        self.tolerated = None  # a complaint of its log that the test provokes, as a regular expression
        for name in ("", "queue", "mail", "ca"):
            (folder / name).mkdir()
        (folder / "queue").chmod(0o700)
        run("chown", "nobody", folder / "mail")
        (folder / "deliver").write_text(DELIVER)
        (folder / "deliver").chmod(0o755)
        (folder / "service.switch").write_text("hosts files\naliases files\n")
        (folder / "statistics").touch()
        self.log_path = folder / "mail.log"
        ports = ports or (Port("127.0.0.1"),)
        self._configure(tree, keys, ports, milter, fingerprint, more)
        self._syslog = Syslog(folder / "log", self.log_path)
        command = ["unshare", "--uts", "--mount", "--propagation", "unchanged", "sh", "-c", WRAPPER, "sh",
                   folder / "log", tree / "bin" / "sendmail", "-bD", f"-C{folder}/sendmail.cf"]
        with open(folder / "stderr.log", "wb") as errors:
            # A session of its own makes a process group of it and its children, which stop() ends as one.
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                                             start_new_session=True)
        self._await_start({port.endpoint() for port in ports})

    def _configure(self, tree, keys, ports, milter, fingerprint, more):
        source = CONFIGURATION.format(folder=self.folder, keys=keys)
        if fingerprint:
            source += f"define(`confCERT_FINGERPRINT_ALGORITHM', `{fingerprint}')\n"
        source += "".join(port.text() for port in ports)
        if milter:
            source += f"INPUT_MAIL_FILTER(`danegate', `S={mta_endpoint(milter)[1]}, F=T, T=S:10s;R:10s;E:5m')\n"
        path = self.folder / "sendmail.mc"
        path.write_text(source + more + MAILERS.format(folder=self.folder))
        cf = tree / "usr" / "share" / "sendmail" / "cf"
        text = run("m4", f"-D_CF_DIR_={cf}/", "-D_NO_MAKEINFO_", cf / "m4" / "cf.m4", path)
        (self.folder / "sendmail.cf").write_bytes(text)

    def _await_start(self, endpoints):
        """Waits for it to listen; asks the kernel, because a connection would reach the filter."""
        def listening():
            assert self._process.poll() is None, f"Sendmail ended:\n{self._errors()}"
            return endpoints <= set(run("ss", "-H", "-l", "-t", "-n").decode().split())
        try:
            wait_until(listening, "Sendmail to start", timeout=20)
        except AssertionError as error:
            self._syslog.close()
            raise AssertionError(f"{error}\n{self._errors()}{self.log()[-3000:]}") from None

    def _errors(self):
        return (self.folder / "stderr.log").read_text(errors="replace")

    def log(self):
        return self.log_path.read_text(errors="replace")

    def mail(self, token, count=1):
        """Waits for `count` delivered messages that contain the token and returns their texts."""
        def delivered():
            found = self._delivered(token)
            return len(found) >= count and found
        found = wait_until(delivered, f"{count} delivered message(s) with {token}", timeout=30)
        assert len(found) == count, found
        return found

    def assert_no_mail(self, token):
        """Nothing with that token was delivered, and none is on its way."""
        wait_until(lambda: not self._queued(), "an empty queue")
        assert not self._delivered(token)

    def held(self, token):
        """Waits for a message with the token in quarantine and returns the reason that the filter gave."""
        def quarantined():
            return [text for path in (self.folder / "queue").glob("hf*")
                    if token in (text := path.read_text(errors="replace"))]
        text, = wait_until(quarantined, f"a message with {token} in quarantine")
        return re.search(r"(?m)^q(.*)$", text)[1]

    def _queued(self):
        """Files of messages that are not in quarantine."""
        names = {path.name for path in (self.folder / "queue").iterdir()}
        return [name for name in names if f"hf{name[2:]}" not in names]

    def _delivered(self, token):
        return [text for path in (self.folder / "mail").glob("message*")
                if token in (text := path.read_text(errors="replace"))]

    def stop(self):
        """Ends it; a complaint about the filter, TLS or its own set-up in its log is a failure."""
        group = self._process.pid
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGTERM)
        self._process.wait()
        with contextlib.suppress(ChildProcessError):
            while True:  # its children are ours now: we are process 1
                os.waitpid(-group, 0)
        self._syslog.close()
        complaints = re.findall(r"(?m)^.*(?:SYSERR|Milter \(.*\): (?:error|timeout|to error)|unsafe|panic).*$",
                                self.log())
        complaints += re.findall(r".*SM_ASSERT.*", self._errors())
        if self.tolerated:
            complaints = [line for line in complaints if not re.search(self.tolerated, line)]
        assert not complaints, complaints
