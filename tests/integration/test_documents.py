"""Every command of README.md and of man/danegate-guide.7 is run as it stands, on a Debian host of its own, and the
guide's steps have the effect that they promise, on real SMTP."""

import re

import pytest

from lab import logfmt
from lab.documents import ROOT, page_blocks, readme_blocks
from lab.machine import Machine
from lab.procs import run, wait_until
from lab.smtp import SocketClient

LOG = "danegated.log"
PARTNER_ADDRESS = "198.51.100.40"
NAME, OWNER = "mta1.acme.example", "_smtp-client.mta1.acme.example"
# Blocks that another tier of tests/run stands for: what such a block contains -> the tier.
ELSEWHERE = {"packaging/quickstart": "quickstart", "tests/run": "integration", "packaging/build-deb": "package"}
CONFIGURATION = """\
[dns]
trust-anchor-files = ["{anchor}"]
stub-zones = [{{ zone = ".", servers = ["127.0.0.1@53"] }}]
timeout = "2s"
min-ttl = "1s"
negative-max-ttl = "1s"
"""


def records_in(text):
    """TLSA data that somebody is told to publish for OWNER."""
    return re.findall(rf"(?m)^{OWNER}\.(?: \d+)? IN TLSA (3 1 1 [0-9a-f]{{64}})$", text)


def publish(lab, *data):
    lab.internet.publish(lab.zone("acme.example").tlsa(OWNER, *data, ttl=1))


def tier_of(block):
    return next((tier for text, tier in ELSEWHERE.items() if text in block.text), None)


def verdicts(machine, **fields):
    lines = [logfmt.parse(line) for line in machine.read(LOG).splitlines() if " event=verdict " in line]
    return [line for line in lines if all(line.get(key) == value for key, value in fields.items())]


def count_events(machine, event):
    return machine.read(LOG).count(f" event={event} ")


def run_block(lab, machine, block):
    """Runs it; a daemon is started and waited for, and what it says to publish is published, besides what is there."""
    if block.text.strip() == "danegated":
        machine.begin("danegated", LOG)
        wait_until(lambda: count_events(machine, "started"), "danegated to start", timeout=30)
        return ""
    output = machine.type(block.text)
    if records := records_in(output):
        publish(lab, lab.keys.self_signed.tlsa(3, 1, 1), *records)
    return output


def checkout(machine, lab):
    """The folder in which README's commands are typed, after packaging/quickstart."""
    for name in ("conf", "packaging", "tests"):
        (machine.work / name).symlink_to(ROOT / name)
    (machine.work / "build").mkdir()
    (machine.work / "build" / "quickstart").symlink_to(lab.bin_dir)
    (machine.work / "cert.pem").write_bytes(lab.keys.self_signed.certificate.read_bytes())


@pytest.fixture(scope="module")
def acme(lab):
    """acme.example's records as they were, in the end."""
    zone = lab.zone("acme.example")
    before = zone.records[OWNER, "TLSA"]
    yield zone
    zone.records[OWNER, "TLSA"] = before
    lab.internet.publish(zone)


@pytest.fixture(scope="module")
def printed(lab, module_bench, acme):
    """The receiving host, on which all that README says was typed: what each block printed, by its first line."""
    machine = Machine(module_bench.folder / "mx", "mx.example.net")
    checkout(machine, lab)
    machine.write("/etc/danegate/conf.d/lab.toml", CONFIGURATION.format(anchor=lab.internet.anchor))
    machine.write("/etc/postfix/mx.pem", lab.keys.server.certificate.read_text())
    machine.write("/etc/postfix/mx.key", lab.keys.server.key.read_text())
    machine.start_postfix(mydestination="example.net", mynetworks="127.0.0.66/32",
                          smtpd_tls_cert_file="/etc/postfix/mx.pem", smtpd_tls_key_file="/etc/postfix/mx.key",
                          **{"smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination"})
    outputs = {block.name: run_block(lab, machine, block) for block in readme_blocks() if not tier_of(block)}
    yield machine, outputs
    machine.stop()


@pytest.fixture
def mx(printed):
    return printed[0]


def test_readme(lab, printed):
    """Every block was run, here or by the tier that stands for it; what they print is what README says."""
    _, outputs = printed
    tiers = (ROOT / "tests" / "support" / "tiers.sh").read_text()
    for block in readme_blocks():
        if tier := tier_of(block):
            assert f"tier_{tier.replace('-', '_')}()" in tiers
            lab.report.append(f"README.md: {block.name}: run by the tier {tier}")
        else:
            assert block.name in outputs
    assert len(outputs) > 3
    assert lab.keys.self_signed.tlsa(3, 1, 1) in "".join(outputs.values()), "a record of cert.pem is printed"


def test_installed(mx):
    """What `cmake --install` put there: programs, pages that man finds, the samples that the pages name."""
    for page in ("danegated.8", "danegate.1", "danegate.toml.5", "danegate-guide.7", "danegate-dance.7"):
        name, section = page.rsplit(".", 1)
        assert f"/usr/local/share/man/man{section}/{page}" in mx.type(f"man --path {section} {name}")
    for sample in ("danegate.toml", "postfix-monitor.cf", "sendmail.mc", "exim.conf"):
        assert mx.type(f"cat /usr/share/doc/danegate/examples/{sample}") == (ROOT / "conf" / sample).read_text()


