"""Milter sessions with the habits of Postfix and of Sendmail: their order of events, their macros, their ends.

Recorded with lab/milter_recorder.py from Postfix 3.7.11 and Sendmail 8.17.1.9. What a test should know:
- STARTTLS: Postfix sends ABORT and then a second HELO with the TLS macros, Sendmail only the second HELO.
- End of a message: Postfix sends ABORT also after a normal end and before QUIT. Sendmail sends none, not even after a
  message that the filter has accepted or refused early, unless the client resets what is still open.
- A filter that accepts or refuses at connect or HELO hears no more: Postfix hangs up, Sendmail sends QUIT.
- TLS macros: at the end of a message Postfix has none of them any more; its {client_addr} is then without "IPv6:".
- Queue id: Postfix has one from the second accepted recipient on, Sendmail always, and a new one after STARTTLS.
"""

import itertools

from .milter import Message, MilterSession
from .procs import run

CIPHER = {"{tls_version}": "TLSv1.3", "{cipher}": "TLS_AES_256_GCM_SHA384", "{cipher_bits}": "256"}
GONE_ON = ("continue", "skip")


def postfix_tls(subject=None, issuer=None):
    """Postfix's TLS macros. Without an issuer: an untrusted certificate, or none, which Postfix does not tell apart.

    Names are those of common names, as they are, in UTF-8; a trusted certificate without one has no subject.
    """
    trusted = {"{cert_subject}": subject, "{cert_issuer}": issuer} if issuer else {}
    return CIPHER | {name: value for name, value in trusted.items() if value is not None}


def sendmail_tls(credential=None, verify="FAIL", digest="sha256"):
    """Sendmail's TLS macros for a client that showed the credential's certificate, or none.

    `verify` is "OK" for one that Sendmail trusts; `digest` is CertFingerprintAlgorithm, None if that is not set.
    """
    fingerprint = "{cert_fp}" if digest else "{cert_md5}"
    names = ("{cert_subject}", "{cert_issuer}", "{cn_subject}", "{cn_issuer}", fingerprint)
    if not credential:
        return CIPHER | dict.fromkeys(names, "") | {"{verify}": "NO"}
    values = [*(xtext(_oneline(credential, which)) for which in ("subject", "issuer")),
              *(xtext(_common_name(credential, which)) for which in ("subject", "issuer")),
              credential.fingerprint(0, digest or "md5")]
    return CIPHER | dict(zip(names, values)) | {"{verify}": verify}


def xtext(text):
    """As Sendmail escapes names of certificates."""
    return "".join(chr(octet) if 33 <= octet <= 126 and chr(octet) not in '+\\()<>"' else f"+{octet:02X}"
                   for octet in text.encode())


def _oneline(credential, which):
    """OpenSSL's X509_NAME_oneline(): /O=Partner/CN=name, with \\xHH for what is not ASCII and \\ before / and +."""
    return _name(credential, which, "compat").strip()


def _common_name(credential, which):
    lines = _name(credential, which, "sname,sep_multiline,utf8").splitlines()
    return next((line.strip()[3:] for line in lines if line.strip().startswith("CN=")), "BadCertificateUnknown")


def _name(credential, which, form):
    text = run("openssl", "x509", "-in", credential.certificate, "-noout", f"-{which}", "-nameopt", form).decode()
    return text.partition("=")[2]


