"""The milter beside the policy service of a real Postfix: the header, the join of the two, and rules for the From field."""

import concurrent.futures
import re
import time

import pytest

from lab.policy import PolicyClient
from lab.postfix import Listener, check, milter
from lab.smtp import SocketClient

HELO, OTHER = "mta1.acme.example", "mta1.ee-spki-sha256.records.example"
FIELD = re.compile(r"(?mi)^Authentication-Results:.*(?:\n[ \t].*)*")
TAG = {name: "tag" for name in ("on-fail", "on-none", "on-unpublished", "on-temperror")}
BOTH, MILTER_ONLY, AT_RCPT = 25, 2525, 2526  # ports: policy at RCPT and DATA; no policy; policy at RCPT only
RULES = [
    {"name": "tagged", "senders": ["partner.example"], "identities": [f"*.acme.example"], **TAG},
    {"name": "acme", "senders": ["acme.example"], "identities": ["*.acme.example"],
     "text": "Mail from acme must come from acme"},
    {"name": "lists", "from": ["acme.example"], "clients": ["127.0.0.77"], **TAG},
    {"name": "author", "from": ["acme.example"], "identities": ["*.acme.example"],
     "text": "Only acme writes as acme"},
    {"name": "held", "from": ["branch.example"], "identities": ["office.branch.example"], "on-fail": "hold",
     "on-none": "hold"},
    {"name": "watched", "from": ["roll.example"], "mode": "monitor"},
]


@pytest.fixture(scope="module")
def daemon(module_bench):
    return module_bench.started(
        milter={}, service=[{"name": "smtp", "ports": [BOTH, MILTER_ONLY, AT_RCPT], "names": ["_smtp-client.{helo}"]}],
        lookup={"domains": ["records.example", "silent.example"]}, rule=RULES)


@pytest.fixture(scope="module", autouse=True)
def postfix(module_bench, daemon):
    ask = check(daemon.endpoint, "smtp")
    rcpt = {"smtpd_recipient_restrictions": f"reject_unauth_destination, {ask}"}
    return module_bench.postfix(
        Listener("127.0.0.1", BOTH, {**rcpt, "smtpd_data_restrictions": ask}),
        Listener("::1", BOTH, {**rcpt, "smtpd_data_restrictions": ask}),
        Listener("127.0.0.1", MILTER_ONLY), Listener("127.0.0.1", AT_RCPT, rcpt), smtpd_milters=milter(daemon.milter))


def letter(token, author="x@elsewhere.example", *fields):
    """A message: further fields on top, and the From."""
    lines = [*fields, f"Subject: {token}", *([f"From: {author}"] if author else []), "", "Hello."]
    return "".join(f"{line}\r\n" for line in lines)


def send(lab, sender="x@partner.example", credential="self_signed", recipients=("b@example.net",), helo=HELO,
         port=BOTH, address="127.0.0.1", tls="starttls", bind=None, author="x@elsewhere.example", fields=()):
    """One message in one session; returns its outcome and token."""
    token = lab.token()
    key = credential and getattr(lab.keys, credential)
    with SocketClient(address, port, helo, tls, key, bind=bind) as client:
        return client.send(sender, *recipients, body=letter(token, author, *fields)), token


def own_field(message):
    """The one field of ours, which must stand above everything but what the delivery agent adds."""
    fields = [" ".join(field.split()) for field in FIELD.findall(message)]
    own = [field for field in fields if "x-dane-client" in field]
    assert len(own) == 1, fields
    assert fields[0] == own[0]
    head = message[:message.index(FIELD.search(message)[0])]
    assert "Received: from" not in head, "above the trace fields"
    return own[0]


PASS = 'Authentication-Results: mx.example.net; x-dane-client=pass reason="match" policy.dane-id=mta1.acme.example ' \
       'policy.dane-rule=tagged dns.sec=yes'


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_field_on_pass(lab, postfix, address):
    outcome, token = send(lab, address=address)
    assert outcome.delivered
    assert own_field(postfix.mail(token)[0]) == PASS


