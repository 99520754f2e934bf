"""Parses the contents of a conversation into canonical messages."""

from typing import Any

from jackfield.errors import InvalidRequest
from jackfield.messages import Message, Part, Role, Text

from .call_ids import OpenCalls, placed_id
from .fields import NAME, Fields
from .function_parts import read_result
from .model_turn import RESULT_KEYS, calls_in, is_model, read_turn
from .parts import read_part

_ROLES: dict[str, Role] = {"user": "user", "function": "tool"}


def read_system(fields: Fields) -> list[Message]:
    """The system prompt as the first message, or no message."""
    wire = fields.rest.get("systemInstruction")
    if wire is None:
        return []
    if isinstance(wire, str):
        del fields.rest["systemInstruction"]
        return [Message("system", (Text(wire),))]
    inner = fields.inner("systemInstruction")
    if inner is None:
        return []
    parts: list[Part] = []
    listed = inner.items("parts")
    if listed is None and inner.rest:
        raise inner.wrong("parts", "an array of parts")
    for i, part in enumerate(listed or ()):
        parts += read_part(part, f"systemInstruction.parts[{i}]", "", strict=True)
    return [Message("system", tuple(parts), extensions=inner.extensions())]


def read_contents(fields: Fields) -> list[Message]:
    """The messages in `contents`. Raises InvalidRequest that names the invalid field."""
    where = fields.where("contents")
    contents = fields.items("contents")
    if not contents:
        raise InvalidRequest(f"'{where}' must be an array of at least one content.", param=where)
    calls = OpenCalls()
    messages: list[Message] = []
    at = 0
    while at < len(contents):
        end = at
        while end < len(contents) and is_model(contents[end]):
            end += 1
        if end == at:
            messages.append(_read_content(contents[at], at, f"{where}[{at}]", calls))
            at += 1
            continue
        messages.append(read_turn(contents[at:end], at))
        for call in calls_in(messages[-1]):
            calls.add(call.id, call.name)
        at = end
    return messages


def _read_content(wire: Any, place: int, path: str, calls: OpenCalls) -> Message:
    """A content of the user or of tools."""
    if not isinstance(wire, dict):
        raise InvalidRequest(f"'{path}' must be an object.", param=path)
    fields = Fields(wire, path)
    given = fields.text("role") or None
    role = _ROLES.get(given or "user")
    if role is None:
        raise fields.wrong("role", "user or model")
    parts: list[Part] = []
    listed = fields.items("parts")
    if not listed:
        raise fields.wrong("parts", "an array of parts")
    for i, part in enumerate(listed):
        result = _result_fields(part, f"{path}.parts[{i}]")
        if result is None:
            parts += read_part(part, f"{path}.parts[{i}]", placed_id(place, i), strict=True)
        else:
            role = "tool"
            parts.append(read_result(result, calls, placed_id(place, i)))
    return Message(role, tuple(parts), extensions={NAME: {**fields.rest, "$role": given}})


def _result_fields(wire: Any, path: str) -> Fields | None:
    """The fields of a part's `functionResponse`, if it is one."""
    if not isinstance(wire, dict) or not wire.keys() & RESULT_KEYS:
        return None
    return Fields(wire, path).inner("functionResponse")
