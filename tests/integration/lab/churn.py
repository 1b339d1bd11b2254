"""Many milter sessions at once, for a while: a process of its own, so that it runs beside other tests.

    python3 -m lab.churn ENDPOINT SECONDS SESSIONS FINGERPRINT HELO        (in tests/integration)

Each session is a Sendmail's: TLS, a few messages, sometimes broken off, then a new one. Prints one JSON object at its
end: messages, sessions, and what went wrong.
"""

import concurrent.futures
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from .milter_mtas import CIPHER, SendmailSession

FOLDER = Path(__file__).resolve().parents[1]
HEADERS = [("From", "x@elsewhere.example"), ("Subject", "s")]
PAUSE = 0.2  # seconds between the messages of one session: the load is in the number of sessions


class Churn:
    """Starts it; result() waits for its end."""

    def __init__(self, endpoint, seconds, credential, helo, sessions=64):
        command = [sys.executable, "-m", "lab.churn", endpoint, str(seconds), str(sessions), credential.fingerprint(0),
                   helo]
        self._process = subprocess.Popen(command, cwd=FOLDER, stdout=subprocess.PIPE)
        self._limit = seconds + 60

    def running(self):
        return self._process.poll() is None

    def result(self):
        output, _ = self._process.communicate(timeout=self._limit)
        return json.loads(output)

    def kill(self):
        """For clean-up: harmless where it has ended."""
        if self.running():
            self._process.kill()
            self._process.communicate()


def churn(daemon, seconds, credential, helo):
    """Sessions for that long, with SIGHUP every second. Returns the outcome, and the daemon's resident memory after a
    fifth of the time and in the end."""
    load = Churn(daemon.milter, seconds, credential, helo)
    began, early = time.monotonic(), None
    try:
        while load.running():
            daemon.signal(signal.SIGHUP)
            time.sleep(1)
            if early is None and time.monotonic() - began > seconds / 5:
                early = daemon.resident_bytes()
        return load.result(), early, daemon.resident_bytes()
    finally:
        load.kill()


class ChurnWatch:
    """Five minutes of it on a thread, beside the other tests; makes its daemon on the bench."""

    HELO = "mta1.ee-cert-sha256.records.example"
    SECONDS = 300

    def __init__(self, bench):
        daemon = bench.started(milter={}, service=[{"name": "MTA", "names": ["_smtp-client.{helo}"]}],
                               rule=[{"name": "partner", "senders": ["partner.example"],
                                      "identities": ["*.records.example"]}])
        self._pool = concurrent.futures.ThreadPoolExecutor()
        self._outcome = self._pool.submit(churn, daemon, self.SECONDS, bench.lab.keys.self_signed, self.HELO)

    def result(self):
        return self._outcome.result(self.SECONDS + 120)

    def close(self):
        self._pool.shutdown()


class Worker(threading.Thread):
    """One client address after the other, each with one session."""

    def __init__(self, number, endpoint, end, fingerprint, helo):
        super().__init__(daemon=True)
        self._number, self._endpoint, self._end, self._helo = number, endpoint, end, helo
        self._tls = CIPHER | {"{verify}": "FAIL", "{cert_fp}": fingerprint, "{cn_subject}": helo}
        self.messages, self.sessions, self.failures = 0, 0, []

    def run(self):
        try:
            while time.monotonic() < self._end:
                self._session()
        except Exception as error:  # whatever it is, the test wants to see it
            self.failures.append(f"worker {self._number}, session {self.sessions}: {error!r}")

    def _session(self):
        self.sessions += 1
        session = SendmailSession(self._endpoint, client=("192.0.2.1", 1024 + self._number * 900 + self.sessions % 900))
        session.greet(self._helo, tls=self._tls)
        for _ in range(3):
            message = session.message("x@partner.example", "b@example.net", headers=HEADERS)
            added = [change.value for change in message.modifications]
            if message.action != "accept" or not any("x-dane-client=pass" in text for text in added):
                self.failures.append(f"{message.action}: {message.final} {added}")
            self.messages += 1
            time.sleep(PAUSE)
        if self.sessions % 5 == 0:
            session.message("x@partner.example", "b@example.net", until="rcpt")
            session.close()
        else:
            session.bye()


def main(endpoint, seconds, sessions, fingerprint, helo):
    end = time.monotonic() + float(seconds)
    workers = [Worker(number, endpoint, end, fingerprint, helo) for number in range(int(sessions))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(json.dumps({"messages": sum(w.messages for w in workers), "sessions": sum(w.sessions for w in workers),
                      "failures": [failure for w in workers for failure in w.failures][:20]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
