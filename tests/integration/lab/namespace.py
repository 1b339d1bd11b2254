"""Moves the whole test run into network and process namespaces of its own.

Why: real delegations need port 53 and Postfix needs port 25, on a machine that may use both; and whatever a test
leaves behind must die with the run, however it ends. In a fresh network namespace every 127.0.0.0/8 address is free;
in a fresh process namespace pytest is process 1, and the kernel kills the rest when it goes.

Works inside a chroot as well: `--propagation unchanged` asks nothing of `/`, and only /proc is mounted.
"""

import os
import signal
import subprocess
import sys

import pytest

MARK = "DANEGATE_LAB"


def inside():
    """True in the process that runs in the lab's namespaces."""
    return os.environ.get(MARK) == "1"


def enter(config):
    """Replaces this pytest process by the same run inside the namespaces. Does not return."""
    if os.geteuid() != 0:
        raise pytest.UsageError("the integration tier needs root: it makes namespaces and starts Postfix")
    # pytest has pointed our descriptors at its capture files; the new process must inherit the real ones.
    config.pluginmanager.getplugin("capturemanager").stop_global_capturing()
    os.environ[MARK] = "1"
    os.chdir(config.invocation_params.dir)
    os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--propagation", "unchanged", "--fork",
                          "--kill-child", "--mount-proc", "--",
                          sys.executable, "-m", "pytest", *config.invocation_params.args])


def prepare():
    """Once inside: the loopback interface up, and SIGTERM an orderly end (process 1 would ignore it)."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", returncode=143))
