"""Seeds made from tests/data: what mail servers sent, what a validating resolver answered, what other tools made."""

import base64
import hashlib
from pathlib import Path

DATA = Path(__file__).parent.parent / "data"


def table(name):
    return [line.split(" | ") for line in (DATA / name).read_text().splitlines()]


def policy_request():
    values = {}
    for version in ("3.7.11", "3.10.13"):
        for path in sorted((DATA / f"captures/postfix-{version}").glob("*.policy")):
            requests = path.read_bytes().split(b"\n\n")
            values[f"{path.stem}-{version}"] = requests[-2] + b"\n\n"
    short = b"request=smtpd_access_policy\n"
    digest = b"ccert_fingerprint=" + b":".join([b"84"] * 32) + b"\n"
    values |= {
        "two": short + b"protocol_state=RCPT\nhelo_name=a.example\n\n" + short + b"protocol_state=DATA\n\n",
        "cr": b"request=smtpd_access_policy\r\nsender=a@b.example\r\n\r\n" + short + b"x",
        "contradiction": short + digest + b"ccert_fingerprint=\n\n",
        "twice": short + digest + digest + b"helo_name=a.example\n\n",
        "other-request": b"request=junk_mail_filter\n\n",
        "no-equals": short + b"=x\n\n",
        "nul": short + b"helo_name=a\0.example\n\n",
        "weak": short + b"encryption_protocol=TLSv1.2\n" + digest[:65] + b"\n\n",
        "two-algorithms": short + digest + b"ccert_pubkey_fingerprint=" + b"ab" * 20 + b"\n\n",
        "not-hex": short + b"ccert_fingerprint=none\nccert_subject=a+0\n\n",
        "subject": short + digest + b"ccert_subject=Zo+C3+AB+20b.example\nccert_issuer=CA\n\n",
        "unknown": short + b"helo_name=unknown\nclient_name=unknown\npolicy_context=x\nserver_port=99999\n\n",
        "many": short + b"a=\n" * 201 + b"\n",
        "long": short + b"sender=" + b"a" * 8193 + b"\n\n",
        "empty": b"\n\n\n",
    }
    return values


def dns_packet():
    """Each answer behind one octet: whether the resolver says that the name does not exist."""
    values = {}
    for label, _, flags, _, _, packet in table("dns/answers.txt"):
        octets = (b"\1" if "nxdomain" in flags.split() else b"\0") + bytes.fromhex(packet)
        if len(octets) < 1300:
            values[label] = octets
    header = bytes.fromhex("000081a0000100010000000004") + b"mta1\0\0\64\0\1\xc0\x0c"
    for label in ("to-nothing", "to-nodata", "alias-to-bogus", "not-yet-valid", "nxdomain-opt-out-island"):
        values.pop(label, None)
    values["another-rcode"] = b"\2" + values["one"][1:]
    values["unsigned-record"] = b"\0" + header + bytes.fromhex("0034 0001 00000e10 0004 03010155")
    values["short-record"] = b"\0" + header + bytes.fromhex("0034 0001 80000000 0002 0301")
    values["cname-to-itself"] = b"\0" + header + bytes.fromhex("0005 0001 00000e10 0002 c00c")
    return values


