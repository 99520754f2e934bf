"""Under which names Mistral's dialects and OpenAI's keep what only they know.

Mistral's dialects read and write by way of OpenAI's, which keep their notes under their own names.
In the canonical values that leave here the names are exchanged, so that to all others, OpenAI's
dialects included, the notes are Mistral's; and they are exchanged back before they are written.
"""

from collections.abc import Hashable, Mapping
from functools import cache
from operator import is_
from typing import Any, Final, TypeVar, cast

import msgspec

from jackfield.messages import Opaque

CHAT: Final = "mistral.chat"
EMBEDDINGS: Final = "mistral.embeddings"
OPENAI_CHAT: Final = "openai.chat"
OPENAI_EMBEDDINGS: Final = "openai.embeddings"

_PAIRS: Final = (
    (CHAT, OPENAI_CHAT),
    (EMBEDDINGS, OPENAI_EMBEDDINGS),
    ("mistral.usage", "openai.usage"),
)
_OTHER: Final = {**dict(_PAIRS), **{theirs: ours for ours, theirs in _PAIRS}}

HOLDERS: Final = frozenset(
    ("extensions", "messages", "message", "parts", "citations", "citation", "tools", "tool_choice")
) | {"choices", "usage", "value"}
"""The fields of canonical values that hold names, or values that do."""

T = TypeVar("T")


def exchanged(value: T) -> T:
    """The same canonical value, of whatever kind, with the names exchanged all through it."""
    return cast("T", _exchanged(value))


def other_name(name: str) -> str:
    """The name that stands for this one on the other side."""
    return _OTHER.get(name, name)


def renamed_feature(feature: str) -> str:
    """The name of a loss, which may begin with that of a dialect, exchanged as well."""
    dialect, _, member = feature.rpartition(".")
    return f"{other_name(dialect)}.{member}" if dialect in _OTHER else feature


def _exchanged(value: Any) -> Any:
    """The value itself where there is nothing to exchange, as in most of a conversation."""
    if type(value) is tuple:
        items = [_exchanged(item) for item in value]
        same = all(map(is_, items, value))
        return value if same else tuple(items)
    fields = _fields(value.__class__)
    if not fields:
        return value
    if type(value) is Opaque:
        return msgspec.structs.replace(value, dialect=other_name(value.dialect))
    changed: dict[str, Any] = {}
    for name in fields:
        before = getattr(value, name)
        if before:
            after = _names(before) if name == "extensions" else _exchanged(before)
            if after is not before:
                changed[name] = after
    return msgspec.structs.replace(value, **changed) if changed else value


def _names(extensions: Mapping[str, Any]) -> dict[str, Any]:
    return {_OTHER.get(name, name): members for name, members in extensions.items()}


@cache
def _fields(kind: Hashable) -> tuple[str, ...]:
    if not isinstance(kind, type) or not issubclass(kind, msgspec.Struct):
        return ()
    return tuple(name for name in kind.__struct_fields__ if name in HOLDERS)
