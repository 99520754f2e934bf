"""Members of parts and functions that only Gemini knows, kept beside the request.

Renderers of other dialects leave them out, and report them as losses.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from jackfield.messages import (
    Audio,
    Document,
    Image,
    Message,
    Opaque,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)

from .fields import NAME, own

Details = dict[str, dict[str, Any]]
_KINDS: Final[Mapping[type, str]] = {
    **dict.fromkeys((Text, Image, Audio), "part"),
    Document: "document",
    ToolCall: "call",
    ToolResult: "result",
    Tool: "function",
}
_NESTED: Final = frozenset({"fileData", "functionCall", "inlineData"})
"""Members that hold what is left of an object of their own."""


def read_details(messages: Iterable[Message], tools: Iterable[Tool | Opaque]) -> Details:
    """The members, grouped by the kind of object that has them."""
    found: Details = {}
    for message in messages:
        for part in message.parts:
            extensions = getattr(part, "extensions", None)
            if extensions and type(part) in _KINDS:
                for key, value in own(extensions).items():
                    _add(part, key, value, found)
    for tool in tools:
        if type(tool) is Tool:
            for key, value in own(tool.extensions).items():
                _add(tool, key, value, found)
    return found


def is_own(dialect: str) -> bool:
    """Whether dialects of this family know members of this name."""
    return dialect.startswith(NAME)


def _add(one: Any, key: str, value: Any, found: Details) -> None:
    if key in _NESTED and isinstance(value, dict):
        for inner in value:
            _add(one, inner, value[inner], found)
    elif value and key[:1] != "$" and not _has_content(one, key):
        found.setdefault(f"{NAME}.{_KINDS[type(one)]}", {})[key] = value


def _has_content(one: Any, key: str) -> bool:
    """Whether the canonical form says the same: a file's name, or how closely to look at it."""
    if key == "displayName":
        return True
    return key == "mediaResolution" and isinstance(one, Image) and one.detail is not None
