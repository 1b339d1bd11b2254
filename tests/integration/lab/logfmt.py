"""Reads danegate's log lines: `key=value` pairs; values with spaces or quotes in double quotes, backslash escapes."""

import re

PAIR = re.compile(r'([A-Za-z0-9_.-]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))(?: |$)')
ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def parse(line):
    """The pairs of one line; ValueError where any part of the line is not a pair."""
    pairs, position = {}, 0
    while position < len(line):
        match = PAIR.match(line, position)
        if match is None:
            raise ValueError(f"not logfmt at character {position}: {line}")
        key, quoted, plain = match.groups()
        pairs[key] = plain if quoted is None else re.sub(r"\\(.)", lambda m: ESCAPES.get(m[1], m[1]), quoted)
        position = match.end()
    return pairs
