"""The lines that we ship in conf/ for the milter do what they say: Postfix's, Sendmail's, rules for the From."""

import re

import pytest

from lab.control import await_known
from lab.postfix import Entry, Listener
from lab.procs import run, wait_until
from lab.samples import CONF, parameters, partner_forms, sample_rules
from lab.sendmail import Port
from lab.smtp import SocketClient

PARTNER, LISTS, NOBODY = "mta1.acme.example", "office.branch.example", "mail.elsewhere.example"
LIST_NETWORK, OWN_NETWORK = "127.0.0.77", "127.0.0.66"
LISTED_ONLY, SUBMISSION = "127.0.0.4", 2528  # an address of form B; a port without the milter
CERT_NAME = "mta1.ee-cert-sha256.records.example"
FORGED = "Authentication-Results: mx.example.net; x-dane-client=pass policy.dane-id=mta1.acme.example"
SECTION_3 = "# 3. The From"
NO_MILTER = "connect to Milter service|problem talking to server|connect to .*policy"


def milter_lines():
    """postfix-milter.cf as it stands, and its other smtpd_milters."""
    text = (CONF / "postfix-milter.cf").read_text()
    look, = re.findall(r"(?m)^#(smtpd_milters = .*)$", text)
    return parameters(text), parameters(look)


def from_rules():
    """The sample's third section; its list hosts are the lab's."""
    rules = sample_rules(SECTION_3).replace("192.0.2.0/24", f"{LIST_NETWORK}/32").replace("lists.example.org", LISTS)
    assert rules.count("[[rule]]") == 2 and LIST_NETWORK in rules and LISTS in rules
    return rules


def with_rules(daemon, *rules):
    with open(daemon.config, "a", encoding="utf-8") as config:
        config.write("".join(rules))
    return daemon


@pytest.fixture(scope="module")
def daemon(module_bench):
    """Behind a Postfix with the shipped lines; its sockets are in Postfix's queue folder, as packaged."""
    folder = module_bench.place()
    (folder / "danegate_milters").write_text(f"{OWN_NETWORK}/32 DISABLE\n")
    maps, = re.findall(r"(?m)^#(smtpd_milter_maps = .*)$", (CONF / "postfix-milter.cf").read_text())
    option, = re.findall(r"(?m)^# +(-o smtpd_milters=)$", (CONF / "postfix-milter.cf").read_text())
    first, second = partner_forms(folder)
    listed = {name: second[name] for name in ("smtpd_recipient_restrictions", "smtpd_data_restrictions")}
    main = {**first, **milter_lines()[0], **parameters(maps.replace("/etc/postfix", str(folder))),
            "danegate": second["danegate"], "smtpd_restriction_classes": "danegate",
            "mynetworks": f"{OWN_NETWORK}/32 127.0.0.67/32"}
    postfix = module_bench.postfix(Listener("127.0.0.1", 25), Listener(LISTED_ONLY, 25, listed),
                                   Entry(f"127.0.0.1:{SUBMISSION} inet n - n - - smtpd\n  {option}\n"), **main)
    daemon = module_bench.daemon(folder=module_bench.owned(postfix.folder / "queue" / "danegate"), milter={})
    daemon.postfix = postfix
    module_bench.run(with_rules(daemon, sample_rules("# 1. A business", "# 2. Submission"), from_rules()))
    await_known(daemon)
    return daemon


@pytest.fixture
def postfix(daemon):
    return daemon.postfix


def letter(token, author, *fields):
    lines = [*fields, f"Subject: {token}", f"From: The CEO <{author}>", "", "Hello."]
    return "".join(f"{line}\r\n" for line in lines)


def send(lab, sender="x@elsewhere.example", author="ceo@acme.example", credential=None, helo=NOBODY, bind=None,
         port=25, tls="starttls", address="127.0.0.1"):
    """One message in one session, with a forged field; returns its outcome and token."""
    token = lab.token()
    with SocketClient(address, port, helo, tls, credential, bind=bind) as client:
        return client.send(sender, "b@example.net", body=letter(token, author, FORGED)), token


def own_field(message):
    """The one field that there is; the forged one is gone."""
    field, = re.findall(r"(?mi)^Authentication-Results:.*(?:\n[ \t].*)*", message)
    return " ".join(field.split())


def nobody_told(daemon, reply):
    """Refused for want of evidence. The warning about it is said once a minute, here or in a test before."""
    line = daemon.verdict(ref=reply.ref)
    wait_until(lambda: daemon.find(event="milter-no-evidence"), "the warning")
    daemon.forgive("check_policy_service")
    return (reply.code, line["reason"]) == (451, "no-evidence")


# ---- postfix-milter.cf, and the sample's rules for the From