@pytest.mark.parametrize("arguments, words, named", [
    ({"credential": "other"}, 'fail reason="mismatch"', False),
    ({"credential": None}, 'none reason="no-certificate"', False),
    ({"credential": None, "tls": None}, 'none reason="no-tls"', False),
    ({"helo": "mta1.nonesuch.example"}, 'none reason="not-listed"', False),
    ({"helo": OTHER}, 'policy reason="not-allowed"', True),
], ids=["fail", "no certificate", "no TLS", "not listed", "policy"])
def test_field_on_everything_else(lab, postfix, arguments, words, named):
    """The identity is named where it is proven, and nowhere else."""
    outcome, token = send(lab, **arguments)
    assert outcome.delivered
    field = own_field(postfix.mail(token)[0])
    assert f"x-dane-client={words}" in field and "policy.dane-rule=tagged" in field
    assert ("policy.dane-id" in field) == named


def test_three_recipients_one_field(lab, postfix):
    outcome, token = send(lab, recipients=("b@example.net", "c@example.net", "d@example.net"))
    assert outcome.delivered
    for message in postfix.mail(token, 3):
        assert own_field(message) == PASS


FORGED = [
    "Authentication-Results: mx.example.net; x-dane-client=pass reason=\"match\" policy.dane-id=mta1.acme.example",
    "AUTHENTICATION-RESULTS:\r\n MX.EXAMPLE.NET\r\n\t; X-Dane-Client=pass",
    "Authentication-Results: (c) \"mx.example.net\" 1; spf=pass; x-dane-client/1=pass",
    "Authentication-Results: mx.example.net; x-dane-client=pass \"",
]
KEPT = [
    "Authentication-Results: mx.example.net; spf=pass smtp.mailfrom=partner.example",
    "Authentication-Results: mx.elsewhere.example; x-dane-client=pass policy.dane-id=evil.example",
    "Authentication-Results: mx.elsewhere.example; dkim=pass header.d=elsewhere.example",
]


def test_forged_fields_go_and_others_stay(lab, postfix):
    """From the last to the first: none is skipped, wherever it stands among those that stay."""
    fields = [FORGED[0], FORGED[1], KEPT[0], FORGED[2], KEPT[1], FORGED[3], KEPT[2], FORGED[0]]
    outcome, token = send(lab, credential="other", fields=fields)
    assert outcome.delivered
    left = [" ".join(field.split()) for field in FIELD.findall(postfix.mail(token)[0])]
    assert left[1:] == KEPT
    assert "x-dane-client=fail" in left[0]


def test_remove_all(lab, bench):
    """milter.remove = "all": no field of our id is believed, whatever it speaks of."""
    daemon = bench.started(milter={"remove": "all"}, service=[{"name": "smtp", "ports": [2530],
                                                                "names": ["_smtp-client.{helo}"]}])
    own = bench.postfix(Listener("127.0.0.1", 2530), smtpd_milters=milter(daemon.milter))
    outcome, token = send(lab, port=2530, tls=None, credential=None, fields=[*KEPT, FORGED[0]])
    assert outcome.delivered
    left = [" ".join(field.split()) for field in FIELD.findall(own.mail(token)[0])]
    assert left[1:] == KEPT[1:]


def test_policy_header_and_milter_make_one_field(lab, bench):
    daemon = bench.started(policy={"header": "always"}, milter={},
                           service=[{"name": "smtp", "names": ["_smtp-client.{helo}"]}],
                           rule=[{"name": "acme", "senders": ["acme.example"]}])
    ask = check(daemon.endpoint, "smtp")
    own = bench.postfix(Listener("127.0.0.1", 2531), smtpd_milters=milter(daemon.milter), smtpd_data_restrictions=ask,
                        smtpd_recipient_restrictions=f"reject_unauth_destination, {ask}")
    outcome, token = send(lab, port=2531, sender="x@acme.example")
    assert outcome.delivered
    field, = FIELD.findall(own.mail(token)[0])
    assert "policy.dane-rule=acme" in field


