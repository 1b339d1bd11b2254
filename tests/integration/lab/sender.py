"""A sending Postfix: the client's side, with the lines that somebody else wrote for its main.cf."""

import re

from .postfix import Entry, Listener
from .procs import wait_until
from .samples import parameters
from .smtp import SocketClient

INLET = ("127.0.0.5", 2600)  # where mail for it is handed in
OUTLET = ("127.0.0.1", 2601)  # where it delivers; at port 25 of the same host Postfix sees a loop
SMTP = "smtp unix - - n - - smtp\n"


class Sender:
    """Hands everything on to OUTLET. `lines` are main.cf text, put in as they stand."""

    def __init__(self, bench, lines, **more):
        main = {"mynetworks": "127.0.0.0/8", "smtpd_relay_restrictions": "permit_mynetworks, reject",
                "smtpd_tls_security_level": "none", "smtpd_tls_ask_ccert": "no", "default_transport": "smtp",
                "virtual_mailbox_domains": "", "myhostname": "inside.acme.example",
                "relayhost": "[{}]:{}".format(*OUTLET)}
        self._postfix = bench.postfix(Listener(*INLET), Entry(SMTP), **main, **more, **parameters("\n".join(lines)))

    def send(self, sender, token):
        """Takes a message for b@example.net into its queue."""
        with SocketClient(*INLET, "inside.example", None) as client:
            outcome = client.send(sender, "b@example.net", body=f"Subject: {token}\r\n\r\nx\r\n")
        assert outcome.delivered, outcome

    def restart(self):
        """`postfix stop && postfix start`, when nothing is under way: a delivery that is cut off comes twice."""
        wait_until(lambda: not self._postfix.queued(), "an empty queue", timeout=30)
        self._postfix.restart()

    def outcomes(self):
        """The status of every delivery so far: sent, deferred or bounced, with what the other side said."""
        return re.findall(r"(?m)status=(\w+) (.*)$", self._postfix.log())

    def await_outcome(self):
        """The status of the first delivery."""
        return wait_until(self.outcomes, "a delivery", timeout=30)[0][0]

    def log(self):
        return self._postfix.log()