def tlsa_rdata():
    """One octet that says what is known: 1 certificate, 2 trusted, 4 named, 8 SHA-512, 16 and 32 digests. Then records."""
    cert, key = b"danegate test certificate", b"danegate test key"

    def forms(subject):
        return [subject, hashlib.sha256(subject).digest(), hashlib.sha512(subject).digest()]

    right = [forms(cert), forms(key)]

    def rr(usage, selector, matching, data=None):
        rdata = bytes([usage, selector, matching]) + (right[selector][matching] if data is None else data)
        return bytes([len(rdata)]) + rdata

    digests, digests512, everything = b"\x30", b"\x38", b"\x37"
    values = {f"right-{s}{m}": digests + rr(3, s, m) for s in (0, 1) for m in (0, 1, 2)}
    values |= {f"right-{s}2-sha512": digests512 + rr(3, s, 2) for s in (0, 1)}
    values |= {f"certificate-{u}{s}{m}": everything + rr(u, s, m) for u in (1, 3) for s in (0, 1) for m in (0, 2)}
    values |= {
        "other": digests + rr(3, 1, 1, bytes(range(32))),
        "rollover": digests + rr(3, 1, 1, bytes(32)) + rr(3, 1, 1),
        "agility": everything + rr(3, 1, 1) + rr(3, 1, 2, bytes(64)),
        "agility-malformed": everything + rr(3, 1, 1) + rr(3, 1, 2, bytes(63)),
        "untrusted": b"\x35" + rr(1, 0, 1) + rr(3, 1, 1, bytes(32)),
        "unnamed": b"\x33" + rr(1, 0, 1),
        "chain": everything + rr(0, 0, 1) + rr(2, 1, 1),
        "unknown": everything + rr(4, 1, 1) + bytes([5, 3, 2, 1, 9, 9, 5, 3, 1, 3, 9, 9]),
        "short": digests + b"\3\3\1\1\0" + rr(3, 1, 1)[:20],
        "crossed": digests + rr(3, 0, 1, right[1][1]) + rr(3, 1, 1, right[0][1]),
        "only-key": b"\x20" + rr(3, 0, 1) + rr(3, 1, 1),
        "nothing": b"\0" + rr(3, 1, 1),
    }
    return values


def certificate():
    values = {}
    for path in sorted(path for folder in ("tls", "tlsa", "captures/certs") for path in (DATA / folder).glob("*.pem")):
        if path.name.endswith(".key.pem"):
            continue
        pem = path.read_bytes()
        name = f"{path.parent.name}-{path.stem}"
        begin, end = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"
        values[name] = base64.b64decode(pem[pem.index(begin) + len(begin):pem.index(end)])
    small = (DATA / "tlsa/ed25519.pem").read_bytes()
    values |= {
        "pem": small,
        "pem-crlf": small.replace(b"\n", b"\r\n"),
        "pem-behind-text": b"subject=CN = x\n" + small,
        "pem-behind-key": (DATA / "tlsa/ed25519.key.pem").read_bytes() + small,
        "pem-without-end": small[:-30],
        "pem-of-text": b"-----BEGIN CERTIFICATE-----\ndGV4dA==\n-----END CERTIFICATE-----\n",
        "trailing": values["tlsa-ed25519"] + b"\0",
        "nothing": b"0\0",
    }
    return values | {f"key-{path.name}": path.read_bytes() for path in (DATA / "keys").glob("*.[pd]e[mr]")}


def configuration():
    full = (DATA / "config/full/danegate.toml").read_bytes()
    values = {}
    for part in full.split(b"\n[")[1:]:
        name = part.strip(b"[").split(b"]")[0].decode()
        values[name] = b"[" + part + b"\n"
    values["dns"] = b'[dns]\nupstream = ["tls:192.0.2.1#dns.example", "tls:::1@8853"]\ntimeout = "2500ms"\n' \
                    b'stub-zones = [ { zone = "Branch.Example.", servers = ["127.0.0.1@5300", "::1"] },\n' \
                    b'  { zone = ".", servers = ["192.0.2.2"] }]\n'
    rule = b'[[rule]]\nname = "acme"\nsenders = ["acme.example", ".acme.example"]\nidentities = ["mta1.acme.example"]\n'
    values |= {
        "rule": rule + b'text = "Say \\"hello\\""\n',
        "two-rules": rule + rule.replace(b"acme", b"other") + b'mode = "monitor"\n',
        "same-name": rule + rule,
        "milter": b'[milter]\nlisten = "unix:/run/danegate/milter"\n' + rule + b'from = ["acme.example"]\n',
        "files": rule + b'identity-files = ["nowhere"]\ngrants = ["0"]\n',
        "unknown": b'[servr]\nuser = "x"\n[server]\nusr = "x"\nuser = 3\n[[rules]]\nx = 1\n',
        "types": b"[policy]\nsocket-mode = 0o9\nlisten = [1]\n[log]\nlevel = 2020-01-01\n[limits]\nlookups = 1.5\n",
        "bounds": b'[limits]\ndeadline = "99h"\nlookups = 0\nrequest-bytes = "1KiB"\n',
        "relations": b'[limits]\ndeadline = "2s"\n[dns]\ntimeout = "4s"\nmin-ttl = "2h"\n',
        "metrics": b'[metrics]\nlisten = "inet:127.0.0.1:9953"\n',
        "service": b'[[service]]\nname = "smtp"\nports = [25]\n'
                   b'names = ["_smtp-client.{helo}", "{sender.hash}._x.{sender.domain}"]\n',
        "not-toml": b'[server\nuser = "',
        "deep": b"a = " + b"[" * 300,
        "octets": b'[server]\nauthserv-id = "\xff\\u0000\\n"\n',
        "empty": b"",
    }
    return values


