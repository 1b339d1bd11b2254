"""`danegate check`: each misconfiguration is set up for real and found, and its fix, applied to the letter, mends it.

The first half needs no running Postfix: its own tool reads the files. The second half sees the effect on real SMTP,
with the misconfiguration and after the fix.
"""

import pytest

from lab import check as checking
from lab.postfix import Entry, Listener, check
from lab.procs import wait_until
from lab.samples import CONF, parameters, partner_forms, sample_rules, uncommented
from lab.smtp import SocketClient

PARTNER, OFFICE = "mta1.acme.example", "office.branch.example"
FOREIGN = "someone@elsewhere.example.org"
EXEMPT = "permit_mynetworks, permit_sasl_authenticated"
NO_SOCKET = "problem talking to server|connect to .*policy"
DEFER = "451 4.3.5 danegate is not there"
SERVICES = [{"name": "smtp", "ports": [25], "names": ["_smtp-client.{helo}"]},
            {"name": "submission", "ports": [465, 587], "names": ["_smtp-client.{helo}"]}]
RULES = [{"name": "acme", "services": ["smtp"], "senders": ["acme.example"], "identities": [PARTNER]},
         {"name": "offices", "services": ["submission"], "identities": ["*.branch.example"], "on-pass": "permit"}]
FROM = {"name": "from", "from": ["acme.example"], "identities": [PARTNER], "on-fail": "hold", "on-none": "hold"}


class Site:
    """Files of a Postfix that need not run, and danegate's beside them: README's partner lines, unless told otherwise.
    """

    def __init__(self, bench, main=None, entry=None, chroot="n", **tables):
        place = bench.place()
        self.lab, self.conf, self.queue = bench.lab, place / "conf", place / "queue"
        self.conf.mkdir()
        (self.queue / "danegate").mkdir(parents=True)
        tables["policy"] = {"listen": [f"unix:{self.queue}/danegate/policy"], **tables.get("policy", {})}
        self.config = place / "danegate.toml"
        self.config.write_text(bench.lab.config(**{"service": SERVICES, "rule": RULES[:1], **tables}))
        self.write_main({**self.partner(), **(main or {})})
        options = "".join(f"  -o {{ {name} = {value} }}\n" for name, value in (entry or {}).items())
        (self.conf / "master.cf").write_text(
            f"smtp inet n - {chroot} - - smtpd\n" + (f"submission inet n - n - - smtpd\n{options}" if entry else ""))

    def partner(self):
        endpoint = check("unix:danegate/policy", "smtp")
        return {"smtpd_recipient_restrictions": f"{EXEMPT}, reject_unauth_destination, {endpoint}",
                "smtpd_data_restrictions": f"{EXEMPT}, {endpoint}"}

    def write_main(self, values):
        base = {"compatibility_level": "3.6", "queue_directory": self.queue, "myhostname": "mx.example.net",
                "smtpd_tls_security_level": "may", "smtpd_tls_ask_ccert": "yes", "smtpd_tls_cert_file": "/x.pem",
                "smtpd_relay_restrictions": f"{EXEMPT}, defer_unauth_destination"}
        (self.conf / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in {**base, **values}.items()))

    def check(self, *options):
        return checking.check(self.lab, self.config, self.conf, *options)


SUBMISSION = f"permit_sasl_authenticated, {check('unix:danegate/policy', 'submission')}, reject"
OWN = {"smtpd_recipient_restrictions": "", "smtpd_data_restrictions": ""}
SHORT = "{ unix:danegate/milter, command_timeout=5s, content_timeout=5s }"
BARE = "check_policy_service { unix:danegate/policy, policy_context=smtp, "


def policy(options):
    line = f"{BARE}{options} }}"
    return {"smtpd_recipient_restrictions": f"{EXEMPT}, reject_unauth_destination, {line}",
            "smtpd_data_restrictions": f"{EXEMPT}, {line}"}


