"""The package as a file: what is in it, and what Debian's checkers say."""

import re
from pathlib import Path

from machine import in_tree

SOURCE = Path(__file__).parents[2]

FILES = """
/etc/apparmor.d/usr.sbin.danegated
/etc/danegate/conf.d/
/etc/danegate/danegate.toml
/usr/bin/danegate
/usr/sbin/danegated
/usr/lib/sysusers.d/danegate.conf
/usr/lib/tmpfiles.d/danegate.conf
/etc/logcheck/ignore.d.server/danegate
/usr/share/doc/danegate/NEWS.md
/usr/share/doc/danegate/THREATS.md
""".split()


def installed_by(source):
    """Where a file of the source belongs in the package, if it does."""
    folder, name = source.parent.name, source.name
    if folder == "man":
        return f"/usr/share/man/man{name[-1]}/{name}.gz"
    if folder == "bash-completion":
        return f"/usr/share/bash-completion/completions/{name}"
    if folder in ("grafana", "prometheus"):
        return f"/usr/share/danegate/{folder}/{name}"
    if folder == "conf":
        return f"/usr/share/doc/danegate/examples/{name}"
    return None


def test_contents(release, out, package):
    """Everything that an operator uses is in it: each manual page, snippet, completion and dashboard of the source."""
    listing = in_tree(release, "build", out, "dpkg-deb", "--contents", package, log=out / "contents.log")
    inside = {re.sub(r"^/lib/", "/usr/lib/", line.split(maxsplit=5)[5].split(" -> ")[0].lstrip("."))
              for line in listing.splitlines()}
    wanted = {*FILES, "/usr/lib/systemd/system/danegated.service", "/usr/lib/systemd/system/danegated.socket"}
    for pattern in ("man/*.[1-8]", "conf/*", "packaging/bash-completion/*", "packaging/grafana/*",
                    "packaging/prometheus/*"):
        wanted |= {installed_by(path) for path in SOURCE.glob(pattern)}
    compressed = {name.removesuffix(".gz") for name in inside}  # large examples are
    assert {name for name in wanted if name.removesuffix(".gz") not in compressed} == set()


def test_version(release, out, package):
    """The changelog's version is the program's."""
    script = f"""dpkg-deb --field {package} Version
        dpkg-deb --extract {package} /tmp/x
        /tmp/x/usr/sbin/danegated --version"""
    text = in_tree(release, "build", out, "sh", "-ec", script, log=out / "version.log")
    version, program = text.split("\n")[:2]
    assert program == f"danegated {version}"


def test_lintian(release, out, package):
    """No error and no warning, and no override."""
    in_tree(release, "build", out, "lintian", "--fail-on", "error,warning", "--display-info",
            *(f"/out/{file.name}" for file in out.glob("*.changes")), log=out / "lintian.log")


def test_apparmor_profile(release, out, package):
    """It compiles. Whether it fits can only be seen where the kernel enforces it."""
    script = f"""dpkg-deb --extract {package} /tmp/x
        apparmor_parser --skip-kernel-load --skip-cache --base /etc/apparmor.d /tmp/x/etc/apparmor.d/*"""
    in_tree(release, "build", out, "sh", "-ec", script, log=out / "apparmor.log")
