"""Runs `danegate check`, and does what its fixes say, to the letter."""

import json
import re
import subprocess

from .procs import run


class Checked:
    """One run: exit status, findings (errors and warnings), notes, and what it printed as text."""

    def __init__(self, status, report):
        self.status, self.report = status, report
        self.notes = [each for each in report["findings"] if each["severity"] == "note"]
        self.findings = [each for each in report["findings"] if each["severity"] != "note"]

    @property
    def ids(self):
        return [each["id"] for each in self.findings]

    def one(self, identifier):
        """The first finding with that id."""
        found = [each for each in self.report["findings"] if each["id"] == identifier]
        assert found, self.report
        return found[0]


def check(lab, config, postfix_config, *options):
    """`danegate check --json` on that configuration and that folder with main.cf."""
    done = subprocess.run([lab.bin_dir / "danegate", "check", "--json", "--postfix-config", postfix_config, *options,
                           config], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    assert not done.stderr, done.stderr
    report = json.loads(done.stdout)
    assert report["status"] == done.returncode
    return Checked(done.returncode, report)


def apply(fixes):
    """Each line goes where the fix says: at main.cf's end, below master.cf's entry, into its table, to a shell."""
    for fix in fixes:
        if fix["file"].endswith("/main.cf"):
            with open(fix["file"], "a", encoding="utf-8") as main:
                main.write(fix["text"] + "\n")
        elif fix["file"].endswith("/master.cf"):
            _edit(fix["file"], lambda text, fix=fix: _below_entry(text, *fix["entry"].split("/"), fix["text"]))
        elif fix["file"]:
            _edit(fix["file"], lambda text, fix=fix: _set(text, fix["entry"], fix["text"]))
        else:
            run("sh", "-c", fix["text"])


def _edit(path, change):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(change(text))


def _below_entry(text, name, kind, line):
    """The entry is its first line and the indented ones after it."""
    entry = re.compile(rf"(?m)^{re.escape(name)}[ \t]+{kind}[ \t].*\n(?:[ \t]+.*\n|#.*\n)*")
    assert len(entry.findall(text)) == 1, (name, text)
    return entry.sub(lambda match: match[0] + line + "\n", text)


def _set(text, table, line):
    """A TOML table's setting; what it was before goes."""
    key = line.split(" = ")[0]
    head, _, rest = text.partition(f"{table}\n")
    body, separator, tail = rest.partition("\n[")
    kept = "".join(each for each in body.splitlines(keepends=True) if not each.startswith(f"{key} = "))
    return f"{head}{table}\n{line}\n{kept}{separator}{tail}"
