"""Fast paths for reading messages, blocks and tools of the most common shapes.

Looking for anything else is what takes time, so these accept only shapes with nothing else. Each
function returns what the general reader would, or None if the general reader is needed.
"""

from types import NoneType
from typing import Any, Final

import msgspec

from jackfield.messages import Extensions, Message, Part, Role, Text, Tool, ToolCall, ToolResult

from .fields import CONTENT, NAME

_encode = msgspec.json.Encoder().encode
_AS_TEXT: Final[Extensions] = {NAME: {CONTENT: "text"}}
_AS_LIST: Final[Extensions] = {NAME: {CONTENT: "list"}}


def usual_message(wire: Any) -> Message | None:
    """A text, or usual blocks: in a user's message either all are tool results or none is."""
    if type(wire) is not dict or len(wire) != 2:
        return None
    role, content = wire.get("role"), wire.get("content")
    if role not in ("user", "assistant"):
        return None
    if type(content) is str:
        return Message(role, (Text(content),), extensions=_AS_TEXT) if content else None
    blocks = tuple(map(usual_block, content)) if type(content) is list else ()
    kinds = set(map(type, blocks))
    if not kinds or NoneType in kinds or (ToolResult in kinds and len(kinds) > 1):
        return None
    speaker: Role = "tool" if role == "user" and ToolResult in kinds else role
    return Message(speaker, blocks, extensions=_AS_LIST)  # type: ignore[arg-type]


def usual_block(wire: Any) -> Part | None:
    """A text, a call with its input, or a result that is a text."""
    if type(wire) is not dict:
        return None
    kind = wire.get("type")
    if kind == "text":
        text = wire.get("text")
        return Text(text) if len(wire) == 2 and type(text) is str else None
    if kind == "tool_use":
        return _usual_call(wire)
    return _usual_result(wire) if kind == "tool_result" else None


def _usual_call(wire: dict[str, Any]) -> Part | None:
    identity, name, arguments = wire.get("id"), wire.get("name"), wire.get("input")
    if len(wire) != 4 or type(identity) is not str or not identity:
        return None
    if type(name) is not str or type(arguments) is not dict:
        return None
    return ToolCall(identity, name, _encode(arguments).decode())


def _usual_result(wire: dict[str, Any]) -> Part | None:
    answered, content = wire.get("tool_use_id"), wire.get("content")
    if len(wire) != 3 or type(answered) is not str or type(content) is not str or not content:
        return None
    return ToolResult(answered, (Text(content),), extensions=_AS_TEXT)


def usual_tool(wire: Any) -> Tool | None:
    """A tool with a name, a description and a schema."""
    if type(wire) is not dict or len(wire) != 3:
        return None
    name, description, schema = wire.get("name"), wire.get("description"), wire.get("input_schema")
    if type(name) is not str or type(description) is not str or type(schema) is not dict:
        return None
    return Tool(name, description, schema, extensions={NAME: {}}) if description else None