# ---- the From field

def test_clean_envelope_and_a_from_that_claims_the_partner(lab, daemon, postfix):
    outcome, token = send(lab, sender="x@elsewhere.example", helo=OTHER, credential="other",
                          author="The CEO <ceo@acme.example>")
    assert [reply.code for reply in outcome.rcpt] == [250]
    assert (outcome.end.code, outcome.end.enhanced) == (550, "5.7.1")
    assert "Only acme writes as acme" in outcome.end.text
    line = daemon.verdict(ref=outcome.end.ref)
    assert (line["rule"], line["state"], line["result"]) == ("author", "END-OF-MESSAGE", "fail")
    postfix.assert_no_mail(token)


def test_the_partner_writes_as_itself(lab, postfix):
    outcome, token = send(lab, sender="x@acme.example", author="ceo@acme.example")
    assert outcome.delivered
    assert "x-dane-client=pass" in own_field(postfix.mail(token)[0])


FROM_FORMS = {  # what stands behind "From: " -> is it acme's?
    "group": ("Staff: x@elsewhere.example, ceo@acme.example;", True),
    "second address": ("x@elsewhere.example, ceo@acme.example", True),
    "comment in the domain": ("ceo@acme(no).example", True),
    "spaces around dots": ("ceo@acme . example", True),
    "folded": ("\r\n ceo\r\n\t@acme.example", True),
    "upper case": ("CEO@ACME.EXAMPLE", True),
    "encoded word as the address": ("=?utf-8?q?ceo=40acme.example?=", True),
    "unreadable": ("ceo@acme.example <", True),
    "display name only": ('"ceo@acme.example" <x@elsewhere.example>', False),
    "another domain": ("ceo@acme.example.net", False),
    "below it": ("ceo@mail.acme.example", False),
    "IDN beside it": ("ceo@b\u00fccher.example", False),
}


@pytest.mark.parametrize("form", FROM_FORMS)
def test_ways_to_write_a_from(lab, postfix, form):
    author, claimed = FROM_FORMS[form]
    outcome, _ = send(lab, sender="x@elsewhere.example", credential="other", author=author)
    assert outcome.end.code == (550 if claimed else 250), outcome.end


def test_two_from_fields_are_both_judged(lab):
    outcome, _ = send(lab, sender="x@elsewhere.example", credential="other", author="x@elsewhere.example",
                      fields=["From: ceo@acme.example"])
    assert outcome.end.code == 550


def test_no_from_field(lab, postfix):
    outcome, token = send(lab, sender="x@elsewhere.example", credential="other", author=None)
    assert outcome.delivered
    postfix.mail(token)


def test_a_from_rule_never_loosens_the_envelope(lab):
    """What the envelope's rule refuses is refused, whoever the From names."""
    outcome, _ = send(lab, sender="x@acme.example", credential="other", author="x@elsewhere.example")
    assert outcome.rcpt[0].code == 550


def test_hold(lab, daemon, postfix):
    outcome, token = send(lab, sender="x@elsewhere.example", credential="other", author="b@branch.example")
    assert outcome.delivered, "held mail is accepted"
    assert "x-dane-client=fail" in postfix.held(token)
    assert daemon.verdict(rule="held", sender="x@elsewhere.example")["action"] == "hold"


def test_monitored_from_rule_is_only_logged(lab, daemon, postfix):
    outcome, token = send(lab, sender="watched@elsewhere.example", credential="other", author="x@roll.example")
    assert outcome.delivered
    line = daemon.verdict(sender="watched@elsewhere.example", rule="watched")
    assert (line["mode"], line["action"], line["result"]) == ("monitor", "reject", "fail")
    postfix.mail(token)


def test_list_hosts_are_exempt_by_network(lab, postfix):
    outcome, token = send(lab, sender="list@elsewhere.example", credential="other", bind="127.0.0.77",
                          author="ceo@acme.example")
    assert outcome.delivered
    postfix.mail(token)


