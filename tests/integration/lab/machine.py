"""A Debian host of its own as far as files go: private /etc, /usr/local, /var and /run, and Debian's own Postfix in its
chroot. What somebody types on a fresh machine can be run here as it stands, and leaves nothing behind.

It shares the lab's network, so one of them may be a mail server, and others only send.
"""

import os
import signal
import subprocess
from pathlib import Path

from .procs import run, wait_until
from .samples import parameters

# $1: folder; $2: host name. Copies where what is there counts, empty folders where only what is written does.
SETUP = """\
set -e
mount --make-rprivate / 2>/dev/null || true
for place in etc usr/local var/lib var/spool run usr/share/doc; do mkdir -p "$1/$place"; done
cp -a /etc/. "$1/etc"
hostname "$2"
echo "$2" >"$1/etc/mailname"
mkdir -p "$1/var/lib/postfix" "$1/var/spool/postfix"
chown postfix "$1/var/lib/postfix"
ln -s /usr/local/share/doc/danegate "$1/usr/share/doc/danegate"
for place in etc usr/local var/lib var/spool run usr/share/doc; do mount --bind "$1/$place" "/$place"; done
echo ready
exec sleep infinity
"""


class Machine:
    """From construction to stop(). `folder` must not exist; `work` in it is where commands run."""

    def __init__(self, folder, host):
        self.folder, self.host = folder, host
        self.work = folder / "work"
        folder.mkdir()
        self.work.mkdir()
        self._background = []
        self._holder = subprocess.Popen(["unshare", "--mount", "--uts", "--propagation", "unchanged", "sh", "-c", SETUP,
                                         "sh", folder, host], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                        cwd=self.work)
        assert self._holder.stdout.readline() == b"ready\n"

    def _command(self, text):
        """With --root and --wd, the holder's: a mount namespace by itself has the root of the whole system, and the run
        may be in a chroot."""
        return ["nsenter", f"--target={self._holder.pid}", "--mount", "--uts", "--root", "--wd",
                "bash", "-e", "-o", "pipefail", "-c", text]

    def _environment(self):
        return {**os.environ, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}

    def type(self, text, **options):
        """Runs commands as root in `work` and returns what they print; one that fails fails the test."""
        return run(*self._command(text), env=self._environment(), **options).decode()

    def begin(self, text, log):
        """Starts a command that stays; its standard error goes to `log`, a name in this machine's folder."""
        with open(self.folder / log, "ab") as output:
            process = subprocess.Popen(self._command(f"exec {text}"), stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=output, env=self._environment(), start_new_session=True)
        self._background.append(process)
        return process

    def read(self, log):
        return (self.folder / log).read_text(errors="replace")

    def write(self, path, text, mode="w"):
        """Into a file below one of the machine's own folders."""
        target = self.folder / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, mode, encoding="utf-8") as file:
            file.write(text)

    def set_main_cf(self, text):
        """What an editor would do: these parameters, in place of those of the same names."""
        for name, value in parameters(text).items():
            run(*self._command('postconf -e "$LINE"'), env={**self._environment(), "LINE": f"{name} = {value}"})

    def start_postfix(self, address="127.0.0.1", serves=True, **more):
        """Debian's main.cf and master.cf as a new package has them, and this host's own lines. `address` has to be one
        of an interface (Postfix looks). `serves`: takes mail there."""
        debian = Path("/usr/share/postfix")
        self.write("/etc/postfix/main.cf", (debian / "main.cf.debian").read_text())
        self.write("/etc/postfix/master.cf", (debian / "master.cf.dist").read_text())
        self.set_main_cf("".join(f"{name} = {value}\n" for name, value in {
            "myhostname": self.host, "inet_interfaces": address, "inet_protocols": "ipv4", "alias_maps": "",
            "maillog_file": "/var/spool/mail.log", "maillog_file_prefixes": "/var/spool",
            "local_transport": "discard:", "local_recipient_maps": "", **more}.items()))
        if not serves:
            self.type("postconf -MX smtp/inet")
        setup = Path("/usr/lib/postfix/configure-instance.sh")
        if "internal script" not in setup.read_text():  # Debian 12's service fills the chroot, 13's Postfix itself
            self.type(f"{setup} -")
        self.type("postfix start")
        wait_until(lambda: "daemon started" in self.read("var/spool/mail.log"), "Postfix to start", timeout=20)

    def stop(self):
        if (self.folder / "var/spool/postfix/pid/master.pid").exists():
            self.type("postfix stop")
        for process in self._background:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            assert process.wait(20) == 0
        self._holder.kill()
        self._holder.wait()
