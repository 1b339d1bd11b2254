"""Writes the small part of TOML that danegate's configuration needs: tables, arrays of tables, inline tables."""

import json


def _value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(str(value) if not isinstance(value, (int, str)) else value)


def _table(header, entries):
    return f"{header}\n" + "".join(f"{key} = {_value(value)}\n" for key, value in entries.items())


def dump(document):
    """Text for a dictionary whose values are tables (dict) or arrays of tables (list of dict)."""
    parts = []
    for name, content in document.items():
        if isinstance(content, dict):
            parts.append(_table(f"[{name}]", content))
        else:
            parts += [_table(f"[[{name}]]", each) for each in content]
    return "\n".join(parts)