# id -> what makes it: changes to main.cf, a submission entry of master.cf, danegate's tables
MISTAKES = {
    "postfix-md5": {"main": {"compatibility_level": "2"}},
    "postfix-digest": {"main": {"smtpd_tls_fingerprint_digest": "sha3-256"}},
    "postfix-no-ccert": {"main": {"smtpd_tls_ask_ccert": "no"}},
    "postfix-req-ccert": {"main": {"smtpd_tls_req_ccert": "yes"}},
    "postfix-no-tls": {"main": {"smtpd_tls_security_level": ""}},
    "service-not-asked": {"rule": RULES, "entry": {**OWN, "smtpd_relay_restrictions": "reject"}},
    "check-unreached": {"rule": RULES, "entry": {
        **OWN, "smtpd_relay_restrictions": f"reject, {check('unix:danegate/policy', 'submission')}"}},
    "context-unknown": {"main": {"smtpd_data_restrictions": f"{EXEMPT}, {check('unix:danegate/policy', 'smpt')}"}},
    "socket-mismatch": {"main": {"smtpd_data_restrictions": f"{EXEMPT}, {check('unix:private/danegate', 'smtp')}"}},
    "socket-access": {"policy": {"socket-group": "mail"}},
    "permit-no-relay": {"rule": RULES, "entry": {
        "smtpd_data_restrictions": check("unix:danegate/policy", "submission"),
        "smtpd_recipient_restrictions": check("unix:danegate/policy", "submission")}},
    "permit-on-mx": {"rule": [{**RULES[1], "services": []}], "main": {
        "smtpd_relay_restrictions": f"{check('unix:danegate/policy', 'smtp')}, reject_unauth_destination",
        "smtpd_recipient_restrictions": ""}, "entry": {**OWN, "smtpd_relay_restrictions": SUBMISSION}},
    "default-permits": {"rule": RULES, "entry": {**OWN, "smtpd_relay_restrictions": SUBMISSION.replace(DEFER, "OK")}},
    "xclient": {"rule": RULES, "main": {"smtpd_authorized_xclient_hosts": "192.0.2.1"},
                "entry": {**OWN, "smtpd_relay_restrictions": SUBMISSION}},
    "data-not-asked": {"main": {"smtpd_data_restrictions": ""}},
    "data-exemptions": {"main": {"smtpd_data_restrictions": check("unix:danegate/policy", "smtp")}},
    "policy-timeout": {"main": policy("timeout=5s")},
    "default-lax": {"main": policy("default_action=DUNNO")},
    "policy-idle": {"policy": {"idle-timeout": "60s"}},
    "policy-try-limit": {"main": policy("try_limit=1")},
    "policy-request-limit": {"main": policy("request_limit=1")},
    "milter-not-asked": {"rule": [FROM, RULES[0]], "milter": {}},
    "milter-no-evidence": {"rule": [FROM, RULES[0]], "milter": {}, "main": {"smtpd_milters": "unix:danegate/milter"},
                           "entry": OWN},
    "milter-timeout": {"milter": {}, "main": {"smtpd_milters": SHORT}},
    "milter-default": {"rule": [FROM, RULES[0]], "milter": {},
                       "main": {"smtpd_milters": "{ unix:danegate/milter, default_action=accept }"}},
}


def mistaken(bench, name):
    tables = dict(MISTAKES[name])
    site = Site(bench, tables.pop("main", None), tables.pop("entry", None), **{k: v for k, v in tables.items()
                                                                                if k != "milter"})
    if "milter" in tables:
        with open(site.config, "a", encoding="utf-8") as config:
            config.write(f'\n[milter]\nlisten = "unix:{site.queue}/danegate/milter"\nsocket-group = "postfix"\n')
    return site


@pytest.mark.parametrize("name", MISTAKES)
def test_found_and_mended(bench, name):
    """Found once set up; after each fix that is offered, applied to the letter, there is nothing left to find."""
    site = mistaken(bench, name)
    first = site.check()
    assert name in [each["id"] for each in first.report["findings"]], first.report
    for _ in range(5):  # one mistake may have several places
        mendable = [each["fixes"] for each in site.check().report["findings"] if each["fixes"]]
        if not mendable:
            break
        checking.apply(mendable[0])
    assert site.check().report["findings"] == []


