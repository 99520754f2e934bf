"""Parses one chat message, from a request or an answer, into the canonical form."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from jackfield.errors import InvalidRequest
from jackfield.fields import Fields
from jackfield.messages import (
    Message,
    Part,
    Reasoning,
    Role,
    Text,
    ToolCall,
    ToolResult,
)

from .chat_parts import NAME, read_parts
from .chat_tools import read_call
from .citations import read_citation

PLAN: Final = "$tool_plan"
"""The note on a thought that came in `tool_plan`."""

_ROLES: Final[Mapping[str, Role]] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


def read_messages(wire: Any) -> tuple[Message, ...]:
    """The messages of a request. Raises InvalidRequest that names the invalid field."""
    if not isinstance(wire, list) or not wire:
        raise InvalidRequest(
            "'messages' must be an array of at least one message.", param="messages"
        )
    return tuple(read_message(item, f"messages[{i}]") for i, item in enumerate(wire))


def read_message(wire: Any, path: str, *, strict: bool = True) -> Message:
    """One message; messages of answers are parsed leniently."""
    if not isinstance(wire, dict):
        raise InvalidRequest(f"'{path}' must be an object.", param=path)
    fields = Fields(wire, path, strict=strict)
    role_name = fields.rest.pop("role", None if strict else "assistant")
    role = _ROLES.get(role_name.lower()) if isinstance(role_name, str) else None
    if role is None:
        raise fields.wrong("role", f"one of {', '.join(_ROLES)}")
    if role == "tool":
        return _tool_message(fields)
    if role == "user" and fields.rest.get("content") in (None, []):
        raise fields.wrong("content", "a string or an array of parts")
    parts = _content(fields)
    if role == "assistant":
        parts = [*_plan(fields), *_cited(parts, fields), *_calls(fields)]
    return Message(role, tuple(parts), extensions=fields.extensions(NAME))


def _content(fields: Fields) -> list[Part]:
    """The parts of the content, with a note on its form; empty texts are skipped."""
    content = fields.rest.get("content")
    parts = read_parts(content, fields.where("content"), strict=fields.strict)
    if all(isinstance(part, Text) and not part.text for part in parts):
        return []
    del fields.rest["content"]
    if isinstance(content, list):
        fields.rest["$content"] = "list"
    return parts


def _tool_message(fields: Fields) -> Message:
    answered = fields.text("tool_call_id")
    if answered is None:
        raise fields.wrong("tool_call_id", "the id of a tool call")
    parts = tuple(_content(fields))
    return Message("tool", (ToolResult(answered, parts, extensions={NAME: fields.rest}),))


def _plan(fields: Fields) -> list[Part]:
    plan = fields.text("tool_plan")
    return [] if plan is None else [plan_of(plan)]


def plan_of(text: str) -> Reasoning:
    """The model's plan before its tool calls, as a thought without visible text.

    Cohere expects it back with the results, so it travels like the proof of a thought.
    """
    return Reasoning(encrypted=text, extensions={NAME: {PLAN: True}})


def is_plan(thought: Reasoning) -> bool:
    """Whether a thought is Cohere's plan."""
    return PLAN in thought.extensions.get(NAME, {})


def _cited(parts: list[Part], fields: Fields) -> list[Part]:
    """The parts with their citations; those of plans and thoughts stay in the fields."""
    others = []
    first = next((i for i, part in enumerate(parts) if isinstance(part, Text)), -1)
    for wire in fields.items("citations"):
        index = wire.get("content_index", first) if isinstance(wire, dict) else -1
        part = parts[index] if isinstance(index, int) and 0 <= index < len(parts) else None
        if isinstance(part, Text):
            parts[index] = replace(part, citations=(*part.citations, *read_citation(wire)))
        else:
            others.append(wire)
    if others:
        fields.rest["$citations"] = others
    return parts


def _calls(fields: Fields) -> list[ToolCall]:
    where = fields.where("tool_calls")
    calls = fields.items("tool_calls")
    return [read_call(c, f"{where}[{i}]", strict=fields.strict) for i, c in enumerate(calls)]
