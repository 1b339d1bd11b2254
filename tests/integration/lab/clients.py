"""The clients of the matrix: each column is a way to prove possession of a key, each port a way to reach Postfix."""

import pytest

from . import rpk
from .smtp import RawKeyClient, SocketClient

# name -> address, port, tls
PORTS = {
    "starttls": ("127.0.0.1", 25, "starttls"),
    "wrapper": ("127.0.0.1", 465, "wrapper"),
    "ipv6": ("::1", 25, "starttls"),
}
COLUMNS = ("self-signed", "ca-trusted", "resumed", "raw-key", "other-key")


def connect(column, port, helo, keys):
    """A session of that column's client. A column that this machine cannot do is a skip that says why."""
    address, number, tls = PORTS[port]
    if column == "raw-key":
        if rpk.missing():
            pytest.skip(rpk.missing())
        return RawKeyClient(address, number, helo, keys.self_signed, tls)
    if column == "resumed":
        with SocketClient(address, number, helo, tls, keys.self_signed) as first:
            context, session = first.context, first.session
        client = SocketClient(address, number, helo, tls, resume=session, context=context)
        assert client.resumed, "Postfix did not resume the TLS session"
        return client
    credential = {"self-signed": keys.self_signed, "ca-trusted": keys.ca_trusted, "other-key": keys.other}[column]
    return SocketClient(address, number, helo, tls, credential)