# ---- whose evidence

def test_no_policy_check_configured(lab, daemon, postfix):
    """TLS with the right certificate, and nobody told us: deferred, with one line that says what to add."""
    outcome, token = send(lab, sender="x@acme.example", port=MILTER_ONLY)
    assert (outcome.rcpt[0].code, outcome.rcpt[0].enhanced) == (451, "4.3.5")
    line = daemon.verdict(ref=outcome.rcpt[0].ref)
    assert (line["result"], line["reason"], line["rule"]) == ("permerror", "no-evidence", "acme")
    said = daemon.find(event="milter-no-evidence")
    assert said and "check_policy_service to smtpd_recipient_restrictions" in said[-1]["msg"]
    daemon.forgive("check_policy_service")
    postfix.assert_no_mail(token)


def test_no_tls_and_no_policy_check(lab, daemon):
    outcome, _ = send(lab, sender="x@acme.example", port=MILTER_ONLY, tls=None, credential=None)
    assert outcome.rcpt[0].code == 550
    assert daemon.verdict(ref=outcome.rcpt[0].ref)["reason"] == "no-tls"


def test_second_session_from_the_same_address_and_port(lab, daemon, postfix):
    """The first is authenticated; the second has no certificate and only a bare postmaster, whom nobody asks about."""
    bind = ("127.0.0.78", 45678)
    client = SocketClient("127.0.0.1", AT_RCPT, HELO, "starttls", lab.keys.self_signed, bind=bind)
    first = client.send("x@partner.example", "b@example.net", body=letter(lab.token()))
    client.reset()
    assert first.delivered
    token = lab.token()
    with SocketClient("127.0.0.1", AT_RCPT, HELO, "starttls", None, bind=bind) as client:
        outcome = client.send("x@partner.example", "postmaster", body=letter(token))
    assert outcome.delivered, "rule `tagged` refuses nothing"
    field = own_field(postfix.mail(token)[0])
    assert 'x-dane-client=permerror reason="no-evidence"' in field and "dane-id" not in field
    daemon.forgive("check_policy_service")  # said once a minute, here or in the test before


def test_second_message_with_only_a_bare_postmaster(lab, postfix):
    """Same session, same TLS: what Postfix told about the first message is true of the second."""
    with SocketClient("127.0.0.1", AT_RCPT, HELO, "starttls", lab.keys.self_signed) as client:
        assert client.send("x@partner.example", "b@example.net", body=letter(lab.token())).delivered
        token = lab.token()
        assert client.send("x@partner.example", "postmaster", body=letter(token)).delivered
    assert own_field(postfix.mail(token)[0]) == PASS


@pytest.mark.parametrize("credential, accepted", [("self_signed", True), ("other", False), (None, False)],
                         ids=["right key", "another key", "no certificate"])
@pytest.mark.parametrize("port", [BOTH, AT_RCPT])
def test_bare_postmaster_under_a_rule(lab, daemon, postfix, port, credential, accepted):
    """At RCPT nobody has told us anything. With the check at DATA the right key passes and the others are refused there;
    without it, all of them are deferred at the end: nobody ever told us.
    """
    outcome, _ = send(lab, sender="x@acme.example", credential=credential, recipients=("postmaster",), port=port)
    daemon.forgive("check_policy_service")
    assert outcome.rcpt[0].code == 250
    if port == AT_RCPT:
        assert (outcome.end.code, outcome.end.enhanced) == (451, "4.3.5")
    else:
        assert outcome.delivered == accepted
        assert accepted or outcome.data.code == 550


