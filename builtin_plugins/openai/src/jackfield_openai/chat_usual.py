"""Fast paths for the most common shapes of messages, calls and tools.

Looking for anything else is what takes time, so these accept only exact shapes. Each function
returns what the general reader would, or None if the general reader is needed.
"""

from typing import Any

from jackfield.messages import Message, Part, Role, Text, Tool, ToolCall, ToolResult

from .chat_parts import NAME

_SPEAKERS: dict[Any, Role] = {"system": "system", "developer": "developer", "user": "user"}


def usual_message(wire: Any) -> Message | None:
    """A text, a tool's text, or an assistant's text and calls; other members are null."""
    if type(wire) is not dict:
        return None
    role, content = wire.get("role"), wire.get("content")
    if role == "assistant":
        return _usual_answer(wire, content)
    if type(content) is not str or not content:
        return None
    if role == "tool":
        identity = wire.get("tool_call_id")
        if len(wire) != 3 or type(identity) is not str or not identity:
            return None
        result = ToolResult(identity, (Text(content),), extensions={NAME: {}})
        return Message("tool", (result,))
    speaker = _SPEAKERS.get(role) if len(wire) == 2 and type(role) is str else None
    return Message(speaker, (Text(content),)) if speaker is not None else None


def _usual_answer(wire: dict[str, Any], content: Any) -> Message | None:
    parts: list[Part] = []
    rest = dict(wire)
    del rest["role"]
    if content:
        if type(content) is not str:
            return None
        parts.append(Text(content))
        del rest["content"]
    calls = rest.get("tool_calls")
    if calls:
        if type(calls) is not list:
            return None
        for wire_call in calls:
            call = usual_call(wire_call)
            if call is None:
                return None
            parts.append(call)
        del rest["tool_calls"]
    for key, value in rest.items():
        if value is not None and (key != "annotations" or value != []):
            return None
    return Message("assistant", tuple(parts), extensions={NAME: rest} if rest else {})


def usual_call(wire: Any) -> ToolCall | None:
    """A function call: its id, its name, and its arguments as text."""
    if type(wire) is not dict or len(wire) != 3 or wire.get("type") != "function":
        return None
    identity, inner = wire.get("id"), wire.get("function")
    if type(identity) is not str or not identity or type(inner) is not dict or len(inner) != 2:
        return None
    name, arguments = inner.get("name"), inner.get("arguments")
    if type(name) is not str or type(arguments) is not str:
        return None
    return ToolCall(identity, name, arguments)


def usual_tool(wire: Any) -> Tool | None:
    """A function with a description and parameters, strict or not."""
    if type(wire) is not dict or len(wire) != 2 or wire.get("type") != "function":
        return None
    inner = wire.get("function")
    if type(inner) is not dict:
        return None
    name, description = inner.get("name"), inner.get("description")
    parameters, strict = inner.get("parameters"), inner.get("strict")
    if type(name) is not str or type(description) is not str or type(parameters) is not dict:
        return None
    if not description or not parameters or len(inner) != (4 if type(strict) is bool else 3):
        return None
    return Tool(name, description, parameters, strict)
