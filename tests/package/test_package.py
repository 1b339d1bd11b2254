"""The package in machines where systemd is process 1: installed, used, upgraded, removed, purged.

The tests of a machine are steps, in order: each goes on where the one before ended. A release whose earlier step failed
fails in the later ones, too.
"""

import re
import socket
import subprocess

import pytest

from machine import wait_until

APT = ("apt-get -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "
       "-o Dpkg::Options::=--force-unsafe-io --no-install-recommends -y install ")
WITH_LIBRARIES = "-o APT::AutoRemove::RecommendsImportant=0 -o APT::AutoRemove::SuggestsImportant=0 -y --auto-remove"
POLICY = "/var/spool/postfix/danegate/policy"
REQUEST = ("request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nhelo_name=mta.example\n"
           "sender=a@example.org\nrecipient=b@example.net\nclient_address=192.0.2.1\nclient_name=unknown\n"
           "policy_context=smtp\n\n")


@pytest.fixture(scope="module")
def before(site):
    """What was there before the package."""
    return site.files(), site.accounts()


@pytest.fixture(scope="module")
def bare_before(bare):
    return bare.files(), bare.accounts()


def ask(machine):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(15)
        client.connect(str(machine.path(POLICY)))
        client.sendall(REQUEST.encode())
        return client.recv(4096).decode()


def main_pid(machine):
    pid = machine.run("systemctl", "show", "--property", "MainPID", "--value", "danegated").strip()
    assert pid != "0", "the service does not run"
    return pid


def log(machine):
    return machine.run("journalctl", "--no-pager", "--unit", "danegated", "--output", "cat")


def owner(machine, path):
    return machine.run("stat", "--format", "%U:%G %a", path).strip()


def assert_gone(machine, was):
    files, accounts = was
    assert machine.files() - files == set()
    assert files - machine.files() == set()
    assert machine.accounts() == accounts


def test_installs_and_runs(site, before, older):
    """Beside a Postfix: the service runs with the configuration as it is shipped, and tags."""
    site.sh(APT + older)
    assert site.run("systemctl", "is-active", "danegated").strip() == "active"
    assert site.run("systemctl", "is-enabled", "danegated").strip() == "enabled"
    assert site.run("systemctl", "is-enabled", "danegated.socket", status=None).strip() == "disabled"
    assert ask(site) == "action=DUNNO\n\n"
    assert owner(site, "/var/spool/postfix/danegate") == "_danegate:postfix 2710"
    assert owner(site, POLICY) == "_danegate:postfix 660"
    assert owner(site, "/etc/danegate/danegate.toml") == "root:root 644"
    # The machine has no network, and says so; there is nothing else to complain of.
    complaints = [line for line in log(site).splitlines() if "level=warning" in line or "level=error" in line]
    assert [line for line in complaints if "event=self-test" not in line] == []


def test_check_is_content(site):
    assert "error" not in site.run("danegate", "check")


def test_units(site, release):
    """Nothing to complain of, the manual pages that they name are there, and the exposure is under 2.0."""
    units = "/lib/systemd/system/danegated.service", "/lib/systemd/system/danegated.socket"
    assert site.run("systemd-analyze", "verify", *units).strip() == ""
    exposure = site.run("systemd-analyze", "security", "--offline=true", "--threshold=20", units[0])
    print(f"{release}: {exposure.splitlines()[-1]}")


