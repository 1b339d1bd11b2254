#!/usr/bin/python3
"""Guards the rooms of the code: who may include whom, and a few words that must not come in.

    tests/lint/layering.py ROOT          one line per violation, exit 1 if there is any
    tests/lint/layering.py --self-test   plants violations in a made-up tree and checks that each is found

The tables below are the rules. A room that grows a new dependency needs a line here, so that somebody sees it.
"""

import re
import sys
import tempfile
from pathlib import Path

# Folder -> what its files may include besides their own folder: folders, or single headers.
LAYERS = {
    "daemon/core": [],
    "daemon/config": ["daemon/core"],
    "daemon/dns": ["daemon/core"],
    "daemon/tls": ["daemon/core"],
    "daemon/service": ["daemon/core", "daemon/config", "daemon/dns/tlsa_source.h"],
    "policy": ["daemon/core", "daemon/config", "daemon/service"],
    "milter": ["daemon/core", "daemon/config", "daemon/service"],
    "daemon/ctl": ["daemon/core", "daemon/config", "daemon/service", "policy", "daemon/dns/tlsa_source.h"],
    "daemon": ["daemon/core", "daemon/config", "daemon/service", "policy", "milter",  # main.cpp and its parts
               "daemon/control_room.h", "daemon/start.h"],
}

# Where objects of different rooms are put together: pattern of file -> what it may include on top of its layer.
COMPOSITION = {
    r"daemon/main\.cpp": ["daemon/dns", "daemon/tls"],
    r"daemon/service/daemon\w*\.(cpp|h)": ["daemon/dns", "daemon/tls"],
    r"daemon/service/ports\.cpp": ["daemon/dns/idna.h", "daemon/tls/hash.h"],  # what the core borrows from libraries
    r"daemon/ctl/\w+\.(cpp|h)": ["daemon/dns", "daemon/tls"],
}

# Third-party header (pattern) -> the only files (pattern) that may include it.
THIRD_PARTY = {
    r"unbound(-event)?\.h": r"daemon/dns/unbound_source\.cpp",
    r"openssl/.*": r"daemon/tls/\w+\.(cpp|h)",
    r"idn2\.h": r"daemon/dns/idna\.cpp",
    r"(arpa/nameser|resolv)\.h": r"daemon/dns/dns_packet\.cpp",
    r"toml(\+\+|plusplus)?(/.*|\.h|\.hpp)": r"daemon/config/load\w*\.(cpp|h)",
    r"CLI/.*": r"daemon/(ctl/)?main\.cpp|daemon/ctl/cli_\w+\.cpp",
    r"spdlog/.*": r"daemon/service/log\.cpp",
    r"nlohmann/.*": r"daemon/(service/(verdict_log|control|\w+_json)|ctl/(status_text|daemon_client|check_report|\w+_json))\.(cpp|h)|policy/explain_json\.(cpp|h)",
    r"libmilter/.*": r"milter/adapter\.cpp",
    r"systemd/.*": r"daemon/service/(listener|notify)\.cpp",
    r"prometheus/.*": r"daemon/service/metrics\.cpp",
    r"boost/beast.*": r"daemon/(service/http_connection|ctl/daemon_client)\.cpp",
    r"boost/.*": r"(daemon/(service|dns|ctl)|policy)/\w+\.(cpp|h)|daemon/(main|control_room|start)\.(cpp|h)",
    r"fmt/.*": r"(daemon/(service|config|ctl)|policy|milter)/\w+\.cpp|daemon/main\.cpp",
}

# The pure core takes nothing from the system but address parsing.
CORE_SYSTEM = {"arpa/inet.h", "netinet/in.h"}

CODE = {".cpp", ".h", ".hpp", ".py", ".sh"}
MAX_LINES = 400
SKIPPED = {".git", "build", "__pycache__", ".pytest_cache"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)
# Folders of somebody's own machine; examples in this project live in /etc, /var, /run, /usr and /tmp.
DEVELOPER_PATH = re.compile(r"(?<![\w.])/(home|Users|root|mnt|media|opt|srv)/\w")
WORDS = {  # spelt so that this file does not find itself
    "std::" + "regex": "peers choose the input, and that library recurses on it",
    "TO" + "DO": "an issue is the place for it",
    "FIX" + "ME": "an issue is the place for it",
}


def layer_of(path):
    return next((layer for layer in LAYERS if str(Path(path).parent) == layer), None)


def allowed(target, entries):
    return any(target == entry or target.startswith(entry + "/") for entry in entries)


def check_own_include(path, layer, target):
    entries = [layer, *LAYERS[layer]] if layer != "daemon" else LAYERS[layer]
    for pattern, extra in COMPOSITION.items():
        if re.fullmatch(pattern, path):
            entries = [*entries, *extra]
    if not allowed(target, entries):
        yield f"{path}: {layer} may not include {target}"


def check_system_include(path, layer, target):
    owner = next((owner for header, owner in THIRD_PARTY.items() if re.fullmatch(header, target)), None)
    if owner and not re.fullmatch(owner, path):
        yield f"{path}: <{target}> belongs to {owner}"
    elif layer == "daemon/core" and ("." in target or "/" in target) and target not in CORE_SYSTEM:
        yield f"{path}: the core includes the standard library only, not <{target}>"