def roster_state():
    """One octet: 1, and then answers, their end, the time, and their number; or 0, and a file."""
    def answer(owner, kind, records=b"", written=1_760_000_000_123, life=3_600_000):
        name = owner.encode()
        return len(name).to_bytes(2) + name + bytes([kind]) + written.to_bytes(8) + life.to_bytes(4) + \
            (3600).to_bytes(4) + (1_761_000_000).to_bytes(4) + len(records).to_bytes(2) + records

    def body(*answers, count=None, end=b"\0\0", finished=1_759_999_999_000):
        return b"\1" + b"".join(answers) + end + finished.to_bytes(8) + \
            (len(answers) if count is None else count).to_bytes(8)

    def records(*lengths, malformed=0, wildcard=0, usage=3):
        return len(lengths).to_bytes(2) + malformed.to_bytes(2) + bytes([wildcard]) + b"".join(
            bytes([usage, 1, 1]) + n.to_bytes(2) + bytes(range(n)) for n in lengths)

    a, b = "_smtp-client.mta1.acme.example", "b.example"
    head = b"danegate roster\n"
    return {
        "none": body(),
        "secure": body(answer(a, 1, records(32))),
        "several": body(answer(a, 1, records(32, 32, malformed=1, wildcard=1)), answer(b, 2), answer("c.example", 3)),
        "other-records": body(answer(a, 1, records(0, 64, 3, usage=255))),
        "no-records": body(answer(a, 1, records(malformed=2))),
        "absent-with-records": body(answer(a, 2, records(32))),
        "unknown-kind": body(answer(a, 4)),
        "unknown-wildcard": body(answer(a, 1, records(32, wildcard=9))),
        "short-records": body(answer(a, 1, records(32)[:-1])),
        "not-a-name": body(answer("a..example", 2)),
        "twice": body(answer(b, 2), answer(b, 3)),
        "far-times": body(answer(b, 2, written=2**63, life=2**32 - 1), answer(a, 3, written=2**52, life=0)),
        "wrong-count": body(answer(b, 2), count=2),
        "no-end": body(answer(b, 2), end=b""),
        "future": body(answer(b, 2), finished=1_760_000_000_001),
        "more-behind": body(answer(b, 2)) + b"\0",
        "file-newer": b"\0" + head + (99).to_bytes(4) + b"\7" * 32 + bytes(26),
        "file-older": b"\0" + head + (1).to_bytes(4) + b"\7" * 32 + bytes(26),
        "file-head": b"\0" + head,
        "file-other": b"\0" + b"danegate rooster\n" + bytes(64),
        "empty": b"",
    }


def values():
    return {make.__name__: make()
            for make in (policy_request, dns_packet, tlsa_rdata, certificate, configuration, roster_state)}
