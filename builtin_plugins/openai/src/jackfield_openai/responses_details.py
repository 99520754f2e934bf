"""Members of messages, parts, tools and calls that only Responses knows, kept beside the request.

Renderers of other dialects leave them out, and report them as losses.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from jackfield.messages import Document, Message, Refusal, Text, Tool, ToolCall, ToolResult

from .responses_content import NAME, own
from .responses_namespaces import Tools, descriptions

Details = dict[str, dict[str, Any]]
_HINTS: Final = frozenset({"id", "logprobs", "namespace", "prompt_cache_breakpoint", "status"})
"""Members that have a canonical form, or say nothing that could change an answer."""

_OFF: Final = (["direct"], {"type": "direct"})


def read_details(messages: Iterable[Message], tools: Tools) -> Details:
    """The members, grouped by the kind of object that has them."""
    found: Details = {}
    _add("namespace", {"description": "\n".join(descriptions(tools))}, found)
    for tool in tools:
        if isinstance(tool, Tool):
            _add("tool", own(tool.extensions), found)
    for message in messages:
        if message.extensions:
            _add("message", own(message.extensions), found)
        for part in message.parts:
            if isinstance(part, ToolCall | ToolResult):
                _add("call", own(part.extensions), found)
            elif isinstance(part, Text | Refusal | Document) and part.extensions:
                _add("part", own(part.extensions), found)
                _add("message", own(part.extensions).get("$beside", {}), found)
    return found


def _add(kind: str, members: Mapping[str, Any], found: Details) -> None:
    for key, value in members.items():
        if value and key[:1] != "$" and key not in _HINTS and value not in _OFF:
            found.setdefault(f"{NAME}.{kind}", {})[key] = value
