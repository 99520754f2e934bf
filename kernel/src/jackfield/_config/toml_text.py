"""Python values written as TOML on one line."""

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

import attrs

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def toml_text(value: Any) -> str:
    """Write `value` as it would appear in a file; an empty text for None, which TOML lacks."""
    if value is None:
        return ""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | dt.date | dt.time):
        return str(value).removesuffix(".0")
    return _structure_text(value)


def _structure_text(value: Any) -> str:
    if attrs.has(type(value)) and not hasattr(value, "from_text"):
        fields = attrs.fields(type(value))
        return _table_text((field.alias, getattr(value, field.name)) for field in fields)
    if isinstance(value, Mapping):
        return _table_text(value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return f"[{', '.join(toml_text(item) for item in value)}]"
    return toml_string(str(value))


def _table_text(items: Iterable[tuple[str, Any]]) -> str:
    pairs = [f"{toml_key(key)} = {toml_text(item)}" for key, item in items if item is not None]
    return f"{{ {', '.join(pairs)} }}" if pairs else "{}"


def toml_string(text: str) -> str:
    """Quote a string, using only escapes that TOML and JSON share."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_key(name: str) -> str:
    """Write one part of a key, quoted if necessary."""
    return name if _BARE_KEY.fullmatch(name) else toml_string(name)


def path_text(path: Iterable[str | int]) -> str:
    """Write a path as TOML does, with the indices of array elements in brackets."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{toml_key(part)}" if text else toml_key(part)
    return text
