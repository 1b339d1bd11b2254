#!/usr/bin/python3
"""Holds the manual pages to the tree, the programs and two typesetters.

    tests/lint/manual.py ROOT BIN_DIR

- `mandoc -Tlint` and `man --warnings` have nothing to say about any page of man/. References to other pages are checked
  here instead, because mandoc looks for them among those that this machine has installed: ours have to be in man/.
- Every command of `danegate --help` has its section in danegate(1), with every option and argument of its own --help,
  and nothing else. The same for danegated(8).
- Every kind of finding of `danegate check --list` is in danegate(1), with its severity, and no other.
- Every event that the log can have is in danegated(8), and so is every metric, with its type and labels; no other.
- What the guide quotes from a file of conf/ stands there.
- Every path below conf/ and packaging/ that a page names exists. Samples are installed as conf/ has them.

The settings and the table of results are compared by unit tests (tests/config/manual_test.cpp,
tests/core/results_table_test.cpp).
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from readme import stands_in

OURS = "danegate"
LOG_LEVEL = r"LogLevel::\w+"
NAMES = r'((?:[^",;]+\?\s*)?"[a-z-]+"(?:\s*:\s*"[a-z-]+")?)'
# How the sources name an event: after a level, as the first argument of a helper, or in a line made by hand.
EVENT = [re.compile(rf"{LOG_LEVEL},\s*{NAMES}"), re.compile(r'\bwarn\(("policy-[a-z-]+")'),
         re.compile(r'"event", ("[a-z-]+")'), re.compile(r'encode_body\([\w.]+, ("[a-z-]+")'),
         re.compile(r'\bloop, log, ("[a-z-]+")')]


def run(*command):
    environment = {**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": "", "PAGER": "cat"}
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, check=False)


def plain(line):
    """A line of mdoc as it is read."""
    for escape, text in (("\\-", "-"), ("\\&", ""), ("\\(dq", '"')):
        line = line.replace(escape, text)
    return line


def pages(root):
    return sorted(root.glob("man/*.[1-9]"))


def check_typesetting(page):
    for line in run("mandoc", "-Tlint", page).stdout.decode().splitlines():
        if "referenced manual not found" not in line and "outdated mandoc.db" not in line:
            yield line.replace(str(page), page.name)
    done = run("man", "--warnings", "-E", "UTF-8", "-l", page)
    if done.returncode != 0 or done.stderr:
        yield f"man --warnings: exit {done.returncode} {done.stderr.decode().strip()}"
    if len(done.stdout.splitlines()) < 20:
        yield "man shows hardly anything of it"


def check_references(root, page):
    there = {each.name for each in pages(root)}
    for name, section in re.findall(r"(?m)^\.Xr (\S+) (\d)", plain(page.read_text())):
        if name.startswith(OURS) and f"{name}.{section}" not in there:
            yield f"refers to {name}({section}), which is not in man/"


def sections(page):
    """Title of each .Ss -> its lines."""
    found, current = {}, None
    for line in map(plain, page.read_text().splitlines()):
        if line.startswith((".Ss ", ".Sh ")):
            current = found.setdefault(line[4:], []) if line.startswith(".Ss ") else None
        elif current is not None:
            current.append(line)
    return found


def documented(lines):
    """Options and arguments that have an .It."""
    options, arguments = set(), set()
    for line in lines:
        if match := re.match(r"\.It Fl (-[a-z-]+)", line):
            options.add("-" + match[1])
        elif match := re.match(r"\.It Ar (\S+)", line):
            arguments.add(match[1].lower())
    return options, arguments


def offered(help_text):
    """Options, arguments and commands of a --help. Every command has --help itself: it is not counted."""
    options, arguments, commands, part = set(), set(), [], ""
    for line in help_text.splitlines():
        if match := re.match(r"(?:\[?[A-Z][\w ]*\]?):\s*$", line):
            part = match[0].strip(":[] ").lower()
        elif match := re.match(r" {2,}(?:-\w, *)?(--[a-z-]+)", line):
            options.add(match[1])
        elif match := re.match(r" {2}(\w\S*)", line):
            if part.startswith("subcommand"):
                commands.append(match[1])
            elif part.startswith("positional"):
                arguments.add(match[1].lower())
    return options - {"--help"}, arguments, commands


def differences(name, page, help_text):
    for kind, here, there in zip(("option", "argument"), documented(page), offered(help_text)):
        for each in sorted(there - here):
            yield f"{name}: the {kind} {each} of --help is not there"
        for each in sorted(here - there):
            yield f"{name}: there is no {kind} {each}"


def check_commands(page, tool):
    commands = offered(run(tool, "--help").stdout.decode())[2]
    if not commands:
        yield f"{tool} --help names no command"
    there = {title.removeprefix("danegate "): lines for title, lines in sections(page).items()
             if title.startswith("danegate ")}
    for name in sorted(set(there) - set(commands)):
        yield f"there is no command {name}"
    for name in commands:
        if name in there:
            yield from differences(name, there[name], run(tool, name, "--help").stdout.decode())
        else:
            yield f"the command {name} has no section"


def check_daemon(page, daemon):
    lines = plain(page.read_text()).split(".Sh DESCRIPTION")[1].split(".Ss ")[0].splitlines()
    options = documented(lines)[0] - {"--help"}
    if options != offered(run(daemon, "--help").stdout.decode())[0]:
        yield f"{sorted(options)} are not the options of danegated --help"


def events_of_sources(root):
    found = set()
    for path in [*root.glob("daemon/**/*.cpp"), *root.glob("policy/*.cpp"), *root.glob("milter/*.cpp")]:
        if "ctl" in path.parts:
            continue  # the tool has no log
        text = re.sub(r"//.*", "", path.read_text())
        for pattern in EVENT:
            for names in pattern.findall(text):
                found |= set(re.findall(r'"([a-z-]+)"', names))
    found.discard("verdict")  # has a section of its own
    return found


def check_events(root, page):
    items = [line for line in sections(page)["Events"] if line.startswith(".It Li ")]
    there = {name for line in items for name in line[7:].split(" , ")}
    there_not = events_of_sources(root)
    for name in sorted(there_not - there):
        yield f"the event {name} is not there"
    for name in sorted(there - there_not):
        yield f"nothing logs the event {name}"


def check_quotes(root, page):
    """A literal block after a comment that names a kind and a file (.\\" main.cf conf/postfix-partner.cf)."""
    pattern = r'(?ms)^\.\\" [\w.]+ (\S+)\n\.Bd -literal[^\n]*\n(.*?)^\.Ed$'
    for name, text in re.findall(pattern, page.read_text()):
        if not stands_in(list(map(plain, text.splitlines())), (root / name).read_text().splitlines()):
            yield f"what it quotes from {name} does not stand there: {text.splitlines()[0]} ..."


def items_of(page, title):
    """What stands behind .It Li in a section, with the line after it."""
    text = plain(page.read_text()).split(f"\n.Sh {title}\n", 1)[1].split("\n.Sh ", 1)[0]
    return set(re.findall(r"(?m)^\.It Li (.*)\n(.*)$", text))


def set_differences(there, wanted, what):
    for each in sorted(wanted - there):
        yield f"{what} {' '.join(each)} is not there"
    for each in sorted(there - wanted):
        yield f"there is no {what} {' '.join(each)}"


def check_findings(page, tool):
    rows = re.findall(r"(?m)^(\S+) +(\w+) ", run(tool, "check", "--list").stdout.decode())
    if not rows:
        yield f"{tool} check --list prints nothing"
    there = {tuple(name.split(" Pq ")) for name, _ in items_of(page, "FINDINGS")}
    yield from set_differences(there, set(rows), "finding")


def check_metrics(root, page):
    table = root / "daemon" / "service" / "metric_table.h"
    text = table.read_text() if table.exists() else ""
    rows = re.findall(r'"(danegate_\w+)", MetricType::(\w+), "([^"]*)"', text)
    wanted = {(name, f"{kind.capitalize()}{' by ' if labels else ''}{labels.replace(',', ', ')}.")
              for name, kind, labels in rows}
    yield from set_differences(items_of(page, "METRICS"), wanted, "metric")


def check_paths(root, page):
    for name in re.findall(r"(?<![\w/])((?:conf|packaging)/[\w./-]*\w)", plain(page.read_text())):
        if not (root / name).exists():
            yield f"names {name}, which is not there"


def problems(root, bin_dir):
    man = root / "man"
    for page in pages(root):
        for check in (check_typesetting(page), check_references(root, page), check_quotes(root, page),
                      check_paths(root, page)):
            yield from (f"{page.name}: {problem}" for problem in check)
    for name, found in (("danegate.1", check_commands(man / "danegate.1", bin_dir / "danegate")),
                        ("danegated.8", check_daemon(man / "danegated.8", bin_dir / "danegated")),
                        ("danegate.1", check_findings(man / "danegate.1", bin_dir / "danegate")),
                        ("danegated.8", check_metrics(root, man / "danegated.8")),
                        ("danegated.8", check_events(root, man / "danegated.8"))):
        yield from (f"{name}: {problem}" for problem in found)


def main(arguments):
    if len(arguments) != 2:
        sys.exit(__doc__)
    root, bin_dir = map(Path, arguments)
    found = list(problems(root.resolve(), bin_dir.resolve()))
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
