"""Commands in Debian trees, and machines: trees in which systemd is process 1. tests/package/tree makes both."""

import os
import signal
import subprocess
import time
from pathlib import Path

TREE = Path(__file__).parent / "tree"
CLEAN = ["env", "-i", "HOME=/root", "LC_ALL=C.UTF-8", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
         "DEBIAN_FRONTEND=noninteractive"]


def in_tree(release, layer, out, *command, log):
    """Runs a command in a fresh tree; what it says goes to `log`, and its end into the failure's text."""
    with open(log, "wb") as file:
        done = subprocess.run([TREE, release, layer, *command], stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                              env={**os.environ, "PACKAGE_OUT": str(out)}, check=False)
    text = Path(log).read_text(errors="replace")
    assert done.returncode == 0, f"{' '.join(command)}: exit status {done.returncode}\n{text[-4000:]}"
    return text


class Machine:
    """Running from construction to stop(). `prepare` is a shell command for the tree, with the network, before."""

    def __init__(self, release, layer, out, prepare):
        self._log = out / f"{layer}.log"
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [TREE, "--boot", release, layer, "sh", "-c", prepare], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "PACKAGE_OUT": str(out)})
        self._pid = None  # of systemd, as seen from here

    def _find_systemd(self):
        assert self._process.poll() is None, f"no machine: {self._log.read_text(errors='replace')[-2000:]}"
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        if len(children) == 1 and Path(f"/proc/{children[0]}/comm").read_text().strip() == "systemd":
            self._pid = children[0]
        return self._pid

    def wait_until_running(self):
        wait_until(self._find_systemd, "systemd as process 1", 300)
        wait_until(lambda: self.run("systemctl", "is-system-running", status=None).strip() in ("running", "degraded"),
                   "the machine to be up", 120)
        assert self.run("systemctl", "is-system-running", status=None).strip() == "running", \
            self.run("systemctl", "--failed", status=None)

    def run(self, *command, status=0):
        """Its output, both streams. `status` None: whatever it is."""
        done = subprocess.run(["nsenter", "--target", self._pid, "--mount", "--uts", "--ipc", "--net", "--pid",
                               "--cgroup", "--", *CLEAN, *command],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              start_new_session=True, check=False)
        text = done.stdout.decode(errors="replace")
        assert status is None or done.returncode == status, f"{command}: exit status {done.returncode}\n{text[-6000:]}"
        return text

    def sh(self, script, status=0):
        return self.run("sh", "-euc", script, status=status)

    def path(self, name):
        """The same file, as seen from here."""
        return Path(f"/proc/{self._pid}/root") / name.lstrip("/")

    def files(self):
        """What is on its disk, apart from what installing anything leaves behind."""
        skipped = ("proc", "sys", "dev", "run", "tmp", "out", "src", "root", "var/tmp", "var/cache", "var/log",
                   "var/lib/apt", "var/lib/dpkg", "var/lib/systemd", "var/lib/private")
        prune = " -o ".join(f"-path /{name}" for name in skipped)
        return set(self.sh(f"find / -xdev \\( {prune} \\) -prune -o -print").splitlines())

    def accounts(self):
        return {name: set(self.path(name).read_text().splitlines()) for name in
                ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")}

    def stop(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)  # --kill-child: systemd goes with it, and its machine
        self._process.wait()
        wait_until(self._remove_group, "the machine's processes to end", 30)

    def _remove_group(self):
        """Its control group: made by tests/package/tree, left by the last process."""
        group = next((Path(line.split()[1]) for line in Path("/proc/mounts").read_text().splitlines()
                      if line.split()[2] == "cgroup2"), None) / f"danegate-package-{self._process.pid}"
        try:
            for folder in sorted(group.rglob("*"), reverse=True):
                if folder.is_dir():
                    folder.rmdir()
            if group.exists():
                group.rmdir()
        except OSError:
            return False
        return True


def wait_until(condition, what, timeout=30):
    end = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < end, f"waited {timeout} s for {what}"
        time.sleep(0.1)
    return found
