"""What README.md and man/danegate-guide.7 tell the reader to type, in order."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Block:
    """`kind`: "sh" for commands, else where its lines belong or whose commands they are. `name`: its first line."""

    kind: str
    text: str

    @property
    def name(self):
        return self.text.splitlines()[0]


def readme_blocks():
    """The fenced blocks of commands; a block that only shows something has another kind."""
    text = (ROOT / "README.md").read_text()
    return [Block(kind, content) for kind, content in re.findall(r"(?ms)^```(\w*)[^\n]*\n(.*?)^```$", text)
            if kind == "sh"]


def page_blocks(name):
    """The literal blocks of a manual page that a comment before them gives a kind."""
    text = (ROOT / "man" / name).read_text()
    found = re.findall(r'(?ms)^\.\\" ([\w.]+)[^\n]*\n\.Bd -literal[^\n]*\n(.*?)^\.Ed$', text)
    return [Block(kind, content.replace("\\e", "\\").replace("\\&", "").replace("\\-", "-")) for kind, content in found]
