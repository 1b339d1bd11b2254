"""The tool's commands that need no daemon, on the lab's real zones: lookup, verify, tlsa."""

import json
import re

import pytest

from lab.catalogue import owner
from lab.policy import PolicyClient
from lab.procs import run

MATCH = "mta1.ee-spki-sha256.records.example"
STATES = [  # name, exit code, state over all, state of the answer
    (MATCH, 0, "records", "secure"),
    ("mta1.secure.alias.example", 0, "records", "secure"),
    ("mta1.ee-cert-full.records.example", 0, "records", "secure"),
    ("sensor7._device.device.example", 0, "records", "secure"),
    ("mta1.absent.nsec.example", 1, "absent", "absent"),
    ("mta1.present.nsec3.example", 1, "absent", "absent"),
    ("mta1.absent.optout.example", 1, "absent", "absent"),
    ("mta1.unsigned.example", 2, "insecure", "insecure"),
    ("mta1.island.example", 2, "insecure", "insecure"),
    ("mta1.leaving.alias.example", 2, "insecure", "insecure"),
    ("mta1.broken.example", 3, "bogus", "bogus"),
    ("mta1.expired.example", 3, "bogus", "bogus"),
    ("mta1.dane-ta.records.example", 4, "unusable", "secure"),
    ("mta1.wrong-length.records.example", 4, "unusable", "secure"),
    ("mta1.too-many.records.example", 75, "failed", "secure"),
    ("mta1.servfail.example", 75, "failed", "failed"),
    ("mta1.silent.example", 75, "failed", "failed"),
]


@pytest.fixture(scope="module")
def config(lab, module_bench):
    """The lab's [dns], and nothing that the tool would need a daemon for."""
    path = module_bench.place() / "danegate.toml"
    path.write_text(lab.config())
    return path


@pytest.fixture
def tool(lab, config):
    """Runs a command with that configuration and --json; returns exit status and object."""
    def tool(*arguments):
        status, out, err = lab.tool(*arguments, "--config", config, "--json")
        assert not err, err
        return status, json.loads(out)
    return tool


# ---- lookup

@pytest.mark.parametrize("name, code, state, answer", STATES, ids=[case[0] for case in STATES])
def test_lookup(tool, name, code, state, answer):
    status, found = tool("lookup", name, *(["--service", "smtp"] if "@" not in name else []))
    assert (status, found["state"]) == (code, state)
    assert answer in [each["state"] for each in found["answers"]]


def test_lookup_says_until_when_and_for_whom(lab, config, tool):
    lab.zone("ending.example").expires_in = 86400
    lab.publish("ending.example", "mta1.ending.example", lab.keys.self_signed.tlsa(3, 1, 1), ttl=120)
    _, found = tool("lookup", owner("mta1.ending.example"))
    answer, = found["answers"]
    record, = answer["records"]
    assert answer["ttl"] == 120 and 0 < answer["signatures_left"] <= 86400
    assert record["record"] == lab.keys.self_signed.tlsa(3, 1, 1)
    assert record["unusable"]["postfix"] == "" and "key's digest" in record["unusable"]["sendmail"]
    status, out, err = lab.tool("lookup", "mta1.ending.example", "--config", config)
    assert status == 0 and not err
    assert lab.keys.self_signed.tlsa(3, 1, 1) in out and "usable: Postfix" in out
    assert re.search(r"signatures end \S+Z, in (1 day|23 hours)\n", out), out
    assert "\x1b" not in out  # no terminal, no colour


def test_lookup_of_wildcards(tool):
    _, web = tool("lookup", "any.webwild.example", "--service", "smtp")
    assert web["answers"][0]["wildcard"] == "other" and "names the identity in full" in web["answers"][0]["why"]
    _, device = tool("lookup", "sensor7._device.device.example")
    assert device["answers"][0]["wildcard"] == "below-underscore" and device["answers"][0]["why"] == ""


def test_lookup_of_a_wrong_name(lab, config):
    status, out, err = lab.tool("lookup", "localhost", "--config", config)
    assert (status, out) == (64, "") and "a single label" in err


# ---- verify

