"""The clients' keys and certificates, made by openssl, and the TLSA data that publish them.

`self_signed` and `ca_trusted` are two certificates over one key, the second from a private CA that Postfix trusts, so
one `3 1 x` record fits both. `following` is the key that a rollover publishes next; `other` is nobody's.
"""

import base64
import functools
import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path

from .procs import run

FOREVER = "36500"


@dataclass(frozen=True)
class Credential:
    """A private key and one certificate over it, as PEM files."""

    key: Path
    certificate: Path

    @functools.cache
    def der(self, selector):
        """The bytes that a TLSA selector covers: 1 the SubjectPublicKeyInfo, anything else the certificate."""
        if selector != 1:
            return ssl.PEM_cert_to_DER_cert(self.certificate.read_text())
        pem = run("openssl", "x509", "-in", self.certificate, "-noout", "-pubkey").decode()
        return base64.b64decode("".join(pem.splitlines()[1:-1]))

    def tlsa(self, usage, selector, matching):
        """TLSA record data in presentation form; an unknown matching type is given a SHA-256 value."""
        data = self.der(selector)
        if matching != 0:
            data = hashlib.new("sha512" if matching == 2 else "sha256", data).digest()
        return f"{usage} {selector} {matching} {data.hex()}"

    def fingerprint(self, selector, digest="sha256"):
        """The digest as Postfix spells it in policy requests: upper-case pairs with colons."""
        return ":".join(f"{octet:02X}" for octet in hashlib.new(digest, self.der(selector)).digest())


class Credentials:
    """Makes all of them under one folder; the files are readable by root alone, as the clients are."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir()
        ca_key = self._key("ca")
        self.ca = self._self_signed("ca", ca_key, "Lab CA", "basicConstraints=critical,CA:TRUE")
        self.server = self._self_signed("server", self._key("server"), "mx.example.net")
        right = self._key("right")
        self.self_signed = self._self_signed("self-signed", right, "mta1.partner.example")
        self.ca_trusted = self._issued("ca-trusted", right, "/CN=mta1.partner.example")
        self.following = self._self_signed("following", self._key("following"), "mta1.partner.example")
        self.other = self._self_signed("other", self._key("other"), "mta1.partner.example")
        self.san_only = self._issued("san-only", self._key("san-only"), "/O=Partner", "DNS:mta1.partner.example")
        self.utf8 = self._issued("utf8", self._key("utf8"), "/CN=Zoë (cli) \\+ mta1.partner.example")
        self.rsa = self._self_signed("rsa", self._key("rsa", "RSA", "rsa_keygen_bits:4096"), "big.partner.example")

    def _key(self, name, algorithm="EC", option="ec_paramgen_curve:P-256"):
        path = self.folder / f"{name}.key"
        run("openssl", "genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", path)
        path.chmod(0o600)
        return path

    def _self_signed(self, name, key, common_name, extension="basicConstraints=CA:FALSE"):
        path = self.folder / f"{name}.pem"
        run("openssl", "req", "-new", "-x509", "-key", key, "-subj", f"/CN={common_name}", "-days", FOREVER,
            "-addext", extension, "-out", path)
        return Credential(key, path)

    def _issued(self, name, key, subject, alternative="DNS:mta1.partner.example,DNS:mta2.partner.example"):
        """A certificate from the CA that Postfix trusts, fit for clients (Postfix looks at the extended key usage)."""
        path, request = self.folder / f"{name}.pem", self.folder / f"{name}.csr"
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"extendedKeyUsage=clientAuth\nsubjectAltName={alternative}\n")
        run("openssl", "req", "-new", "-utf8", "-key", key, "-subj", subject, "-out", request)
        run("openssl", "x509", "-req", "-in", request, "-CA", self.ca.certificate, "-CAkey", self.ca.key,
            "-CAcreateserial", "-days", FOREVER, "-extfile", extensions, "-out", path)
        return Credential(key, path)