def test_the_partner_itself(lab, postfix):
    outcome, token = send(lab, "ceo@acme.example", helo=PARTNER, credential=lab.keys.self_signed)
    assert outcome.delivered
    field = own_field(postfix.mail(token)[0])
    assert "x-dane-client=pass" in field and f"policy.dane-id={PARTNER}" in field


def test_the_partners_envelope_is_refused_at_rcpt(lab, postfix):
    outcome, _ = send(lab, "ceo@acme.example", helo=PARTNER, credential=lab.keys.other)
    assert outcome.rcpt[0].code == 550


@pytest.mark.parametrize("tls, credential", [("starttls", "other"), ("starttls", None), (None, None)])
def test_a_list_that_keeps_the_partners_from_is_held(lab, daemon, postfix, tls, credential):
    sender = f"{lab.token()}@elsewhere.example"
    outcome, token = send(lab, sender, tls=tls, credential=credential and getattr(lab.keys, credential))
    assert outcome.delivered, outcome  # held mail is accepted
    assert token in postfix.held(token)
    line = daemon.verdict(rule="partner-from", sender=sender)
    assert (line["action"], line["result"]) == ("hold", "none")


def test_list_hosts_are_exempt_by_network(lab, daemon, postfix):
    sender = f"{lab.token()}@elsewhere.example"
    outcome, token = send(lab, sender, bind=LIST_NETWORK)
    assert outcome.delivered
    assert "x-dane-client=none" in own_field(postfix.mail(token)[0])
    assert daemon.verdict(rule="lists", sender=sender)["action"] == "tag"


def test_list_hosts_are_exempt_by_identity(lab, daemon, postfix):
    sender = f"{lab.token()}@elsewhere.example"
    outcome, token = send(lab, sender, helo=LISTS, credential=lab.keys.self_signed)
    assert outcome.delivered
    assert f"policy.dane-id={LISTS} policy.dane-rule=partner-from" in own_field(postfix.mail(token)[0])
    impostor, token = send(lab, sender, helo=LISTS, credential=lab.keys.other)
    assert impostor.delivered
    postfix.held(token)


def test_own_networks_without_the_milter(lab, postfix):
    """smtpd_milter_maps: not judged, and nothing is removed or added."""
    outcome, token = send(lab, "ceo@acme.example", bind=OWN_NETWORK)
    assert outcome.delivered
    assert own_field(postfix.mail(token)[0]) == FORGED


def test_own_networks_with_the_milter(lab, daemon):
    """Behind permit_mynetworks nobody asks the policy service, and the milter judges by itself."""
    outcome, _ = send(lab, "ceo@acme.example", bind="127.0.0.67")
    assert nobody_told(daemon, outcome.rcpt[0])
    outcome, _ = send(lab, "ceo@acme.example", bind="127.0.0.67", tls=None)
    assert outcome.rcpt[0].code == 550


def test_an_entry_without_the_milter(lab, postfix):
    outcome, token = send(lab, port=SUBMISSION)
    assert outcome.delivered
    assert own_field(postfix.mail(token)[0]) == FORGED


def test_form_b_knows_nothing_of_other_senders(lab, daemon):
    """Asked about listed senders only, and a rule with `from` meets another one's mail."""
    outcome, _ = send(lab, address=LISTED_ONLY)
    assert outcome.rcpt[0].code == 250
    assert nobody_told(daemon, outcome.end)
    assert send(lab, address=LISTED_ONLY, author="x@elsewhere.example")[0].delivered


def test_an_exempting_rule(lab, bench):
    """Own networks by rules, above the others; one with `from` for the From."""
    own = bench.postfix(Listener("127.0.0.5", 25), mynetworks="127.0.0.67/32", **partner_forms(bench.place())[0],
                        **milter_lines()[0])
    tag = 'clients = ["127.0.0.67"]\n' + "".join(
        f'{key} = "tag"\n' for key in ("on-fail", "on-none", "on-unpublished", "on-temperror"))
    daemon = bench.daemon(folder=bench.owned(own.folder / "queue" / "danegate"), milter={})
    bench.run(with_rules(daemon, f'[[rule]]\nname = "own"\n{tag}',
                         f'[[rule]]\nname = "own-from"\nfrom = ["acme.example"]\n{tag}',
                         sample_rules("# 1. A business", "# 2. Submission"), from_rules()))
    outcome, token = send(lab, "ceo@acme.example", bind="127.0.0.67", address="127.0.0.5")
    assert outcome.delivered
    assert "x-dane-client=permerror" in own_field(own.mail(token)[0])
    daemon.expect("warning", "check_policy_service")


