#!/usr/bin/python3
"""Counts what a test program reported in JUnit's XML, for tests/run.

    tests/support/tally.py LABEL FILE

prints `passed N`, and one line `failed LABEL: test: text` or `skipped LABEL: test: reason` for each test that did not
pass. Reads pytest's files, and ctest's, where the tests of one program are counted by what Catch2 says at its end.
A file that is not there, cannot be read or holds no test is a failure: silence is no success.
"""

import re
import sys
import xml.etree.ElementTree as xml

ALL_PASSED = re.compile(r"All tests passed \(\d+ assertions? in (\d+) test cases?\)")
SOME_FAILED = re.compile(r"test cases:\s+\d+((?:\s+\|\s+\d+ [a-z]+)+)")
ASKED_TO_SKIP = ("SKIP_RETURN_CODE", "SKIP_REGULAR_EXPRESSION")
LONGEST = 700  # characters of a test's text


def in_one_line(text):
    """What a test says, with what it quotes of a log: the beginning, and the end, where logs tell what happened."""
    said = " | ".join(line.strip() for line in (text or "").splitlines() if line.strip()) or "no text"
    return said if len(said) <= LONGEST else f"{said[:LONGEST // 2]} [...] {said[-LONGEST // 2:]}"


def catch_counts(output):
    """(passed, failed) of a Catch2 program, or None where it is none, or did not come to its end."""
    found = ALL_PASSED.search(output)
    if found:
        return int(found[1]), 0
    found = SOME_FAILED.search(output)
    if not found:
        return None
    counts = {word: int(number) for number, word in re.findall(r"(\d+) ([a-z]+)", found[1])}
    return counts.get("passed", 0), counts.get("failed", 0)


def failed_names(output, count):
    """What Catch2 calls the test cases that failed; as many names as there are failures."""
    names = list(dict.fromkeys(re.findall(r"^-{79}\n(\S.*)\n(?:  .*\n)*-{79}$", output, re.M)))
    return names if len(names) == count else [f"test case {number + 1} of {count}" for number in range(count)]


def judge(case):
    """One test case of the file: (passed, [failures], [skips]), each entry "name: text"."""
    name = ".".join(filter(None, (case.get("classname"), case.get("name"))))
    if case.get("classname") == case.get("name"):
        name = case.get("name")
    trouble = case.find("failure") if case.find("failure") is not None else case.find("error")
    skip = case.find("skipped")
    output = case.findtext("system-out") or ""
    counts = catch_counts(output)
    if trouble is not None:
        if counts is None or counts[1] == 0:
            text = trouble.get("message") or trouble.text or output
            return (counts[0] if counts else 0), [f"{name}: {in_one_line(text)}"], []
        return counts[0], [f"{name}: {text}" for text in failed_names(output, counts[1])], []
    if skip is not None:
        reason = in_one_line(skip.get("message"))
        if case.get("status") == "notrun" and not reason.startswith(ASKED_TO_SKIP):
            return 0, [f"{name}: did not run: {reason}"], []
        return 0, [], [f"{name}: {reason}"]
    return (counts[0] if counts else 1), [], []


def tally(label, path):
    try:
        cases = list(xml.parse(path).iter("testcase"))
    except (OSError, xml.ParseError) as error:
        return [f"failed {label}: no report: {error}"]
    if not cases:
        return [f"failed {label}: no test ran"]
    judged = [judge(case) for case in cases]
    lines = [f"passed {sum(passed for passed, _, _ in judged)}"]
    for _, failures, skips in judged:
        lines += [f"failed {label}: {text}" for text in failures] + [f"skipped {label}: {text}" for text in skips]
    return lines


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(*tally(sys.argv[1], sys.argv[2]), sep="\n")
