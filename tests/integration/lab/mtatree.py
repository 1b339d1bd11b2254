"""Mail servers that cannot be installed beside Postfix, each unpacked into a tree (tests/support/mta-tree)."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "support" / "mta-tree"
NAMES = ("sendmail", "exim")


def _variables(name):
    return f"DANEGATE_{name.upper()}", f"DANEGATE_{name.upper()}_MISSING"


def find_trees():
    """Looks for the trees, or makes them, while the network is still there: the lab's namespace has none.

    The outcome goes through the environment to the run inside; there mta_tree() skips its test where this failed.
    """
    for name in NAMES:
        tree, missing = _variables(name)
        done = subprocess.run([SCRIPT, name], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.environ[tree] = done.stdout.decode().strip() if done.returncode == 0 else ""
        os.environ[missing] = (done.stderr.decode().strip().splitlines() or ["mta-tree failed"])[-1]


def mta_tree(name):
    tree, missing = _variables(name)
    if not os.environ.get(tree):
        pytest.skip(f"no {name}: {os.environ.get(missing, 'find_trees() was not called')}")
    return Path(os.environ[tree])