def test_confinement(site):
    """What the kernel says of the running process: no privilege, no way to one, and no group of Postfix's."""
    status = dict(line.split(":", 1) for line in site.run("cat", f"/proc/{main_pid(site)}/status").splitlines())
    uid, gid = site.run("id", "--user", "_danegate").strip(), site.run("id", "--group", "_danegate").strip()
    assert status["Uid"].split() == [uid] * 4
    assert status["Gid"].split() == [gid] * 4
    assert set(status["Groups"].split()) <= {gid}
    assert {status[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"
    limit = site.sh(f"grep 'Max open files' /proc/{main_pid(site)}/limits").split()
    assert limit[3:5] == ["16384", "16384"]


def test_postfix_in_its_chroot(site):
    """The script of the package's autopkgtest: both sockets are reached from there."""
    site.run("/src/packaging/debian/tests/postfix-in-chroot")


def test_postfix_was_asked(site):
    """Under the sandbox, too, danegated could ask postconf: senders without a domain are in Postfix's."""
    site.sh("postconf -e myorigin=origin.example; systemctl restart danegated")
    # Exit status: Debian 13's Postfix has no certificate by default, and check says so once danegate is asked.
    assert "origin.example" in site.run("danegate", "check", "--print-config", status=None)
    wait_until(lambda: ask(site).startswith("action="), "an answer")
    site.sh("install -d /etc/danegate/conf.d; printf '[[rule]]\\nname = \"o\"\\nsenders = [\"origin.example\"]\\n"
            "on-none = \"reject\"\\n' >/etc/danegate/conf.d/20-origin.toml; systemctl restart danegated")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(site.path(POLICY)))
        client.sendall(REQUEST.replace("a@example.org", "someone").encode())
        assert client.recv(4096).startswith(b"action=550 ")
    site.sh("rm /etc/danegate/conf.d/20-origin.toml; systemctl restart danegated")


def test_logcheck(site):
    """Its rules let through what needs a look, and nothing of the daily business."""
    lines = site.run("journalctl", "--no-pager", "--output", "short", "_COMM=danegated").splitlines()
    business = [line for line in lines if "level=info" in line]
    rules = site.path("/etc/logcheck/ignore.d.server/danegate").read_text().splitlines()
    left = subprocess.run(["grep", "-E", "--invert-match", *(word for rule in rules for word in ("-e", rule))],
                          input="\n".join(lines), stdout=subprocess.PIPE, text=True, check=False).stdout.splitlines()
    assert any("event=verdict" in line for line in business) and left
    assert left == [line for line in lines if line not in business]


def test_reload(site):
    """Takes a new configuration; a wrong one changes nothing, and the service stays."""
    pid = main_pid(site)
    site.sh("echo '# nothing new' >/etc/danegate/conf.d/30-more.toml; systemctl reload danegated")
    wait_until(lambda: "event=reloaded" in log(site), "the reload")
    site.sh("echo '[nonsense' >/etc/danegate/conf.d/30-more.toml; systemctl reload danegated")
    wait_until(lambda: "event=reload-failed" in log(site), "the failed reload")
    site.sh("rm /etc/danegate/conf.d/30-more.toml")
    assert main_pid(site) == pid
    assert ask(site) == "action=DUNNO\n\n"


def test_wrong_configuration_ends_it(site):
    """No restart in circles: the exit code says that it would not help."""
    site.sh("echo '[nonsense' >/etc/danegate/conf.d/30-more.toml")
    site.run("systemctl", "restart", "danegated", status=1)
    assert site.run("systemctl", "show", "--property", "NRestarts", "--value", "danegated").strip() == "0"
    assert site.run("systemctl", "is-active", "danegated", status=3).strip() == "failed"
    site.sh("rm /etc/danegate/conf.d/30-more.toml; systemctl restart danegated")


def test_killed_is_started_again(site):
    pid = main_pid(site)
    site.run("kill", "-KILL", pid)

    def started_again():
        restarts = site.run("systemctl", "show", "--property", "NRestarts", "--value", "danegated").strip()
        return restarts == "1" and site.run("systemctl", "is-active", "danegated", status=None).strip() == "active"

    wait_until(started_again, "the restart")
    assert main_pid(site) != pid
    assert ask(site) == "action=DUNNO\n\n"


def test_socket_unit(site):
    """With it, systemd opens the policy socket, and a request during a restart waits."""
    site.sh("systemctl stop danegated; systemctl enable --now danegated.socket; systemctl start danegated")
    assert owner(site, POLICY) == "_danegate:postfix 660"
    assert ask(site) == "action=DUNNO\n\n"
    site.sh("systemctl stop danegated")  # it starts when asked
    assert ask(site) == "action=DUNNO\n\n"
    site.sh("systemctl disable --now danegated.socket; systemctl restart danegated")
    assert ask(site) == "action=DUNNO\n\n"


def test_upgrade(site, package):
    """The administrator's configuration stays, the service runs on."""
    site.sh("echo '# by the administrator' >>/etc/danegate/danegate.toml")
    pid = main_pid(site)
    site.sh(APT + package)
    sample = site.run("cat", "/etc/danegate/danegate.toml")
    assert sample.endswith("# by the administrator\n")
    assert main_pid(site) != pid
    assert ask(site) == "action=DUNNO\n\n"
    assert owner(site, "/var/spool/postfix/danegate") == "_danegate:postfix 2710"
    assert "ii  danegate" in site.run("dpkg", "--list", "danegate")


def test_folder_of_the_administrator(site, package):
    """Who gave the folder another mode and group by dpkg-statoverride keeps them, and says so to danegated as well."""
    more = "/etc/danegate/conf.d/40-group.toml"
    site.sh("dpkg-statoverride --update --add _danegate mail 2750 /var/spool/postfix/danegate; printf "
            f"'[policy]\\nsocket-group = \"mail\"\\n[milter]\\nsocket-group = \"mail\"\\n' >{more}")
    site.sh(APT + "--reinstall " + package)
    assert owner(site, "/var/spool/postfix/danegate") == "_danegate:mail 2750"
    assert owner(site, POLICY) == "_danegate:mail 660"
    assert ask(site) == "action=DUNNO\n\n"
    site.sh(f"rm {more}; dpkg-statoverride --remove /var/spool/postfix/danegate; systemctl stop danegated; "
            "rm -rf /var/spool/postfix/danegate; systemd-tmpfiles --create danegate.conf; "
            "chgrp postfix /var/spool/postfix/danegate; systemctl start danegated")
    assert owner(site, POLICY) == "_danegate:postfix 660"
    assert ask(site) == "action=DUNNO\n\n"


def test_remove_and_purge(site, before):
    """Removing keeps the configuration; purging leaves no file, folder, user or group."""
    site.sh("apt-get remove -y danegate")
    assert "by the administrator" in site.run("cat", "/etc/danegate/danegate.toml")
    assert not site.path("/usr/sbin/danegated").exists()
    assert site.run("systemctl", "is-active", "danegated", status=None).strip() == "inactive", log(site)[-6000:]
    site.sh(f"apt-get {WITH_LIBRARIES} purge danegate")
    files, accounts = before
    postfix = "/var/spool/postfix/", "/var/lib/postfix/"  # it has written there since
    assert {name for name in site.files() - files if not name.startswith(postfix)} == set()
    assert "danegate" not in site.sh("find /var/spool/postfix /var/lib/postfix")
    assert files - site.files() == set()
    assert site.accounts() == accounts


def test_without_a_mail_server(bare, bare_before, package):
    """It runs where no Postfix is; the socket is then its own."""
    bare.sh(APT + package)
    assert bare.run("systemctl", "is-active", "danegated").strip() == "active"
    assert ask(bare) == "action=DUNNO\n\n"
    assert owner(bare, "/var/spool/postfix/danegate") == "_danegate:_danegate 2710"
    assert re.search("event=config-warning .*no group postfix", log(bare))
    bare.sh(f"apt-get {WITH_LIBRARIES} purge danegate")
    assert_gone(bare, bare_before)


def test_postfix_comes_later(bare, package):
    """Then its group gets the sockets without anybody's doing. Purging it takes the folder, a start makes it anew."""
    bare.sh(APT + package)
    bare.sh(APT + "postfix")
    assert owner(bare, "/var/spool/postfix/danegate") == "_danegate:postfix 2710"
    wait_until(lambda: owner(bare, POLICY) == "_danegate:postfix 660", "the socket to be Postfix's")
    assert ask(bare) == "action=DUNNO\n\n"
    bare.sh("postfix check")
    bare.sh("apt-get purge -y postfix; systemctl restart danegated")
    group = "postfix" if "postfix:" in bare.path("/etc/group").read_text() else "_danegate"  # 13 leaves it, 12 does not
    assert owner(bare, "/var/spool/postfix/danegate") == f"_danegate:{group} 2710"
    assert ask(bare) == "action=DUNNO\n\n"
