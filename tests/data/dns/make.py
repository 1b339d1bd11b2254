#!/usr/bin/env python3
"""Records real DNS: makes answers.txt, authority.txt and *.key anew.

    tests/data/dns/make.py          needs nsd, ldnsutils and libunbound; nothing outside 127.0.0.0/8 is asked

Signed zones (zones.py) are served by an NSD of its own on a loopback address.

answers.txt: what libunbound, spoken to through ctypes, says about them under the private root's key, one row a case:
label | question | flags that the result structure has set | rcode | why bogus, or "-" | packet. The expectations stand
in tests/dns/unbound_answer_test.cpp, not here: whoever records must not also judge.

authority.txt: what NSD itself answers to everything that a validator may ask on its way to a few names, so that a test
can play the authoritative server: name | type | packet. *.key: trust anchors for the private root and two zones whose
signatures are not valid now. Good until 2084.
"""

import ctypes
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from zones import write_all

ADDRESS, PORT = "127.77.53.1", 5355
ANCHORS = {".": "root.key", "expired.example.": "expired.key", "future.example.": "future.key"}
FLAGS = ("secure", "bogus", "havedata", "nxdomain")
SILENT = "127.77.53.2"  # nobody listens there
TLSA = 52
TYPES = (1, 2, 6, 28, 43, 48, TLSA)  # A, NS, SOA, AAAA, DS, DNSKEY
REPLAYED = ["one", "alias", "nxdomain-nsec", "nodata-nsec3", "nxdomain-opt-out", "nxdomain-opt-out-island", "unsigned",
            "expired", "not-yet-valid", "broken-signature", "wildcard-device"]

CASES = {
    "one": "_smtp-client.one.partner.example",
    "two": "_smtp-client.two.partner.example",
    "nodata-nsec": "_smtp-client.text.partner.example",
    "nxdomain-nsec": "_smtp-client.nothing.partner.example",
    "nxdomain-long-minimum": "_smtp-client.nothing.longminimum.example",
    "alias": "_smtp-client.alias.partner.example",
    "alias-chain": "_smtp-client.chain.partner.example",
    "alias-to-other-zone": "_smtp-client.abroad.partner.example",
    "alias-to-unsigned": "_smtp-client.leaving.partner.example",
    "alias-from-unsigned": "_smtp-client.back.unsigned.example",
    "alias-to-nothing": "_smtp-client.to-nothing.partner.example",
    "alias-to-nodata": "_smtp-client.to-text.partner.example",
    "alias-to-bogus": "_smtp-client.to-bogus.partner.example",
    "alias-to-opt-out": "_smtp-client.to-optout.partner.example",
    "alias-loop": "_smtp-client.loop.partner.example",
    "alias-odd-octets": "_smtp-client.odd.partner.example",
    "dname": "_smtp-client.mta.moved.partner.example",
    "large": "_smtp-client.bulk.partner.example",
    "many": "_smtp-client.many.partner.example",
    "wildcard-device": "printer._device.partner.example",
    "wildcard-web": "_smtp-client.mta.web.partner.example",
    "wildcard-alias": "_smtp-client.mta.alias-web.partner.example",
    "alias-to-wildcard-device": "_smtp-client.to-device.partner.example",
    "alias-to-wildcard-web": "_smtp-client.to-web.partner.example",
    "nsec3": "_smtp-client.three.nsec3.example",
    "wildcard-nsec3": "printer._device.nsec3.example",
    "nxdomain-nsec3": "_smtp-client.nothing.nsec3.example",
    "nodata-nsec3": "_smtp-client.text.nsec3.example",
    "opt-out": "_smtp-client.mta.optout.example",
    "wildcard-opt-out": "printer._device.optout.example",
    "nxdomain-opt-out": "_smtp-client.nothing.optout.example",
    "nodata-opt-out": "_smtp-client.text.optout.example",
    "nxdomain-below-opt-out": "_smtp-client.nothing.sub.optout.example",
    "unsigned": "_smtp-client.mta.unsigned.example",
    "nxdomain-unsigned": "_smtp-client.nothing.unsigned.example",
    "island": "_smtp-client.mta.island.example",
    "nxdomain-opt-out-island": "_smtp-client.nothing.optisland.example",
    "expired": "_smtp-client.mta.expired.example",
    "not-yet-valid": "_smtp-client.mta.future.example",
    "broken-signature": "_smtp-client.mta.broken.example",
    "unreachable": "_smtp-client.mta.silent.example",
}