class Guide:
    """The guide's steps, taken one after the other."""

    def __init__(self, lab, mx, partner):
        self.lab, self.mx, self.partner = lab, mx, partner
        self._blocks = page_blocks("danegate-guide.7")

    def take(self, *kinds):
        """The next blocks, which have to be of these kinds; returns what the last one printed."""
        output = ""
        for kind in kinds:
            block = self._blocks.pop(0)
            assert block.kind == kind, block
            output = getattr(self, "_" + kind.replace(".", "_"))(block)
        return output

    def over(self):
        return not self._blocks

    def _sh(self, block):
        reloads = "danegate reload" in block.text
        before = count_events(self.mx, "reloaded")
        output = self.mx.type(block.text)
        if reloads:
            wait_until(lambda: count_events(self.mx, "reloaded") > before, "the reload")
        return output

    def _partner(self, block):
        """The partner does what the command says: publishes what is to be published, and sets main.cf."""
        output = self.partner.type(block.text)
        if lines := re.findall(r"(?m)^smtp\w* = .*$", output):
            self.partner.set_main_cf("\n".join(lines))
            self.partner.type("postfix stop && postfix start")
        if records := records_in(output):
            publish(self.lab, *records)
        return output

    def _main_cf(self, block):
        self.mx.set_main_cf(block.text)

    def _danegate_toml(self, block):
        self.mx.write("/etc/danegate/danegate.toml", "\n" + block.text, "a")

    def impostor(self):
        """Another key, the partner's name: the reply, and the verdict."""
        sender = f"{self.lab.token()}@acme.example"
        with SocketClient("127.0.0.1", 25, "mta1.acme.example", "starttls", self.lab.keys.other) as client:
            reply = client.send(sender, "b@example.net", data=False).rcpt[0]
        line, = wait_until(lambda: verdicts(self.mx, sender=sender, rule="partner"), "the verdict")
        return reply.code, line["mode"], line["action"], line["reason"]

    def await_record(self, record):
        """What "wait for two TTLs" is for: our daemon knows it."""
        digest = record.split()[-1]
        wait_until(lambda: digest in self.mx.type(f"danegate cache {OWNER} --json").lower(), "the next record", 30)

    def send_as_partner(self):
        """The partner's Postfix delivers to ours: what the log of ours says."""
        sender = f"{self.lab.token()}@acme.example"
        self.partner.type(f"printf 'Subject: x\\n\\nx\\n' | sendmail -f {sender} b@example.net")
        line = wait_until(lambda: verdicts(self.mx, sender=sender, rule="partner", state="RCPT"), "the verdict", 30)[0]
        wait_until(lambda: re.search(f"from=<{sender}>.*(?s:.)*status=sent", self.partner.read("var/spool/mail.log")),
                   "the delivery", 30)
        return line["mode"], line["result"]


@pytest.fixture
def guide(lab, bench, mx, acme):
    """Before the guide: the partner has no record, and its Postfix no certificate."""
    publish(lab)
    partner = Machine(bench.folder / "mta1", NAME)
    checkout(partner, lab)
    partner.type("cmake --install build/quickstart")
    partner.write("/etc/danegate/danegate.toml", CONFIGURATION.format(anchor=lab.internet.anchor))
    run("ip", "address", "add", PARTNER_ADDRESS, "dev", "lo")
    partner.start_postfix(PARTNER_ADDRESS, serves=False, relayhost="[127.0.0.1]", mydestination="")
    yield Guide(lab, mx, partner)
    partner.stop()
    run("ip", "address", "del", f"{PARTNER_ADDRESS}/32", "dev", "lo")


def test_guide(lab, guide):
    assert guide.take("sh") == ""  # nothing is wrong
    guide.take("main.cf", "sh", "danegate.toml", "sh")
    assert guide.impostor() == (250, "monitor", "defer", "no-record")
    assert len(records_in(guide.take("partner"))) == 1
    guide.take("sh")
    wait_until(lambda: guide.impostor()[3] == "mismatch", "the record to be seen", 20)
    assert guide.impostor() == (250, "monitor", "reject", "mismatch")
    assert guide.send_as_partner() == ("monitor", "pass")
    guide.take("sh")
    assert guide.impostor() == (550, "enforce", "reject", "mismatch")
    guide.take("main.cf", "sh")
    assert guide.impostor() == (550, "enforce", "reject", "mismatch")
    assert guide.send_as_partner() == ("enforce", "pass")
    guide.take("sh")
    assert guide.impostor() == (250, "monitor", "reject", "mismatch")
    both = records_in(guide.take("partner"))
    assert len(set(both)) == 2
    assert guide.send_as_partner() == ("monitor", "pass")
    guide.await_record(both[1])
    guide.take("partner")
    assert guide.send_as_partner() == ("monitor", "pass")
    publish(lab, both[1])  # the old one is removed
    wait_until(lambda: guide.send_as_partner() == ("monitor", "pass"), "mail with the next key", 20)
    assert guide.over()