def test_outside_the_chroot(bench):
    """A path that is right outside names another file in there."""
    site = Site(bench, chroot="y")
    assert not site.check().ids
    absolute = check(f"unix:{site.queue}/danegate/policy", "smtp")
    site.write_main({**site.partner(), "smtpd_data_restrictions": f"{EXEMPT}, {absolute}"})
    finding = site.check().one("socket-mismatch")
    assert f"{site.queue}{site.queue}/danegate/policy" in finding["message"] and "chroot" in finding["message"]
    checking.apply(finding["fixes"])
    assert not site.check().ids


def test_no_folder(bench):
    site = Site(bench, server={"user": "nobody"})
    (site.queue / "danegate").rmdir()
    checking.apply(site.check().one("socket-folder")["fixes"])
    assert (site.queue / "danegate").stat().st_mode & 0o777 == 0o750
    assert not site.check().ids


def test_nobody_asks(bench):
    site = Site(bench, {"smtpd_recipient_restrictions": "", "smtpd_data_restrictions": ""})
    assert site.check().ids == ["not-asked"]


@pytest.mark.parametrize("form", ["form A", "form B", "monitor"])
def test_shipped_lines_are_quiet(lab, bench, form):
    """conf/ as it stands, in a chroot as Debian has it, with the sample's rules in force: nothing to say."""
    site = Site(bench, milter={})
    first, second = partner_forms(bench.place())
    forms = {"form A": first, "form B": second, "monitor": parameters((CONF / "postfix-monitor.cf").read_text())}
    milter = parameters((CONF / "postfix-milter.cf").read_text()) if form == "form A" else {}
    site.write_main({**forms[form], **milter})
    entries = uncommented((CONF / "postfix-submission.cf").read_text(), "  -o")
    if milter:  # as its head says
        entries = entries.replace("  -o syslog_name", "  -o smtpd_milters=\n  -o syslog_name")
    (site.conf / "master.cf").write_text(f"smtp inet n - y - - smtpd\n{entries}")
    rules = sample_rules("# 1. A business partner", None if milter else "# 3. The From")
    relay = '[[service]]\nname = "relay"\nnames = ["_smtp-client.{helo}"]\n' \
            '[[rule]]\nname = "branches"\nservices = ["relay"]\nidentities = ["*.branch.example"]\non-pass = "permit"\n'
    config = lab.config(policy={"listen": [f"unix:{site.queue}/danegate/policy"]}, service=[
        *SERVICES[:1], {"name": "submission", "ports": [465, 587], "names": [
            "_submission-client.{subject}", "{sender.hash}._submission-client.{sender.domain}"]}])
    if milter:
        config += f'\n[milter]\nlisten = "unix:{site.queue}/danegate/milter"\nsocket-group = "postfix"\n'
    if form == "monitor":
        rules = rules.replace("[[rule]]\n", '[[rule]]\nmode = "monitor"\n')
    site.config.write_text(config + relay + rules)
    report = site.check()
    assert report.report["findings"] == [] and report.status == 0


# name -> the finding of --live, or None
LIVE = {
    "mta1.ee-spki-sha256.records.example": None,
    "mta1.dane-ta.records.example": "identity-unusable",
    "mta1.absent.nsec.example": "identity-no-record",
    "mta1.unsigned.example": "identity-insecure",
    "mta1.broken.example": "identity-bogus",
    "mta1.servfail.example": "identity-unresolved",
    "*.unsigned.example": "domain-insecure",
    "*.acme.example": None,
}


