"""Fixtures of the package tests: for each Debian release a built package and machines that are thrown away."""

import os
import subprocess
from pathlib import Path

import pytest

from machine import Machine, in_tree

RELEASES = ("bookworm", "trixie")
OUT = Path(os.environ.get("DANEGATE_CACHE", "/var/cache/danegate-tests")) / "package"


def pytest_addoption(parser):
    parser.addoption("--release", action="append", choices=RELEASES, help="only this Debian release")
    parser.addoption("--reuse", action="store_true", help="test the packages that the last run built")


def pytest_generate_tests(metafunc):
    if "release" in metafunc.fixturenames:
        metafunc.parametrize("release", metafunc.config.getoption("release") or RELEASES, scope="module")


@pytest.fixture(scope="session")
def built():
    """Releases whose package is as new as this run."""
    return set()


@pytest.fixture(scope="module")
def out(release):
    """The folder of the built packages; /out in the trees."""
    folder = OUT / f"{release}.out"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def package(release, out, built, request):
    """The package of this checkout: its file, as seen from within a tree. Built once, with the unit tests."""
    if release not in built and not request.config.getoption("reuse"):
        build(release, out)
    built.add(release)
    (file,) = out.glob("danegate_*.deb")
    return f"/out/{file.name}"


def build(release, out):
    for old in out.glob("*.*"):
        old.unlink()
    in_tree(release, "build", out, "env", "CMAKE_CXX_COMPILER_LAUNCHER=ccache", "CCACHE_BASEDIR=/out/danegate",
            "CCACHE_NOHASHDIR=1", f"DEB_BUILD_OPTIONS=parallel={os.cpu_count()}",
            "/src/packaging/build-deb", "--out", "/out", log=out / "build.log")


@pytest.fixture(scope="module")
def older(release, out, package):
    """The same package with an older version, and a line more in its sample configuration."""
    script = f"""set -e
        dpkg-deb --raw-extract {package} /tmp/older
        sed -i 's/^Version: .*/&~older/' /tmp/older/DEBIAN/control
        echo '# of the older version' >>/tmp/older/etc/danegate/danegate.toml
        sed -i '/ etc.danegate.danegate.toml$/d' /tmp/older/DEBIAN/md5sums
        dpkg-deb --root-owner-group --build /tmp/older /out/older.deb"""
    in_tree(release, "bare", out, "sh", "-c", script, log=out / "older.log")
    return "/out/older.deb"


def booted(release, layer, out, package):
    """A machine to which the packages that ours needs have been downloaded: it has no network."""
    fetch = ("apt-get install -y --no-install-recommends --download-only {0} postfix || "
             "{{ apt-get update && apt-get install -y --no-install-recommends --download-only {0} postfix; }}")
    machine = Machine(release, layer, out, fetch.format(package))
    try:
        machine.wait_until_running()
        yield machine
    finally:
        machine.stop()


@pytest.fixture(scope="module")
def site(release, out, package):
    """A machine with Postfix."""
    yield from booted(release, "site", out, package)


@pytest.fixture(scope="module")
def bare(release, out, package):
    """A machine without any mail server."""
    yield from booted(release, "bare", out, package)


def pytest_configure(config):
    if os.geteuid() != 0:
        raise pytest.UsageError("the package tests need root: they make Debian trees and boot them")
    if subprocess.run(["findmnt", "--types", "cgroup2"], stdout=subprocess.DEVNULL, check=False).returncode:
        raise pytest.UsageError("the package tests boot systemd, which needs cgroup2 mounted")
