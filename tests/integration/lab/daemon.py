"""Starts danegated on a configuration, reads its log, and holds it to its contract.

The contract checked on every run: READY=1 within a few seconds, every log line well-formed logfmt, no line of level
warning or worse that the test did not announce with expect(), exit status 0 at SIGTERM, no sanitizer report.
"""

import contextlib
import os
import queue
import re
import signal
import socket
import subprocess
import threading
from datetime import datetime, timezone

from . import logfmt
from .procs import wait_until

READY_SECONDS = 30  # sanitizer builds on a busy machine
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error: |SUMMARY: \w+Sanitizer")
LOUD = ("warning", "error", "critical")
TIME_LENGTH = len("2026-11-26T12:34:56.789")
ADVICE = "roster-record"  # event: what is odd about a partner's records, not about danegated; tests look for it by name


class NotifySocket:
    """The service manager's end of sd_notify. Read without delay, as systemd does: the sender waits when it is full."""

    def __init__(self, path):
        self.path = path
        self._lines = queue.SimpleQueue()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        path.chmod(0o666)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while message := self._socket.recv(4096):
            for line in message.decode().split("\n"):
                self._lines.put(line)
        self._socket.close()

    def take(self, wanted):
        """True if that line came since the last call; what came before it is forgotten."""
        with contextlib.suppress(queue.Empty):
            while self._lines.get_nowait() != wanted:
                pass
            return True
        return False

    def close(self):
        """Ends the reader with an empty message."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", str(self.path))


class Daemon:
    """One danegated. `binary` is its path, `folder` an existing folder of its own for log, sockets and notification."""

    def __init__(self, binary, folder, config):
        self.config, self.folder = config, folder
        self.log_path = folder / "stderr.log"
        self._notifications = NotifySocket(folder / "notify")
        self._binary, self.process = binary, None
        self._log = None  # the open file that it writes to
        self._parsed, self._offset = [], 0
        self._loud = []  # complaints not yet announced
        self._forgiven = []  # (until when, pattern)

    def start(self, wrapper=(), pass_fds=(), ready=True):
        """Runs it, with `wrapper` in front of the command line. With ready=False the caller expects it to end."""
        environment = {**os.environ, "NOTIFY_SOCKET": str(self._notifications.path)}
        if self._log is None:
            self._log = open(self.log_path, "wb", buffering=0)  # not "a": see skim()
        self.process = subprocess.Popen([*wrapper, self._binary, "--config", self.config], stderr=self._log,
                                        stdin=subprocess.DEVNULL, env=environment, pass_fds=pass_fds)
        if ready:
            wait_until(self._is_ready, "danegated to be ready", READY_SECONDS)
        return self

    def notified(self, state):
        """Did a notification with the line `state` arrive since the last call?"""
        return self._notifications.take(state)

    def _is_ready(self):
        assert self.process.poll() is None, f"danegated ended ({self.process.returncode}):\n{self.stderr()}"
        return self.notified("READY=1")

    def stderr(self):
        return self.log_path.read_text(errors="backslashreplace")

    def lines(self):
        """Every log line so far as a dictionary; a line that is not logfmt in UTF-8 fails the test."""
        self._read_on(lambda line: True)
        return self._parsed

    def skim(self):
        """Reads on as lines() does, keeps no verdict (a benchmark makes millions of them, at 4 KB each here), and has the
        log begin again over itself, in the memory that it has: what fresh memory costs is for a virtual machine's host
        to say, and 30 MB a second add up. For a daemon that is asked nothing meanwhile.
        """
        def at_rest():
            before = self._offset
            self._read_on(lambda line: b" level=info event=verdict " not in line)
            return before == self._offset == self._log.tell()
        wait_until(at_rest, "the end of the log", interval=0.02)
        self._offset = self._log.seek(0)

    def _read_on(self, wanted):
        kept = []
        with open(self.log_path, "rb") as log:
            log.seek(self._offset)
            left = self._log.tell() - self._offset  # what follows is older, see skim()
            while left > 0 and (line := log.readline(left)).endswith(b"\n"):
                left -= len(line)
                self._offset += len(line)
                if wanted(line):
                    kept.append(line)
        text = b"".join(kept).decode()
        report = SANITIZER.search(text)
        assert not report, f"sanitizer report:\n{text[report.start():][:4000]}"
        fresh = [logfmt.parse(line) for line in text.splitlines()]
        self._loud += [line for line in fresh if line.get("level") in LOUD and line.get("event") != ADVICE
                       and not self._is_forgiven(line)]
        self._parsed += fresh

    def find(self, **fields):
        """The log lines in which every named field has that value."""
        return [line for line in self.lines() if all(line.get(key) == value for key, value in fields.items())]

    def verdict(self, **fields):
        """Waits for the verdict line with these fields and returns it; there must be one only."""
        found = wait_until(lambda: self.find(event="verdict", **fields), f"a verdict line with {fields}")
        assert len(found) == 1, found
        return found[0]

    def expect(self, level, pattern):
        """Announces one log line of that level whose text matches; waits for it and returns it."""
        def found():
            self.lines()
            return next((line for line in self._loud if line["level"] == level
                         and re.search(pattern, " ".join(line.values()))), None)
        line = wait_until(found, f"a log line of level {level} matching {pattern!r}")
        self._loud.remove(line)
        return line

    def await_roster(self, most=100):
        """Waits until every name that is resolved ahead was asked for once, if there are at most so many of them: until
        then a key that nobody knows is doubt.
        """
        if any(0 < int(line["names"]) <= most for line in self.find(event="roster")):
            wait_until(lambda: self.find(event="roster-settled"), "the roster to settle", timeout=30)

    def forgive(self, pattern):
        """What the daemon says at most once a minute may or may not be said in this very test: so far, though it may
        not be written yet."""
        self._forgiven.append((datetime.now(timezone.utc).isoformat(timespec="milliseconds")[:TIME_LENGTH], pattern))
        self.lines()
        self._loud = [line for line in self._loud if not re.search(pattern, " ".join(line.values()))]

    def _is_forgiven(self, line):
        return any(line.get("time", "")[:TIME_LENGTH] <= until and re.search(pattern, " ".join(line.values()))
                   for until, pattern in self._forgiven)

    def assert_quiet(self):
        """No warning or worse beyond those announced."""
        self.lines()
        assert not self._loud, f"danegated complained:\n{self._loud}"

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self, text):
        """Puts a new configuration in place, whole as an editor does it, and sends SIGHUP."""
        self.configure(text)
        self.signal(signal.SIGHUP)

    def configure(self, text):
        """A rename: write_text empties the file first, and the daemon may be reading it for an earlier SIGHUP."""
        fresh = self.config.with_suffix(".new")
        fresh.write_text(text)
        fresh.rename(self.config)

    def wait(self, timeout=20):
        """The exit status, once it ended by itself."""
        return self.process.wait(timeout)

    def stop(self):
        """SIGTERM; the exit status must be 0 and the log clean."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            status = self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"danegated ignored SIGTERM:\n{self.stderr()[-4000:]}") from None
        self.forgive("pipe communication with async")  # the self-test, where the end came before its answer
        self.assert_quiet()
        assert status == 0, f"danegated ended with {status}:\n{self.stderr()[-4000:]}"

    def kill(self):
        """For clean-up after a failure."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._notifications.close()
        if self._log is not None:
            self._log.close()

    def resident_bytes(self):
        """Its resident memory now."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))