def test_live(lab, bench):
    """Every identity is asked for; an identity file of thousands is sampled, and the report says so."""
    names = bench.place() / "names"
    names.write_text("".join(f"h{number}.partner.example\n" for number in range(1200)))
    site = Site(bench, rule=[{**RULES[0], "identities": [name], "senders": [f"s{number}.example"], "name": f"r{number}"}
                             for number, name in enumerate(LIVE)])
    report = site.check("--live")
    found = {each["message"].split('"')[1]: each["id"] for each in report.findings}
    assert found == {f"r{number}": expected for number, expected in enumerate(LIVE.values()) if expected}
    assert report.status == 0 and report.report["live"] == {"names": len(LIVE), "identities": len(LIVE)}
    site = Site(bench, rule=[{"name": "file", "services": ["smtp"], "identity-files": [str(names)]}])
    report = site.check("--live")
    assert report.one("identities-sampled")["message"].endswith("600 of 1200 identities were looked up")
    assert report.ids == ["identity-no-record"] * 600


def test_live_without_a_network(lab, bench):
    """The resolver is broken: exit status 75, one finding, and no flood of names that could not be asked."""
    with lab.internet.cut_off():
        report = Site(bench, rule=[{**RULES[0], "identities": list(LIVE)}]).check("--live")
    assert report.ids == ["resolver-network"] and report.status == 75


class Mended:
    """A running Postfix with a mistake, danegated beside it, and `danegate check` between them."""

    def __init__(self, bench, listeners, main=None, daemon=True, inside=False):
        self.lab = bench.lab
        queue = bench.place() / "queue"
        queue.mkdir()
        folder = bench.owned(queue / "danegate") if inside else None
        self.daemon = bench.daemon(folder=folder, service=SERVICES, rule=RULES[:1] if inside else RULES)
        if daemon:
            bench.run(self.daemon)
        ask = check(self.daemon.endpoint, "smtp")
        partner = {"smtpd_recipient_restrictions": f"{EXEMPT}, reject_unauth_destination, {ask}",
                   "smtpd_data_restrictions": f"{EXEMPT}, {ask}"}
        self.postfix = bench.postfix(*listeners(self), **{**({"queue_directory": queue} if inside else {}), **partner,
                                                          **(main(self) if main else {})})

    def check(self):
        return checking.check(self.lab, self.daemon.config, self.postfix.conf)

    def mend(self, name):
        """Applies the fixes of the finding of that name, wherever it stands; it is gone then."""
        for _ in range(self.check().ids.count(name)):
            checking.apply(self.check().one(name)["fixes"])
        assert name not in self.check().ids
        self.postfix.reload()


def on_25(_):
    return [Listener("127.0.0.1", 25)]


def on_587(**lists):
    return lambda site: [Listener("127.0.0.1", 25), Listener("127.0.0.1", 587, {
        name.replace("_list", "_restrictions"): value(site) for name, value in lists.items()})]


def asks(site, action=DEFER):
    return check(site.daemon.endpoint, "submission", action)


def talk(site, port, key, helo, sender, recipient, tls="starttls"):
    """Every reply of one message as text, in the order in which it came; "hung up" where the server did."""
    try:
        with SocketClient("127.0.0.1", port, helo, tls, key and getattr(site.lab.keys, key)) as client:
            outcome = client.send(f"{sender}", recipient)
            replies = [outcome.mail, *outcome.rcpt, outcome.data, outcome.end]
            return " | ".join(str(reply) for reply in replies if reply)
    except (AssertionError, OSError):
        return "hung up"


def partner(site):
    """Does acme's server get through with its key? The reason, where danegate said one."""
    token = f"{site.lab.token()}@acme.example"
    replies = talk(site, 25, "self_signed", PARTNER, token, "b@example.net")
    if "[ref " not in replies and "queued" not in replies:
        return replies
    return wait_until(lambda: site.daemon.find(event="verdict", sender=token), "the verdict")[0]["reason"]


def relays(site, key="self_signed"):
    """Does a branch office reach the world through submission?"""
    return "queued" in talk(site, 587, key, OFFICE, f"{site.lab.token()}@branch.example", FOREIGN)


def postmaster(site):
    """Does an impostor reach the bare postmaster in acme's name?"""
    return "queued" in talk(site, 25, "other", PARTNER, f"{site.lab.token()}@acme.example", "postmaster")


def own_client(site):
    """Does a client of mynetworks send in acme's name?"""
    return "queued" in talk(site, 25, None, "pc", f"{site.lab.token()}@acme.example", "b@example.net")


