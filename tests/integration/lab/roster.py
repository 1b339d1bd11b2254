"""Asks a daemon as one client after the other, and waits for what its roster knows."""

import time

from .policy import PolicyClient
from .procs import wait_until

SMTP = [{"name": "smtp", "names": ["_smtp-client.{helo}", "_smtp-client.{subject}", "_smtp-client.{client}"]}]
GARBAGE = "garbage"  # an EHLO name that makes no owner name


class Asker:
    """Each verdict() is one policy request; what the log says of it comes back."""

    def __init__(self, lab, daemon):
        self._lab, self._daemon = lab, daemon

    def verdict(self, credential, helo=GARBAGE, sender_domain="roster.example", **changes):
        token = self._lab.token()
        sender = changes.pop("sender", f"{token}@{sender_domain}")
        with PolicyClient(self._daemon.endpoint) as client:
            client.ask(credential, policy_context=changes.pop("context", "smtp"), helo_name=helo, sender=sender,
                       instance=token, **changes)
        return self._daemon.verdict(instance=token)

    def reason(self, credential, helo=GARBAGE, **changes):
        """Result and reason, as one word."""
        line = self.verdict(credential, helo, **changes)
        return f"{line['result']} {line['reason']}"

    def await_pass(self, credential, timeout=20, **changes):
        """Waits until the roster knows this key; returns the time at which it was seen to, and the first verdict."""
        def passed():
            line = self.verdict(credential, **changes)
            return line["result"] == "pass" and line
        line = wait_until(passed, "the roster to know the key", timeout, interval=0.05)
        return time.monotonic(), line
