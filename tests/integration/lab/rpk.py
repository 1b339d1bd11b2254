"""Can this machine do raw public keys? Postfix from 3.9 with OpenSSL from 3.2 can: Debian 13 yes, Debian 12 no."""

import functools
import subprocess

from .procs import run


@functools.cache
def missing():
    """Why not, as the reason of a skip; empty where raw public keys work."""
    version = run("postconf", "-d", "-h", "mail_version").decode().strip()
    if tuple(int(part) for part in version.split(".")[:2]) < (3, 9):
        return f"raw public keys need Postfix 3.9, this is {version}"
    options = subprocess.run(["openssl", "s_client", "-help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    if b"enable_client_rpk" not in options:
        return "raw public keys need OpenSSL 3.2"
    return ""


def parameters():
    """The Postfix parameter that turns them on, where Postfix knows it."""
    return {} if missing() else {"smtpd_tls_enable_rpk": "yes"}