def speaks_for_others(site):
    with SocketClient("127.0.0.1", 587, OFFICE) as client:
        return client.command("XCLIENT ADDR=192.0.2.77").code


# id -> main.cf, listeners, what is seen before and after
EFFECTS = {
    "postfix-md5": (lambda _: {"smtpd_tls_fingerprint_digest": "md5"}, on_25, partner, "weak-digest", "match"),
    "postfix-no-ccert": (lambda _: {"smtpd_tls_ask_ccert": "no"}, on_25, partner, "no-certificate", "match"),
    "postfix-no-tls": (lambda _: {"smtpd_tls_security_level": "none"}, on_25, partner, "hung up", "match"),
    "postfix-req-ccert": (lambda _: {"smtpd_tls_req_ccert": "yes", "smtpd_tls_security_level": "encrypt"}, on_25,
                          partner, "hung up", "match"),
    "service-not-asked": (None, on_587(smtpd_relay_list=lambda _: "permit_sasl_authenticated, reject"), relays,
                          False, True),
    "check-unreached": (None, on_587(smtpd_relay_list=lambda site: f"reject, {asks(site)}",
                                     smtpd_recipient_list=lambda _: ""), relays, False, True),
    "permit-no-relay": (None, on_587(smtpd_recipient_list=asks, smtpd_data_list=asks), relays, False, True),
    "data-not-asked": (lambda _: {"smtpd_data_restrictions": ""}, on_25, postmaster, True, False),
    "data-exemptions": (lambda site: {"mynetworks": "127.0.0.0/8",
                                      "smtpd_data_restrictions": check(site.daemon.endpoint, "smtp")},
                        on_25, own_client, False, True),
    "xclient": (lambda _: {"smtpd_authorized_xclient_hosts": "127.0.0.1"},
                on_587(smtpd_relay_list=lambda site: f"{asks(site)}, reject", smtpd_recipient_list=lambda _: ""),
                speaks_for_others, 220, 550),
}


@pytest.mark.parametrize("name", EFFECTS)
def test_effect(bench, name):
    """What the mistake does to real mail, and that it no longer does after the fix."""
    main, listeners, effect, before, after = EFFECTS[name]
    site = Mended(bench, listeners, main)
    assert effect(site) == before
    site.mend(name)
    assert effect(site) == after
    site.daemon.forgive("weak-digest")


def impostor(site):
    """Does another key get through in acme's name?"""
    return "queued" in talk(site, 25, "other", PARTNER, f"{site.lab.token()}@acme.example", "b@example.net")


def anybody_relays(site):
    return relays(site, None)


# id -> default_action, where the check stands, what goes through while danegate is down
OUTAGES = {
    "default-lax": (lambda site: {"smtpd_recipient_restrictions": "reject_unauth_destination, "
                                  + check(site.daemon.endpoint, "smtp", "DUNNO"), "smtpd_data_restrictions": ""},
                    on_25, impostor),
    "default-permits": (None, on_587(smtpd_relay_list=lambda site: f"{asks(site, 'OK')}, reject",
                                     smtpd_recipient_list=lambda _: "", smtpd_data_list=lambda _: ""), anybody_relays),
}


@pytest.mark.parametrize("name", OUTAGES)
def test_effect_of_an_outage(bench, name):
    """While danegate is down, DUNNO lets an impostor's mail in and OK lets anybody relay; mended, both are deferred."""
    main, listeners, effect = OUTAGES[name]
    site = Mended(bench, listeners, main, daemon=False)
    site.postfix.tolerated = NO_SOCKET
    assert effect(site)
    site.mend(name)
    assert not effect(site)


def test_effect_of_a_path_in_a_chroot(bench):
    """A path that is right outside the chroot: Postfix defers everything; the relative one works."""
    site = Mended(bench, lambda _: [Entry("127.0.0.1:25 inet n - y - - smtpd\n")], inside=True)
    site.postfix.tolerated = NO_SOCKET
    assert "451 4.3.5" in partner(site)
    site.mend("socket-mismatch")
    assert partner(site) == "match"
