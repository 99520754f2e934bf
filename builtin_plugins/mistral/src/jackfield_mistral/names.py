"""The names of the extensions of Mistral's and OpenAI's dialects.

Mistral's dialects parse and render through OpenAI's, which keep extensions under their own names.
The names are exchanged in all canonical values that leave this plugin, so that to all other code,
OpenAI's dialects included, the extensions are Mistral's; they are exchanged back before rendering.
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
_OTHER: Final = {**dict(_PAIRS), **{openais: own for own, openais in _PAIRS}}

HOLDERS: Final = frozenset(
    ("extensions", "messages", "message", "parts", "citations", "citation", "tools", "tool_choice")
) | {"choices", "usage", "value"}
"""The fields of canonical values that contain names, or values with names."""

T = TypeVar("T")


def exchanged(value: T) -> T:
    """The same canonical value of any kind, with the names exchanged throughout."""
    return cast("T", _exchanged(value))


def other_name(name: str) -> str:
    """The corresponding name on the other side, of a dialect or of a kind of its members."""
    head, dot, kind = name.rpartition(".")
    return _OTHER.get(name) or _OTHER.get(head, head) + dot + kind


def renamed_feature(feature: str) -> str:
    """The name of a loss, with a leading dialect name exchanged."""
    dialect, _, member = feature.rpartition(".")
    return f"{other_name(dialect)}.{member}" if dialect else feature


def _exchanged(value: Any) -> Any:
    """The value, unchanged if it contains no names, as in most of a conversation."""
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
    return {other_name(name): members for name, members in extensions.items()}


@cache
def _fields(kind: Hashable) -> tuple[str, ...]:
    if not isinstance(kind, type) or not issubclass(kind, msgspec.Struct):
        return ()
    return tuple(name for name in kind.__struct_fields__ if name in HOLDERS)
