"""What we ship in conf/, put into force: as it stands, commented-out lines too, for the lab's names and addresses."""

import re
from pathlib import Path

CONF = Path(__file__).resolve().parents[3] / "conf"


def parameters(text):
    """main.cf text as a dictionary."""
    joined = re.sub(r"\n[ \t]+", " ", re.sub(r"(?m)^#.*\n?", "", text))
    return {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in joined.splitlines())
            if name.strip()}


def uncommented(text, continued="[a-z]"):
    """The text with its commented-out lines put into force, `continued` being how their further lines begin; prose (a
    hash and a space) stays out."""
    return re.sub(rf"(?m)^#(?=[a-z0-9\[]|{continued})", "", text)


def partner_forms(folder):
    """Both forms of postfix-partner.cf; the second one's table holds acme.example, as its comment says."""
    first, second = (CONF / "postfix-partner.cf").read_text().split("# Form B", 1)
    (folder / "danegate_senders").write_text("acme.example danegate\n.acme.example danegate\n")
    second = uncommented("#" + second, r" {4}\S").replace("hash:/etc/postfix/", f"texthash:{folder}/")
    return parameters(first), {**parameters(first), "smtpd_data_restrictions": "", **parameters(second)}


def sample_rules(first, end=None):
    """Rules of the sample configuration in force, without their monitor mode, for the lab's domains: from the comment
    that begins with `first` to the one that begins with `end`, or to the file's end."""
    text = (CONF / "danegate.toml").read_text()
    rules = uncommented(text[text.index(first):text.index(end) if end else len(text)])
    return re.sub(r'(?m)^mode = "monitor".*\n', "", rules).replace("example.net", "branch.example")
