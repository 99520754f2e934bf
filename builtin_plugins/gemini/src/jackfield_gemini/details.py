"""Members of files and functions that only Gemini knows, kept beside the request.

Renderers of other dialects leave them out, and report them as losses.
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
    """The members, grouped by the kind of object that has them."""
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
    """Whether dialects of this family know members of this name."""
    return dialect.startswith(NAME)


def _add(kind: str, one: Document | Tool, found: Details) -> None:
    for key, value in own(one.extensions).items():
        if value and key in _TOLD:
            found.setdefault(f"{NAME}.{kind}", {})[key] = value
