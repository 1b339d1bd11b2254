#!/usr/bin/python3
"""Holds the tool's --help to a screen, and bash's completion to --help.

    tests/lint/tool_help.py DANEGATE COMPLETION

Of every command: --help fits 24 lines of 80 columns, and bash, with the file COMPLETION read, completes the command's
name, each of its options, and what stands behind them. The commands are those that DANEGATE itself lists.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

LINES, COLUMNS = 24, 80
ASK = """
. "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_danegate; printf '%s\\n' "${COMPREPLY[@]}"
"""


class Tool:
    """The program, and bash as it completes for it. `folder` is where the words are typed."""

    def __init__(self, program, completion, folder):
        self._program, self._completion, self._folder = program, completion, folder

    def help(self, *command):
        return subprocess.run([self._program, *command, "--help"], check=True, capture_output=True, text=True).stdout

    def complete(self, *words):
        """What bash offers for the last word."""
        done = subprocess.run(["bash", "-c", ASK, "bash", self._completion, self._program, *words], check=True,
                              capture_output=True, text=True, cwd=self._folder)
        if done.stderr:
            raise RuntimeError(done.stderr)
        return set(done.stdout.split())


def below(text, heading):
    """The first words of the lines below a heading."""
    part = re.search(rf"(?ms)^{heading}:\n(.*?)(?=^\S|\Z)", text)
    return re.findall(r"(?m)^ +([\w-]+)", part[1]) if part else []


def options(text):
    """Option -> the word behind it, or nothing."""
    return {name: value for name, value in re.findall(r"(?m)^ +(?:-\w,)?(--[\w-]+)(?: ([A-Z|a-z]+)(?=[ =\n]))?", text)}


def check_screen(command, text):
    lines = text.rstrip("\n").split("\n")
    if len(lines) > LINES:
        yield f"{command} --help has {len(lines)} lines"
    for line in lines:
        if len(line) > COLUMNS:
            yield f"{command} --help: {len(line)} columns: {line}"


def check_value(tool, command, option, value):
    """What may stand behind an option."""
    found = tool.complete(*command, option, "")
    choice = set(value.split("|")) if "|" in value else set()
    wanted = {"FILE": {"file.pem", "folder"}, "DIR": {"folder"}}.get(value, choice)
    if found != wanted:
        yield f"{' '.join(command)} {option} {value}: completed by {sorted(found)}, not by {sorted(wanted)}"


def check_command(tool, command):
    text = tool.help(*command)
    name = " ".join(["danegate", *command])
    yield from check_screen(name, text)
    found = options(text)
    if "--help" not in found:
        yield f"{name} --help: no options found, the search is broken"
    offered = tool.complete(*command, "--")
    if offered != set(found):
        yield f"{name} --: completed by {sorted(offered)}, not by {sorted(found)}"
    for option, value in found.items():
        if option not in tool.complete(*command, option[:-1]):
            yield f"{name} {option[:-1]}: not completed to {option}"
        if value and re.fullmatch(r"[A-Z]+|[a-z|]+\|[a-z|]+", value):
            yield from check_value(tool, command, option, value)


def problems(tool):
    text = tool.help()
    commands = below(text, "Subcommands")
    if not {"check", "explain", "lookup", "verify", "tlsa", "provision"} <= set(commands):
        yield f"danegate --help: it lists {commands}"
    if tool.complete("") != set(commands) or tool.complete("--config", "file.pem", "") != set(commands):
        yield f"danegate: completed by {sorted(tool.complete(''))}"
    yield from check_command(tool, [])
    for command in commands:
        yield from check_command(tool, [command])
        if tool.complete(command[:-1]) != {other for other in commands if other.startswith(command[:-1])}:
            yield f"danegate {command[:-1]}: not completed to {command}"
    if "file.pem" not in tool.complete("check", ""):
        yield "danegate check: no files are offered"


def main(arguments):
    if len(arguments) != 2:
        sys.exit(__doc__)
    program, completion = (os.path.abspath(path) for path in arguments)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "file.pem").touch()
        (Path(folder) / "folder").mkdir()
        found = list(problems(Tool(program, completion, folder)))
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