class _MtaSession(MilterSession):
    """What both have in common. `name`: the client's host name, None if it has none that is proven."""

    def __init__(self, address, client=("192.0.2.1", 4711), daemon=("192.0.2.25", 25), macros=None, name=None,
                 daemon_name=None):
        super().__init__(address, client, daemon, macros)
        self.name, self.daemon_name = name, daemon_name
        self.tls = {}  # the TLS macros of this session, once it has TLS
        self.ended = False  # by a decision at connect or HELO that is meant for the whole session
        self._greeted = False
        self._envelope = {}  # macros of the present message
        self._message_id = None
        self._numbers = itertools.count(1)

    def greet(self, helo, tls=None, wrapper=False):
        """From the connection to the last HELO, with these TLS macros after STARTTLS, or without it where TLS comes
        first (`wrapper`). Returns the decisions.
        """
        if wrapper:
            self.tls = tls
        decisions = [self.connect(self._host())]
        if self._go_on(decisions[-1]):
            decisions.append(self._say_helo(helo))
        if tls and not wrapper and self._go_on(decisions[-1]):
            self._start_tls(tls)
            decisions.append(self._say_helo(helo))
        self._go_on(decisions[-1])
        return decisions

    def _say_helo(self, helo):
        self._greeted = True
        return self.helo(helo)

    def _go_on(self, decision):
        """Ends the session after a decision that is meant for all of it."""
        if decision.outcome not in GONE_ON and not self.ended:
            self.ended = True
            self._hang_up()
        return not self.ended

    def message(self, sender, *recipients, headers=(), body=b"", parameters=(), queue_id=None, until="end"):
        """One message, as far as the filter lets it come, and what the MTA sends at its end. Returns a Message.

        With the name of an event in `until` it stops after that one, for a test that breaks off there.
        """
        assert not self.ended, "the filter has ended this session"
        message = Message()
        self._begin(queue_id)
        self._message_id = next((value for name, value in headers if name.lower() == "message-id"), None)
        self._address("mail", sender)
        if message.note("mail", self.mail(sender, *parameters)).outcome in GONE_ON:
            if until == "mail":
                return message
            accepted = self._recipients(message, recipients)
            if until == "rcpt":
                return message
            if accepted and message.note("data", self.data()).outcome in GONE_ON and until != "data":
                self.content(message, headers, body, "eom" if until == "end" else until)
        if until == "end":
            self._finish(message)
            self._envelope = {}
        return message

    def _recipients(self, message, recipients):
        """The number of recipients that the message has; 0 when it is already decided."""
        accepted = []
        for recipient in recipients:
            self._address("rcpt", recipient)
            outcome = message.note("rcpt", self.rcpt(recipient)).outcome
            if outcome in ("accept", "discard"):
                return 0
            if outcome in GONE_ON:
                accepted.append(recipient)
                self._accepted(recipient)
        if accepted:
            self._before_data(accepted[0])
        return len(accepted)

    def own_value(self, event, name):
        for macros in (self._envelope, self.tls):
            if name in macros:
                return macros[name]
        return self._session_value(event, name)


class PostfixSession(_MtaSession):
    """As Postfix's smtpd and cleanup do it together."""

    LISTS = {"connect": "j {daemon_name} {daemon_addr} v _",
             "helo": "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}",
             "mail": "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}",
             "rcpt": "i {rcpt_addr} {rcpt_host} {rcpt_mailer}", "data": "i", "eoh": "i", "eom": "i"}
    CLEANUP = ("j", "_", "v", "i", "{daemon_name}", "{daemon_addr}", "{daemon_port}", "{client_addr}", "{client_name}",
               "{client_port}", "{client_ptr}")

    def own_names(self, stage):
        return self.LISTS[stage].split()

    def own_value(self, event, name):
        if event in ("header", "eoh", "body", "eom") and name not in self.CLEANUP:
            return None
        return super().own_value(event, name)

    def _session_value(self, event, name):
        address, port = self.client
        smtpd = event not in ("header", "eoh", "body", "eom")
        host = self.name or "unknown"
        return {"j": "mx.example.net", "v": "Postfix 3.7.11", "_": f"{host} [{address}]",
                "{daemon_name}": self.daemon_name or "mx.example.net",
                "{daemon_addr}": self.daemon[0], "{daemon_port}": str(self.daemon[1]),
                "{client_addr}": f"IPv6:{address}" if smtpd and ":" in address else address,
                "{client_port}": str(port), "{client_name}": host, "{client_ptr}": host,
                "{client_resolve}": "OK" if self.name else "FAIL", "{client_connections}": "1"}.get(name)

    def _host(self):
        return self.name or f"[{self.client[0]}]"

    def _start_tls(self, tls):
        self.abort()
        self.tls = tls

    def _begin(self, queue_id):
        self._queue_id = queue_id or f"4Zq{next(self._numbers)}"

    def _address(self, kind, address):
        self._envelope |= {f"{{{kind}_addr}}": address, f"{{{kind}_host}}": address.rpartition("@")[2],
                           f"{{{kind}_mailer}}": "smtp" if kind == "mail" else "virtual"}

    def _accepted(self, _recipient):
        self._envelope["i"] = self._queue_id

    def _before_data(self, first_recipient):
        self._address("rcpt", first_recipient)  # remembered, of all of them

    def _finish(self, _message):
        self.abort()

    def bye(self):
        """QUIT by the SMTP client."""
        if not self.ended:
            if self._greeted:
                self.abort()
            self.quit()
        self.close()

    def _hang_up(self):
        self.close()


