"""What files and functions say that only Gemini knows, told beside the request.

Whoever renders them in another dialect leaves it out, and names as lost what stands here.
"""

from collections.abc import Iterable
from typing import Any, Final

from jackfield.messages import Document, Message, Opaque, Tool

from .fields import NAME, own

Details = dict[str, dict[str, Any]]
_TOLD: Final = frozenset(
    {"behavior", "mediaResolution", "response", "responseJsonSchema", "videoMetadata"}
)


def read_details(messages: Iterable[Message], tools: Iterable[Tool | Opaque]) -> Details:
    """The members by the kind of what has them, each kind under a name of its own."""
    found: Details = {}
    for message in messages:
        for part in message.parts:
            if type(part) is Document:
                _add("document", part, found)
    for tool in tools:
        if type(tool) is Tool:
            _add("function", tool, found)
    return found


def is_own(dialect: str) -> bool:
    """Whether what stands under this name is said in the dialects of this family."""
    return dialect.startswith(NAME)


def _add(kind: str, one: Document | Tool, found: Details) -> None:
    for key, value in own(one.extensions).items():
        if value and key in _TOLD:
            found.setdefault(f"{NAME}.{kind}", {})[key] = value
