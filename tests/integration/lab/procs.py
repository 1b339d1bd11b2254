"""Small helpers for child processes and for waiting on something that another process does."""

import contextlib
import subprocess
import time
from pathlib import Path


def wait_until(predicate, what, timeout=20.0, interval=0.01):
    """Polls until predicate() is truthy and returns that value; AssertionError naming `what` after the timeout."""
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s in vain for {what}")
        time.sleep(interval)


def run(*command, **options):
    """Runs a command that must succeed and returns its standard output; its error output is in the exception."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stderr.decode()}")
    return done.stdout


def stop(process, timeout=10.0):
    """SIGTERM, then SIGKILL when that is not obeyed in time. Returns the exit status."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def _all_processes():
    """(process id, state, parent, session) of each."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            state, parent, _, session_id = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            yield int(folder.name), state, int(parent), int(session_id)


def descendants(pid):
    """That process and everything it started."""
    parents = {each: parent for each, _, parent, _ in _all_processes()}
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def session(leader):
    """(process id, state as in proc(5)) of each process in that session: also of those whose parent has ended."""
    return [(pid, state) for pid, state, _, session_id in _all_processes() if session_id == leader]


def name_of(pid):
    """The name of its program as the kernel has it, 15 characters at most; empty when it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().rstrip("\n")
    return ""
