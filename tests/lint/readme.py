#!/usr/bin/python3
"""Holds README.md to the tree.

    tests/lint/readme.py ROOT

A fenced block whose first line names a file (```postfix conf/postfix-partner.cf) must stand in that file, line after
line; lines that are commented out there may stand without their "#". Each conf/postfix-*.cf, conf/*.mc and conf/*.conf
must be quoted. Every path in back quotes or in a command that looks like one of the tree's must exist. The table of
results is compared by a unit test (tests/core/results_table_test.cpp).
"""

import re
import sys
from pathlib import Path

FENCE = re.compile(r"^```(\w*) ?(\S*)\n(.*?)^```$", re.M | re.S)
PATH = re.compile(r"(?<![\w/.-])((?:conf|daemon|man|milter|packaging|policy|tests|LICENSE)(?:/[\w.*-]+)*/?)(?![\w/])")


def spellings(line):
    """A line of a file as it stands, and without the sign that comments it out."""
    return {line, line.removeprefix("#"), line.removeprefix("# ")}


def stands_in(block, lines):
    return any(all(wanted in spellings(line) for wanted, line in zip(block, lines[start:]))
               for start in range(len(lines) - len(block) + 1))


def check_quotes(root, text):
    quoted = set()
    for _, name, content in FENCE.findall(text):
        if not name:
            continue
        quoted.add(name)
        if not (root / name).is_file():
            yield f"quotes {name}, which is not there"
        elif not stands_in(content.splitlines(), (root / name).read_text().splitlines()):
            yield f"what it quotes from {name} does not stand there: {content.splitlines()[0]} ..."
    for path in sorted([*root.glob("conf/postfix-*.cf"), *root.glob("conf/*.mc"), *root.glob("conf/*.conf")]):
        if str(path.relative_to(root)) not in quoted:
            yield f"does not quote {path.name}"


def check_paths(root, text):
    code = "\n".join(content for kind, _, content in FENCE.findall(text) if kind == "sh")
    code += "\n".join(re.findall(r"`([^`\n]+)`", FENCE.sub("", text)))
    for path in sorted(set(PATH.findall(code))):
        if path != "conf.d" and not (root / path).exists():
            yield f"names {path}, which is not there"


def main(arguments):
    if len(arguments) != 1:
        sys.exit(__doc__)
    root = Path(arguments[0])
    text = (root / "README.md").read_text(encoding="utf-8")
    found = [f"README.md: {problem}" for check in (check_quotes, check_paths) for problem in check(root, text)]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