def test_bare_postmaster_beside_an_exempt_recipient(lab, bench):
    """The check at RCPT only: the postmaster's copy is judged all the same."""
    daemon = bench.started(milter={}, service=[{"name": "smtp", "names": ["_smtp-client.{helo}"]}],
                           rule=[{"name": "reachable", "recipients": ["abuse"], **TAG},
                                 {"name": "acme", "senders": ["acme.example"]}])
    ask = check(daemon.endpoint, "smtp")
    bench.postfix(Listener("127.0.0.1", 2534), smtpd_milters=milter(daemon.milter),
                  smtpd_recipient_restrictions=f"reject_unauth_destination, {ask}")
    outcome, _ = send(lab, sender="x@acme.example", credential="other", port=2534,
                      recipients=("abuse@example.net", "postmaster"))
    assert [reply.code for reply in outcome.rcpt] == [250, 250]
    assert outcome.end.code == 550


def test_starttls_after_a_plain_message(lab, postfix):
    """A message before STARTTLS leaves no evidence behind for those after it, nor the other way round."""
    client = SocketClient("127.0.0.1", BOTH, HELO, None, None)
    with client:
        first, second = lab.token(), lab.token()
        assert client.send("x@partner.example", "b@example.net", body=letter(first)).delivered
        client.upgrade(HELO, lab.keys.self_signed)
        assert client.send("x@partner.example", "b@example.net", body=letter(second)).delivered
    assert 'reason="no-tls"' in own_field(postfix.mail(first)[0])
    assert own_field(postfix.mail(second)[0]) == PASS


def test_a_local_user_on_an_inet_listener_changes_nothing(lab, bench):
    """Whoever may connect to 127.0.0.1 can name somebody else's session and a published fingerprint."""
    daemon = bench.started(policy={"listen": [f"unix:{bench.folder}/1/policy", "inet:127.0.0.1:10044"]}, milter={},
                           service=[{"name": "smtp", "ports": [2532], "names": ["_smtp-client.{helo}"]}],
                           rule=[{"name": "tagged", "senders": ["partner.example"], "identities": [HELO], **TAG}])
    own = bench.postfix(Listener("127.0.0.1", 2532), smtpd_milters=milter(daemon.milter))
    token = lab.token()
    with SocketClient("127.0.0.1", 2532, HELO, "starttls", lab.keys.other) as client:
        with PolicyClient("inet:127.0.0.1:10044") as liar:
            liar.ask(lab.keys.self_signed, client_address="127.0.0.1", client_port=str(client.local_port),
                     server_address="127.0.0.1", server_port="2532", helo_name=HELO, sender="x@partner.example")
        assert client.send("x@partner.example", "b@example.net", body=letter(token)).delivered
    assert 'x-dane-client=permerror reason="no-evidence"' in own_field(own.mail(token)[0])
    daemon.expect("warning", "check_policy_service")


def test_trust_inet(lab, bench):
    """With policy.trust-inet the operator says that nobody else speaks there."""
    daemon = bench.started(policy={"listen": ["inet:127.0.0.1:10044"], "trust-inet": True}, milter={},
                           service=[{"name": "smtp", "names": ["_smtp-client.{helo}"]}],
                           rule=[{"name": "tagged", "senders": ["partner.example"], "identities": [HELO], **TAG}])
    ask = check("inet:127.0.0.1:10044", "smtp")
    own = bench.postfix(Listener("127.0.0.1", 2533), smtpd_milters=milter(daemon.milter),
                        smtpd_recipient_restrictions=f"reject_unauth_destination, {ask}")
    outcome, token = send(lab, port=2533)
    assert outcome.delivered
    assert "x-dane-client=pass" in own_field(own.mail(token)[0])


def test_stalled_dns(lab, daemon, postfix):
    """The client's zone is silent: deferred within the deadline, and other sessions do not notice."""
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        stalled = pool.submit(send, lab, sender="x@elsewhere.example", helo="mta1.silent.example",
                              author="ceo@acme.example")
        while not stalled.done():
            asked = time.monotonic()
            assert send(lab)[0].delivered
            assert time.monotonic() - asked < 1.5
    assert time.monotonic() - began < 8
    outcome, _ = stalled.result()
    assert (outcome.end.code, outcome.end.enhanced) == (451, "4.4.3")
    assert daemon.verdict(ref=outcome.end.ref)["reason"] == "dns-timeout"