CREDENTIALS = [  # arguments, published name, exit code, result, reason
    ("--cert self_signed", MATCH, 0, "pass", "match"),
    ("--cert other", MATCH, 1, "fail", "mismatch"),
    ("--key self_signed", MATCH, 0, "pass", "match"),
    ("--key other", MATCH, 1, "fail", "mismatch"),
    ("--key self_signed", "mta1.ee-cert-sha256.records.example", 1, "fail", "unusable"),
    ("--cert self_signed --as sendmail", MATCH, 1, "fail", "unusable"),
    ("--cert self_signed --as sendmail", "mta1.ee-cert-sha256.records.example", 0, "pass", "match"),
    ("--cert self_signed --as exim", "mta1.ee-spki-sha512.records.example", 0, "pass", "match"),
    ("--cert self_signed", "mta1.ee-spki-sha512.records.example", 1, "fail", "unusable"),
    ("--cert self_signed", "mta1.absent.nsec.example", 2, "none", "no-record"),
    ("--cert self_signed", "mta1.unsigned.example", 2, "none", "insecure"),
    ("--cert self_signed", "any.webwild.example", 1, "fail", "unusable"),
    ("--cert self_signed", "mta1.broken.example", 75, "temperror", "bogus"),
    ("--cert self_signed", "mta1.silent.example", 75, "temperror", "dns-timeout"),
    ("--cert self_signed", "mta1.too-many.records.example", 75, "temperror", "overload"),
]


@pytest.mark.parametrize("arguments, name, code, result, reason", CREDENTIALS)
def test_verify(lab, tool, arguments, name, code, result, reason):
    option, credential, *more = arguments.split()
    files = getattr(lab.keys, credential)
    status, found = tool("verify", "--name", name, option, files.key if option == "--key" else files.certificate, *more)
    assert (status, found["result"], found["reason"]) == (code, result, reason)
    assert found["identity"] == (name if result == "pass" else "")


def test_verify_digests(lab, tool):
    key, certificate = lab.keys.self_signed.fingerprint(1), lab.keys.self_signed.fingerprint(0)
    by_certificate = "mta1.ee-cert-sha256.records.example"
    for name, digest, result in ((MATCH, f"key:{key}", "pass"), (MATCH, key, "pass"), (MATCH, certificate, "fail"),
                                 (by_certificate, f"cert:{certificate}", "pass"), (by_certificate, certificate, "pass"),
                                 (MATCH, f"key:{key[:47]}", "permerror")):
        status, found = tool("verify", "--name", owner(name), "--digest", digest)
        assert found["result"] == result, (digest, found)
    assert status == 65  # MD5


def test_verify_and_the_daemon_agree(lab, bench, tool):
    """The same credential at the same names: what the tool says is what a session gets."""
    daemon = bench.started(service=[{"name": "smtp", "names": ["_smtp-client.{helo}"]}],
                           rule=[{"name": "any", "identities": ["*.example"]}])
    with PolicyClient(daemon.endpoint) as client:
        for credential in (lab.keys.self_signed, lab.keys.other):
            for name in (MATCH, "mta1.dane-ta.records.example", "mta1.unsigned.example", "mta1.broken.example"):
                sender = f"{lab.token()}@elsewhere.example"
                client.ask(credential, policy_context="smtp", helo_name=name, sender=sender)
                line = daemon.verdict(sender=sender)
                _, found = tool("verify", "--name", name, "--cert", credential.certificate)
                assert (found["result"], found["reason"]) == (line["result"], line["reason"]), name


# ---- tlsa

def test_tlsa_in_a_zone(lab, tool):
    """What it prints stands in a signed zone that ldns finds right, and passes."""
    name, credential = "mta9.partner.example", lab.keys.following
    _, printed = tool("tlsa", "--name", name, "--cert", credential.certificate, "--usage", "3 1 1", "--usage", "301")
    lines = [record["line"].split(maxsplit=4) for record in printed["records"]]
    assert {line[0] for line in lines} == {f"{owner(name)}."}
    zone = lab.zone("partner.example").tlsa(owner(name), *(line[4] for line in lines))
    lab.internet.publish(zone)
    run("ldns-verify-zone", lab.internet.folder / "leaves" / "partner.example.served")
    served = run("ldns-read-zone", lab.internet.folder / "leaves" / "partner.example.served").decode().lower()
    for line in lines:
        assert line[4].split()[-1] in served.replace(" ", "")
    for arguments in (("--cert", credential.certificate), ("--key", credential.key),
                      ("--cert", credential.certificate, "--as", "sendmail")):
        assert tool("verify", "--name", name, *arguments)[1]["result"] == "pass"
    assert tool("verify", "--name", name, "--cert", lab.keys.other.certificate)[1]["result"] == "fail"


def test_tlsa_as_ldns_makes_it(lab, tool):
    name, certificate = "big.partner.example", lab.keys.rsa.certificate
    for selector in "01":
        for matching in "012":
            made = run("ldns-dane", "-a", "127.0.0.1", "-c", certificate, "create", name, "25", "3", selector, matching)
            _, printed = tool("tlsa", "--name", name, "--cert", certificate, "--usage", f"3{selector}{matching}")
            assert printed["records"][0]["data"] == "".join(made.decode().split("TLSA")[1].split()[3:]).lower()
