"""Members of messages, parts and tools that only Messages knows, kept beside the request.

Renderers of other dialects leave them out, and report them as losses.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from jackfield.messages import Document, Image, Message, Opaque, Part, Tool, ToolCall, ToolResult

from .fields import NAME, own

Details = dict[str, dict[str, Any]]
_HINTS: Final = frozenset({"cache_control", "eager_input_streaming", "type"})
"""Members that affect cost and speed only, or repeat others."""
_OFF: Final = ({"enabled": False}, {"type": "direct"}, ["direct"])
_KINDS: Final[Mapping[type, str]] = {Document: "document", Image: "image", ToolCall: "call"}


def read_details(messages: Iterable[Message], tools: Iterable[Tool | Opaque]) -> Details:
    """The members by the kind of object that has them, each kind under its own name.

    `messages` are those that may have any.
    """
    found: Details = {}
    for message in messages:
        _add("message", message.extensions[NAME], found)
        for part in message.parts:
            _add_part(part, found)
    for tool in tools:
        if type(tool) is Tool and not (members := tool.extensions[NAME]).keys() <= _HINTS:
            _add("tool", members, found)
    return found


def is_own(dialect: str) -> bool:
    """Whether what has this name belongs to the dialects of this family."""
    return dialect.startswith(NAME)


def _add_part(part: Part, found: Details) -> None:
    if isinstance(part, Document | Image | ToolCall):
        _add(_KINDS[type(part)], own(part.extensions), found)
    elif type(part) is ToolResult:
        _add("result", own(part.extensions), found)
        for inner in part.parts:
            _add_part(inner, found)


def _add(kind: str, members: Mapping[str, Any], found: Details) -> None:
    for key, value in members.items():
        if value and key[:1] != "$" and key not in _HINTS and value not in _OFF:
            found.setdefault(f"{NAME}.{kind}", {})[key] = value