def check_includes(path, text):
    layer = layer_of(path)
    if layer is None:
        if path.startswith(("daemon/", "policy/", "milter/")):
            yield f"{path}: this folder is no layer; give it a line in tests/lint/layering.py"
        return
    for kind, target in INCLUDE.findall(text):
        yield from (check_own_include if kind == '"' else check_system_include)(path, layer, target)


def own_folders(root):
    """The checkout's path, and its parent's, unless that is a place such as /tmp that everybody has."""
    parent = str(root.parent)
    common = {"/", "/tmp", "/var/tmp", "/usr", "/usr/src", "/src", "/var", "/etc", "/run"}
    return [f"{root}/"] + ([f"{parent}/"] if parent not in common else [])


def check_words(root, path, text):
    for word, why in WORDS.items():
        if word in text:
            yield f"{path}: {word}: {why}"
    if DEVELOPER_PATH.search(text) or any(folder in text for folder in own_folders(root) if len(folder) > 5):
        yield f"{path}: names a folder of one developer's machine"
    lines = text.count("\n")
    if (Path(path).suffix in CODE or text.startswith("#!")) and lines > MAX_LINES:
        yield f"{path}: {lines} lines; past {MAX_LINES}, look for the second reason to change"


def sources(root):
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.is_file() and not SKIPPED & {part.split("-")[0] for part in relative.parts}:
            yield relative, path


def violations(root):
    root = root.resolve()
    for relative, path in sources(root):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a binary test vector
        if relative.suffix in {".cpp", ".h", ".hpp"}:
            yield from check_includes(str(relative), text)
        yield from check_words(root, str(relative), text)


PLANTED = [  # file, text, part of the message, or None where there must be no complaint
    ("daemon/core/good.cpp", '#include "daemon/core/good.h"\n#include <arpa/inet.h>\n#include <vector>\n', None),
    ("daemon/core/upwards.cpp", '#include "daemon/config/config.h"\n', "may not include daemon/config/config.h"),
    ("daemon/core/system.h", "#include <sys/socket.h>\n", "standard library only"),
    ("daemon/core/library.h", "#  include <fmt/format.h>\n", "<fmt/format.h> belongs to"),
    ("daemon/config/dns.cpp", '#include "daemon/dns/tlsa_source.h"\n', "may not include daemon/dns"),
    ("daemon/config/load_rules.cpp", "#include <toml++/toml.h>\n", None),
    ("daemon/config/schema.cpp", "#include <toml++/toml.h>\n", "belongs to daemon/config/load"),
    ("daemon/dns/answer.cpp", "#include <unbound.h>\n", "<unbound.h> belongs to"),
    ("daemon/service/port.cpp", '#include "daemon/dns/tlsa_source.h"\n', None),
    ("daemon/service/adapter.cpp", '#include "daemon/dns/unbound_source.h"\n', "may not include daemon/dns"),
    ("daemon/service/daemon.cpp", '#include "daemon/dns/unbound_source.h"\n', None),
    ("daemon/service/front.cpp", '#include "policy/server.h"\n', "may not include policy/server.h"),
    ("policy/server.cpp", '#include "milter/session.h"\n', "may not include milter"),
    ("milter/session.cpp", '#include "policy/request.h"\n', "may not include policy"),
    ("daemon/service/http.cpp", "#include <boost/beast/http.hpp>\n", "belongs to daemon/(service/http_connection"),
    ("policy/tls.cpp", "#include <openssl/evp.h>\n", "<openssl/evp.h> belongs to"),
    ("daemon/service/counts.cpp", "#include <prometheus/counter.h>\n", "<prometheus/counter.h> belongs to"),
    ("policy/sub/odd.cpp", "", "no layer"),
    ("daemon/main.cpp", '#include "daemon/dns/unbound_source.h"\n#include <CLI/CLI.hpp>\n', None),
    ("daemon/ctl/cli_keys.cpp", "#include <CLI/CLI.hpp>\n", None),
    ("daemon/ctl/lookup.cpp", "#include <CLI/CLI.hpp>\n", "<CLI/CLI.hpp> belongs to"),
    ("daemon/ctl/lookup_json.cpp", "#include <nlohmann/json.hpp>\n", None),
    ("daemon/ctl/lookup_text.cpp", "#include <nlohmann/json.hpp>\n", "<nlohmann/json.hpp> belongs to"),
    ("daemon/service/match.cpp", "std::" + "regex pattern;\n", "recurses"),
    ("daemon/service/later.cpp", "// TO" + "DO\n", "an issue is the place"),
    ("tests/core/path.cpp", 'open("/ho' + 'me/me/vectors")\n', "developer's machine"),
    ("tests/core/long.cpp", "\n" * (MAX_LINES + 1), "second reason"),
    ("packaging/long", "#!/bin/sh" + "\n" * (MAX_LINES + 1), "second reason"),
    ("tests/core/not_long.cpp", "\n" * MAX_LINES, None),
]


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text, _ in PLANTED:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        (root / "README.md").write_text(f"see {root.resolve()}/README.md\n")
        found = list(violations(root))
    planted = [*PLANTED, ("README.md", "", "developer's machine")]
    wrong = []
    for name, _, expected in planted:
        lines = [line for line in found if line.startswith(f"{name}: ")]
        right = not lines if expected is None else len(lines) == 1 and expected in lines[0]
        if not right:
            wrong.append(f"{name}: expected {expected!r}, found {lines}")
    return wrong


def main(arguments):
    if len(arguments) != 1:
        sys.exit(__doc__)
    found = self_test() if arguments[0] == "--self-test" else list(violations(Path(arguments[0])))
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
