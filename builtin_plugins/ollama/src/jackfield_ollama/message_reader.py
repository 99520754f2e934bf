"""Parses Ollama's messages, from requests or answers, into the canonical form."""

from collections.abc import Mapping
from typing import Any

from jackfield.errors import InvalidRequest
from jackfield.fields import Fields
from jackfield.messages import Message, Part, Reasoning, Role, Text, ToolCall, ToolResult

from .images import read_images
from .tools import MADE_ID, NAME, placed_id, read_calls

_ROLES: Mapping[str, Role] = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}


def read_messages(wire: Any) -> tuple[Message, ...]:
    """The messages of a request. Raises InvalidRequest that names the invalid field."""
    if not isinstance(wire, list):
        raise InvalidRequest("'messages' must be an array.", param="messages")
    if not wire:
        raise InvalidRequest(
            "'messages' is empty, which loads or unloads a model in Ollama; this model has"
            " another provider.",
            param="messages",
        )
    unanswered: list[ToolCall] = []
    messages = []
    for i, item in enumerate(wire):
        message = _read_message(item, f"messages[{i}]", unanswered)
        unanswered += [part for part in message.parts if isinstance(part, ToolCall)]
        messages.append(message)
    return tuple(messages)


def _read_message(wire: Any, path: str, unanswered: list[ToolCall]) -> Message:
    if not isinstance(wire, dict):
        raise InvalidRequest(f"'{path}' must be an object.", param=path)
    fields = Fields(wire, path)
    given = fields.rest.pop("role", None)
    role = _ROLES.get(given.lower()) if isinstance(given, str) else None
    if role is None:
        raise fields.wrong("role", f"one of {', '.join(_ROLES)}")
    if role == "tool":
        return Message("tool", (_read_result(fields, unanswered),))
    parts = read_parts(fields, placed_id(path))
    if given != role:
        fields.rest["$role"] = given
    return Message(role, tuple(parts), extensions=fields.extensions(NAME))


def read_parts(fields: Fields, made_id: str) -> list[Part]:
    """The parts of a message, in the order in which a model produces them."""
    parts: list[Part] = []
    thinking, content = fields.text("thinking"), fields.text("content")
    if thinking is not None:
        parts.append(Reasoning(thinking, extensions={NAME: {}}))
    if content is not None:
        parts.append(Text(content))
    parts += read_images(fields)
    parts += read_calls(fields, made_id)
    return parts


def _read_result(fields: Fields, unanswered: list[ToolCall]) -> ToolResult:
    name, answered = fields.text("tool_name"), fields.text("tool_call_id")
    content = fields.text("content")
    parts: list[Part] = [Text(content)] if content is not None else []
    parts += read_images(fields)
    if answered is None:
        answered = _answered(fields, name, unanswered).id
        fields.rest[MADE_ID] = True
    unanswered[:] = [call for call in unanswered if call.id != answered]
    return ToolResult(answered, tuple(parts), name, extensions={NAME: fields.rest})


def _answered(fields: Fields, name: str | None, unanswered: list[ToolCall]) -> ToolCall:
    """The call that a result without an id belongs to: the first open one of its name."""
    for call in unanswered:
        if name in (None, call.name):
            return call
    raise fields.wrong("tool_name", "the name of a tool that was called before and not answered")
