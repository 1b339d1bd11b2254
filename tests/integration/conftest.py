"""The integration tier: real Postfix, real signed zones, real TLS clients, and danegated between them.

    /usr/bin/python3 -m pytest tests/integration --bin-dir build/release        (as root; Debian's own Python)

The folder comes before --bin-dir: pytest learns that option from this file.
The run moves into namespaces of its own (lab/namespace.py), so it touches nothing of the machine's and leaves nothing
behind; only the trees of Sendmail and Exim (tests/support/mta-tree) stay for the next run. Debian packages that it needs:
packages.txt. Markers: `slow` (waits for minutes), `heavy` (200,000 requests, crowds); sanitizer builds leave both out with
-m "not slow and not heavy". `chaos` is a tier of its own: it runs only where -m names it.
"""

import contextlib
import itertools
import tempfile
from pathlib import Path

import pytest

from lab import mtatree, namespace
from lab.churn import ChurnWatch
from lab.idle import IdleWatch
from lab.site import Bench, Lab


def pytest_addoption(parser):
    parser.addoption("--bin-dir", default="build/release", help="folder that holds danegated and danegate")
    parser.addoption("--share", type=Path, help="an empty folder: runs beside one another that name it share the files")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    if config.option.help or config.option.collectonly:
        return
    if not namespace.inside():
        mtatree.find_trees()
        namespace.enter(config)
    namespace.prepare()


def pytest_collection_modifyitems(config, items):
    if "chaos" not in config.option.markexpr:
        items[:] = [item for item in items if item.get_closest_marker("chaos") is None]
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


def claimed(items, folder):
    """Of these tests those in files that no other run has begun: each file is the run's that names it in `folder` first."""
    mine = {}
    for item in items:
        if item.path not in mine:
            mine[item.path] = claim(folder / item.path.name)
        if mine[item.path]:
            yield item


def claim(place):
    try:
        place.touch(exist_ok=False)
        return True
    except FileExistsError:
        return False


def pytest_runtestloop(session):
    """With --share: pytest's own loop, but which tests come next is found out on the way."""
    folder = session.config.option.share
    if folder is None or session.config.option.collectonly or session.testsfailed:
        return None
    items = claimed(session.items, folder)
    item = next(items, None)
    if item is None and session.items:
        pytest.exit(f"every file is another run's: was {folder} empty before these runs?", returncode=1)
    while item is not None:
        following = next(items, None)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        item = following
    return True


@pytest.fixture(scope="session")
def lab(request):
    with tempfile.TemporaryDirectory(prefix="danegate-lab.", dir="/tmp") as folder:
        lab = Lab(Path(folder), request.config.option.bin_dir)
        request.config.danegate_report = lab.report
        yield lab
        lab.stop()


@pytest.fixture(scope="session")
def folders(lab):
    """Numbers for the benches' folders: short names, as a socket's path may have 107 characters."""
    return (lab.folder / f"b{number}" for number in itertools.count(1))


@pytest.fixture
def bench(lab, folders):
    """Taken down after each test, which sees no DNS question from before it."""
    lab.dns.forget()
    bench = Bench(lab, next(folders))
    yield bench
    bench.close()


@pytest.fixture(scope="module")
def module_bench(lab, folders):
    """Taken down after the module: for daemons and Postfix instances that its tests share."""
    bench = Bench(lab, next(folders))
    yield bench
    bench.close()


@pytest.fixture(autouse=True)
def quiet(request):
    """A daemon that a module shares must not complain in a test that did not announce it."""
    yield
    if "module_bench" in request.fixturenames:
        for daemon in request.getfixturevalue("module_bench").daemons:
            daemon.assert_quiet()


@contextlib.contextmanager
def watching(kind, lab, folders):
    """A watch of this kind on a bench of its own, for as long as the run lasts."""
    bench = Bench(lab, next(folders))
    watch = kind(bench)
    yield watch
    watch.close()
    bench.close()


@pytest.fixture(scope="session", autouse=True)
def idle_watch(request, lab, folders):
    """Connections that lie idle from the start of the run, for the slow tests at its end."""
    if not any(item.get_closest_marker("slow") for item in request.session.items):
        yield None
        return
    with watching(IdleWatch, lab, folders) as watch:
        yield watch


@pytest.fixture(scope="session", autouse=True)
def churn_watch(request, lab, folders):
    """Five minutes of milter sessions under reloads, from the start of the run, for a slow test at its end."""
    if not any("churn_watch" in item.fixturenames and item.get_closest_marker("slow") for item in request.session.items):
        yield None
        return
    with watching(ChurnWatch, lab, folders) as watch:
        yield watch


def pytest_terminal_summary(terminalreporter, config):
    lines = getattr(config, "danegate_report", [])
    if lines:
        terminalreporter.section("verdicts, one line each")
        for line in lines:
            terminalreporter.write_line(line)