@pytest.mark.parametrize("form, code", [("enforcing", 451), ("looking", 250)])
def test_outage(lab, bench, form, code):
    """No sockets: the line in force defers, the other one lets pass what the policy check lets pass."""
    line = milter_lines()[form == "looking"]
    monitor = parameters((CONF / "postfix-monitor.cf").read_text())
    own = bench.postfix(Listener("127.0.0.1", 2529), **monitor, **line)
    own.tolerated = NO_MILTER
    with SocketClient("127.0.0.1", 2529, NOBODY, None) as client:
        outcome = client.send("x@elsewhere.example", "b@example.net", body=letter(lab.token(), "x@elsewhere.example"))
    last = outcome.end or (outcome.rcpt or [outcome.mail])[-1]
    assert last.code == code, last


# ---- sendmail.mc

@pytest.fixture(scope="module")
def mta(module_bench):
    """A Sendmail with the shipped lines; one port that the service has, one whose name it has."""
    daemon = module_bench.daemon(
        milter={"socket-group": ""},
        service=[{"name": "MTA", "names": ["_smtp-client.{helo}"]},
                 {"name": "smtp", "ports": [25], "names": ["_smtp-client.{helo}"]}],
        rule=[{"name": "cert", "senders": ["acme.example"], "text": "By key",
               # Patterns: whom a rule names in full is known by the key alone, and here all have the same.
               "identities": ["*.ee-cert-sha256.records.example", "*.acme.example"]}])
    module_bench.run(with_rules(daemon, sample_rules(SECTION_3)))
    path = daemon.milter.removeprefix("unix:")
    lines = (CONF / "sendmail.mc").read_text().replace("/var/spool/danegate/milter", path)
    assert f"S=local:{path}, F=T" in lines
    mta = module_bench.sendmail(Port("127.0.0.2", 25, "MTA-v4"), Port("127.0.0.2", 2500, "MTA"), fingerprint=None,
                                more=lines)
    mta.daemon = daemon
    return mta


@pytest.mark.parametrize("port, service", [(25, "smtp"), (2500, "MTA")])
def test_sendmail_self_signed(lab, mta, port, service):
    """3 0 1 over a certificate that no CA signed, without a policy service; the service by port and by name."""
    sender = f"{lab.token()}@acme.example"
    outcome, token = send(lab, sender, credential=lab.keys.self_signed, helo=CERT_NAME, port=port, address="127.0.0.2",
                          author="x@elsewhere.example")
    assert outcome.delivered
    field = own_field(mta.mail(token)[0])
    assert f"x-dane-client=pass reason=\"match\" policy.dane-id={CERT_NAME} policy.dane-rule=cert" in field
    assert mta.daemon.verdict(sender=sender)["service"] == service


@pytest.mark.parametrize("credential, helo, tls, result, reason", [
    ("other", CERT_NAME, "starttls", "fail", "mismatch"),
    ("self_signed", PARTNER, "starttls", "fail", "unusable"),
    (None, CERT_NAME, "starttls", "none", "no-certificate"),
    (None, CERT_NAME, None, "none", "no-tls"),
], ids=["another key", "only 3 1 1", "no certificate", "no TLS"])
def test_sendmail_refuses(lab, mta, credential, helo, tls, result, reason):
    outcome, _ = send(lab, "x@acme.example", credential=credential and getattr(lab.keys, credential), helo=helo,
                      tls=tls, address="127.0.0.2")
    assert (outcome.rcpt[0].code, outcome.rcpt[0].enhanced) == (550, "5.7.1")
    line = mta.daemon.verdict(ref=outcome.rcpt[0].ref)
    assert (line["result"], line["reason"], line["rule"]) == (result, reason, "cert")


def test_sendmail_settings(lab, bench):
    """What sendmail.mc says of danegate.toml is a configuration."""
    path = bench.place() / "danegate.toml"
    text = "".join(re.findall(r"(?m)^dnl {5}(.*\n)", (CONF / "sendmail.mc").read_text()))
    assert "[milter]" in text
    path.write_text(f'{text}[dns]\ntrust-anchor-files = ["{lab.internet.anchor}"]\n')  # dns-root-data may not be here
    run(lab.bin_dir / "danegate", "check", path)


def test_sendmail_holds_a_from(lab, mta):
    outcome, token = send(lab, credential=lab.keys.other, address="127.0.0.2")
    assert outcome.delivered
    assert mta.held(token).startswith("held by danegate [ref ")


def test_sendmail_outage(lab, bench):
    """No socket: F=T defers."""
    lines = (CONF / "sendmail.mc").read_text().replace("/var/spool/danegate/milter", f"{bench.place()}/milter")
    own = bench.sendmail(Port("127.0.0.3"), fingerprint=None, more=lines)
    own.tolerated = r"Milter \(danegate\)"
    with SocketClient("127.0.0.3", 25, NOBODY, None) as client:
        assert client.command("MAIL FROM:<x@elsewhere.example>").code == 451