class SendmailSession(_MtaSession):
    """As Sendmail does it. `daemon_name` is "MTA" or "MSA" in the usual configuration."""

    LISTS = {"connect": "j _ {daemon_name} {if_name} {if_addr}",
             "helo": "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}",
             "mail": "i {auth_type} {auth_authen} {auth_ssf} {auth_author} {mail_mailer} {mail_host} {mail_addr}",
             "rcpt": "{rcpt_mailer} {rcpt_host} {rcpt_addr}", "data": "", "eoh": "", "eom": "{msg_id}"}

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._job = self._new_job()
        self._fresh = True  # no message had this job's queue id yet

    def own_names(self, stage):
        return self.LISTS[stage].split()

    def own_value(self, event, name):
        """With TLS from the start, too, its macros come with HELO and not yet at connect."""
        return self._session_value(event, name) if event == "connect" else super().own_value(event, name)

    def due(self, event):
        """Sendmail sends none with headers and body."""
        return None if event in ("header", "body") else super().due(event)

    def names(self, stage):
        """A bug of Sendmail's: its own list stands at the end of a message, unless the filter has one for EOH, too."""
        if stage == "eom" and not self.symlists.get("eoh"):
            return self.own_names(stage)
        return super().names(stage)

    def _session_value(self, event, name):
        (address, port), (daemon, daemon_port) = self.client, self.daemon
        host = self._host()
        return {"j": "mx.example.net", "v": "8.17.1.9", "i": self._job,
                "_": host if host.startswith("[") else f"{host} [{address}]",
                "{daemon_name}": self.daemon_name or "MTA", "{daemon_addr}": _spelled(daemon),
                "{daemon_port}": str(daemon_port),
                "{if_addr}": None if daemon in ("127.0.0.1", "::1") else _spelled(daemon),
                "{if_name}": "mx.example.net",
                "{client_addr}": _spelled(address), "{client_port}": str(port), "{client_name}": host,
                "{client_ptr}": host, "{client_resolve}": "OK" if self.name else "FAIL",
                "{msg_id}": (self._message_id or f"<{self._job}@mx.example.net>") if event in ("eoh", "eom") else None
                }.get(name)

    def connect(self, host=None, client=...):
        """Its IPv6 addresses are spelled out and tagged here, too."""
        return super().connect(host, (_spelled(self.client[0]), self.client[1]) if client is ... else client)

    def _host(self):
        return self.name or f"[{_spelled(self.client[0])}]"

    def _new_job(self):
        return f"6APLIe{next(self._numbers):08d}"

    def _start_tls(self, tls):
        self.tls, self._job = tls, self._new_job()

    def _begin(self, queue_id):
        if queue_id or not self._fresh:
            self._job = queue_id or self._new_job()

    def _address(self, kind, address):
        local = kind == "rcpt" or "@" not in address
        self._envelope |= {f"{{{kind}_addr}}": address.rpartition("@")[0] or address if local else address,
                           f"{{{kind}_host}}": "" if local else address.rpartition("@")[2] + ".",
                           f"{{{kind}_mailer}}": "local" if local else "esmtp"}

    def _accepted(self, _recipient):
        pass

    def _before_data(self, _first_recipient):
        for part in ("addr", "host", "mailer"):
            del self._envelope[f"{{rcpt_{part}}}"]

    def _finish(self, message):
        """Only what the client still has to reset is aborted. The queue id of a refused sender is used again."""
        self._fresh = message.stage == "mail" and message.final.outcome in ("reject", "tempfail")
        undelivered = message.stage == "rcpt" and message.final.outcome != "accept"
        if undelivered or (message.stage == "data" and message.final.outcome not in ("accept", *GONE_ON)):
            self.abort()

    def bye(self):
        """QUIT by the SMTP client."""
        if not self.ended:
            self.quit()
        self.close()

    def _hang_up(self):
        self.quit()
        self.close()


def _spelled(address):
    """An address as Sendmail writes it: IPv6 without :: and tagged."""
    if ":" not in address:
        return address
    head, _, tail = address.partition("::")
    parts = head.split(":") if head else []
    rest = tail.split(":") if tail else []
    zeros = ["0"] * (8 - len(parts) - len(rest)) if "::" in address else []
    return "IPv6:" + ":".join(parts + zeros + rest)
