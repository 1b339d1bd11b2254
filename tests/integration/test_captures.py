"""Requests recorded from live Postfix, replayed through `danegate explain`: the result is what the file's name implies.

The certificates they were recorded with are published in a signed zone of the lab.
"""

import json
from pathlib import Path

import pytest

from lab.catalogue import owner
from lab.credentials import Credential

CAPTURES = Path(__file__).parents[1] / "data" / "captures"
CLIENT = "mta1.partner.example"
# name of the file -> result, reason
EXPECTED = {
    "plain": ("none", "no-tls"),
    "tls-no-cert": ("none", "no-certificate"),
    "self-signed": ("pass", "match"),
    "ca-trusted": ("pass", "match"),
    "ca-trusted-san-only": ("pass", "match"),
    "ca-trusted-utf8-cn": ("pass", "match"),
    "null-sender": ("pass", "match"),
    "raw-public-key": ("pass", "match"),
    "three-recipients": ("pass", "match"),
}
FILES = sorted(CAPTURES.glob("*/*.policy"))


@pytest.fixture(scope="module")
def config(lab, module_bench):
    """The partner's rule, and the recorded certificates' keys under the name that the recorded clients gave."""
    certificates = sorted((CAPTURES / "certs").glob("*.pem"))
    keys = [Credential(None, path).tlsa(3, 1, 1) for path in certificates if path.name != "ca.pem"]
    lab.publish("partner.example", CLIENT, *keys)
    return module_bench.daemon(service=[{"name": "smtp", "names": ["_smtp-client.{helo}"]}],
                               rule=[{"name": "partner", "identities": ["*.partner.example"]}]).config


def requests(path):
    """The RCPT and DATA requests of one file (Postfix sends END-OF-MESSAGE without the policy_context)."""
    recorded = [block + "\n\n" for block in path.read_text().strip().split("\n\n")]
    return [block for block in recorded if "protocol_state=END-OF-MESSAGE" not in block]


def test_every_file_has_an_expectation():
    assert FILES and {path.stem for path in FILES} == set(EXPECTED)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_replay(lab, config, path):
    for request in requests(path):
        status, output, errors = lab.explain(config, request.encode())
        assert status == 0, errors
        verdict = json.loads(output)
        assert (verdict["result"], verdict["reason"]) == EXPECTED[path.stem]
        assert verdict["rule"] == "partner" and verdict["service"] == "smtp"
        if verdict["result"] == "pass":
            judge_pass(verdict)
        else:
            assert verdict["identity"] == "" and verdict["names"] == []


def judge_pass(verdict):
    """A pass names the client, the secure answer, and exactly one record that matches."""
    assert verdict["identity"] == CLIENT and verdict["owner"] == owner(CLIENT)
    name, = verdict["names"]
    assert name["owner"] == owner(CLIENT) and name["listed"] and name["answer"]["state"] == "secure"
    records = name["answer"]["records"]
    assert all(record["usable"] for record in records)
    assert [record["matches"] for record in records].count(True) == 1


def test_explain_names_every_step(lab, config):
    """An impostor: each record that was weighed, and why the reply is what it is."""
    request = requests(CAPTURES / "postfix-3.7.11" / "self-signed.policy")[0]
    status, output, _ = lab.explain(config, request.replace("DD:48:33", "00:00:00").encode())
    verdict = json.loads(output)
    assert status == 0 and (verdict["result"], verdict["reason"], verdict["action"]) == ("fail", "mismatch", "reject")
    assert verdict["reply"].startswith("550 5.7.1 ")
    assert not any(record["matches"] for record in verdict["names"][0]["answer"]["records"])


def test_explain_says_what_is_wrong_with_a_request(lab, config):
    status, _, errors = lab.explain(config, b"this is no policy request\n\n")
    assert status != 0 and errors
