"""Members of tools and calls that only Responses knows, kept beside the request.

Renderers of other dialects leave them out, and report them as losses.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from jackfield.messages import Message, Tool, ToolCall, ToolResult

from .responses_content import NAME, own
from .responses_namespaces import Tools, descriptions

Details = dict[str, dict[str, Any]]
_OF_CALLS: Final = ("caller",)
_OFF: Final = (["direct"], {"type": "direct"})


def read_details(messages: Iterable[Message], tools: Tools) -> Details:
    """The members, grouped by the kind of object that has them."""
    found: Details = {}
    _add("namespace", {"description": "\n".join(descriptions(tools))}, found)
    for tool in tools:
        if isinstance(tool, Tool):
            _add("tool", own(tool.extensions), found)
    for message in messages:
        for part in message.parts:
            if isinstance(part, ToolCall | ToolResult):
                said = own(part.extensions)
                _add("call", {key: said.get(key) for key in _OF_CALLS}, found)
    return found


def _add(kind: str, members: Mapping[str, Any], found: Details) -> None:
    for key, value in members.items():
        if value and key[:1] != "$" and value not in _OFF:
            found.setdefault(f"{NAME}.{kind}", {})[key] = value
