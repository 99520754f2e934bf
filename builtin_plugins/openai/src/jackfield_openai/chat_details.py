"""Members of messages, parts, calls and tools that only chat knows, kept beside the request.

Renderers of other dialects leave them out, and report them as losses.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from jackfield.fields import own
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

from .chat_parts import NAME
from .losses import OF_CHUNKS

Details = dict[str, dict[str, Any]]
_HINTS: Final = frozenset({"cache_control", "index", "prefix", "prompt_cache_breakpoint"})
"""Members that affect cost and speed only, or have a canonical form: `prefix` marks a text that
the model is to continue, as others continue any.
"""

_NESTED: Final = frozenset({"custom", "file", "function", "image_url", "input_audio"})
"""Members that hold what is left of an object of their own."""

_KINDS: Final[Mapping[type, str]] = {
    **dict.fromkeys((Text, Image, Audio, Document), "part"),
    ToolCall: "call",
    ToolResult: "result",
}


def read_details(messages: Iterable[Message], tools: Iterable[Tool | Opaque]) -> Details:
    """The members by the kind of object that has them, each kind under its own name.

    `messages` are those that may have any.
    """
    found: Details = {}
    for message in messages:
        _add("message", own(message.extensions, NAME), found)
        for part in message.parts:
            extensions = getattr(part, "extensions", None)
            if extensions and type(part) in _KINDS:
                _add(_KINDS[type(part)], own(extensions, NAME), found)
    for tool in tools:
        if isinstance(tool, Tool) and tool.extensions:
            _add("tool", own(tool.extensions, NAME), found)
    return found


def _add(kind: str, members: Mapping[str, Any], found: Details) -> None:
    for key, value in members.items():
        if key in _NESTED and isinstance(value, dict):
            _add(kind, value, found)
        elif value and key[:1] != "$" and key not in _HINTS and key not in OF_CHUNKS:
            found.setdefault(f"{NAME}.{kind}", {})[key] = value