class Result(ctypes.Structure):
    """struct ub_result of unbound.h."""

    _fields_ = [
        ("qname", ctypes.c_char_p), ("qtype", ctypes.c_int), ("qclass", ctypes.c_int),
        ("data", ctypes.c_void_p), ("len", ctypes.c_void_p), ("canonname", ctypes.c_char_p), ("rcode", ctypes.c_int),
        ("answer_packet", ctypes.c_void_p), ("answer_len", ctypes.c_int), ("havedata", ctypes.c_int),
        ("nxdomain", ctypes.c_int), ("secure", ctypes.c_int), ("bogus", ctypes.c_int), ("why_bogus", ctypes.c_char_p),
        ("was_ratelimited", ctypes.c_int), ("ttl", ctypes.c_int),
    ]


def start_server(folder, zones, files):
    """The NSD that serves every zone."""
    config = [f'server:\n  ip-address: {ADDRESS}\n  port: {PORT}\n  server-count: 1\n  username: ""\n'
              f'  zonesdir: "{folder}"\n  logfile: "{folder}/nsd.log"\n  pidfile: ""\n  xfrdfile: "{folder}/xfrd"\n'
              f'  xfrdir: "{folder}"\n  zonelistfile: "{folder}/list"\n  rrl-ratelimit: 0\n'
              'remote-control:\n  control-enable: no\n']
    config += [f'zone:\n  name: "{zone.name}"\n  zonefile: "{files[zone.name]}"\n' for zone in zones]
    (folder / "nsd.conf").write_text("".join(config))
    server = subprocess.Popen(["nsd", "-d", "-c", folder / "nsd.conf"])
    time.sleep(1)
    log = (folder / "nsd.log").read_text()
    if server.poll() is not None or "error" in log:
        server.terminate()
        sys.exit(f"nsd does not serve the zones:\n{log}")
    return server


def resolver(library, zones):
    """A libunbound context under the private root."""
    context = library.ub_ctx_create()
    options = {"do-not-query-localhost:": "no", "infra-cache-max-rtt:": "1000", "val-bogus-ttl:": "30"}
    for option, value in options.items():
        assert library.ub_ctx_set_option(context, option.encode(), value.encode()) == 0, option
    for zone in zones:
        assert library.ub_ctx_set_stub(context, zone.name.encode(), f"{ADDRESS}@{PORT}".encode(), 0) == 0
    assert library.ub_ctx_set_stub(context, b"silent.example.", f"{SILENT}@{PORT}".encode(), 0) == 0
    assert library.ub_ctx_add_ta(context, zones[0].dnskey.encode()) == 0
    return context


def ask(library, context, name):
    """One question; returns the cells that describe the answer."""
    found = ctypes.POINTER(Result)()
    assert library.ub_resolve(context, name.encode(), TLSA, 1, ctypes.byref(found)) == 0, name
    result = found.contents
    packet = ctypes.string_at(result.answer_packet, result.answer_len)
    flags = " ".join(flag for flag in FLAGS if getattr(result, flag)) or "-"
    row = [flags, str(result.rcode), (result.why_bogus or b"-").decode(), packet.hex()]
    library.ub_resolve_free(found)
    return row


def query(name, number):
    """NSD's answer to one question with the DO bit, without its transaction id."""
    labels = [label.encode() for label in name.split(".") if label]
    wire = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    opt = b"\0" + struct.pack("!HHIH", 41, 4096, 0x8000, 0)
    message = struct.pack("!6H", 0, 0, 1, 0, 0, 1) + wire + struct.pack("!2H", number, 1) + opt
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(2)
        link.sendto(message, (ADDRESS, PORT))
        return link.recv(65535)


def authority():
    """The rows of authority.txt."""
    names = set()
    for question in (CASES[case] for case in REPLAYED):
        labels = question.split(".")
        names.update(".".join(labels[i:]) for i in range(len(labels) + 1))
    for name in sorted(names, key=lambda each: (each.count("."), each)):
        for number in TYPES:
            yield [name or ".", str(number), query(name, number).hex()]


def write(name, rows):
    """One row a line."""
    Path(__file__).with_name(name).write_text("".join(" | ".join(row) + "\n" for row in rows))


def main():
    library = ctypes.CDLL("libunbound.so.8")
    library.ub_ctx_create.restype = ctypes.c_void_p
    library.ub_ctx_set_option.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p]
    library.ub_ctx_delete.argtypes = [ctypes.c_void_p]
    library.ub_ctx_add_ta.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    library.ub_ctx_set_stub.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int]
    library.ub_resolve.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int,
                                   ctypes.POINTER(ctypes.POINTER(Result))]
    library.ub_resolve_free.argtypes = [ctypes.POINTER(Result)]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        zones, files = write_all(folder)
        server = start_server(folder, zones, files)
        try:
            context = resolver(library, zones)
            write("answers.txt", [[case, name, *ask(library, context, name)] for case, name in CASES.items()])
            library.ub_ctx_delete(context)
            write("authority.txt", authority())
            for zone in zones:
                if zone.name in ANCHORS:
                    write(ANCHORS[zone.name], [[zone.dnskey]])
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
