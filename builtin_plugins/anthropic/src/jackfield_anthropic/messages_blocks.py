"""Parses content blocks of Messages into canonical parts.

Server tools, their results and anything else that only Anthropic knows are kept unchanged.
"""

from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Any

import msgspec

from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, object_fields
from jackfield.messages import Opaque, Part, Text, ToolCall, ToolResult

from .fields import NAME
from .messages_citations import read_citations
from .messages_reasoning import read_redacted, read_thinking
from .messages_sources import read_document, read_image, read_search_result
from .messages_usual import usual_block

_encode = msgspec.json.Encoder().encode


def read_content(content: Any, path: str, *, strict: bool = True) -> list[Part]:
    """The parts of a message's or a result's content: a string or an array of blocks."""
    if isinstance(content, str):
        return [Text(content)] if content else []
    if not isinstance(content, list):
        raise InvalidRequest(f"'{path}' must be a string or an array of blocks.", param=path)
    return [
        usual_block(block) or read_block(block, f"{path}[{i}]", strict=strict)
        for i, block in enumerate(content)
    ]


def read_block(wire: Any, path: str, *, strict: bool = True) -> Part:
    """One block. Raises InvalidRequest that names the invalid field."""
    fields = object_fields(wire, path, strict=strict)
    kind = fields.needed_text("type")
    reader = _READERS.get(kind)
    part = reader(fields) if reader else None
    return Opaque(NAME, kind, wire) if part is None else part


def _read_text(fields: Fields) -> Part:
    text = fields.needed_text("text")
    return Text(text, read_citations(fields), fields.extensions(NAME))


def read_call(fields: Fields) -> ToolCall:
    """A `tool_use` block. One in an answer gets an id if it has none."""
    identity = fields.text("id")
    if identity is None:
        if fields.strict:
            raise fields.wrong("id", "a string that is not empty")
        identity = new_call_id()
        fields.rest.pop("id", None)
    name = fields.needed_text("name")
    arguments = fields.rest.pop("input", None)
    if arguments is None:
        arguments = {}
    elif fields.strict and not isinstance(arguments, dict):
        raise fields.wrong("input", "an object")
    return ToolCall(identity, name, _encode(arguments).decode(), extensions=fields.extensions(NAME))


def new_call_id() -> str:
    """An id for a call without one."""
    return f"toolu_{token_hex(12)}"


def _read_result(fields: Fields) -> Part:
    answered = fields.needed_text("tool_use_id")
    content = fields.rest.pop("content", None)
    failed = fields.rest.get("is_error")
    if failed is True:
        del fields.rest["is_error"]
    elif failed not in (None, False) and fields.strict:
        raise fields.wrong("is_error", "a boolean")
    parts: list[Part] = []
    if content is not None:
        parts = read_content(content, fields.where("content"), strict=fields.strict)
        fields.rest["$content"] = "text" if isinstance(content, str) else "list"
    return ToolResult(
        answered, tuple(parts), is_error=failed is True, extensions={NAME: fields.rest}
    )


_READERS: Mapping[str, Callable[[Fields], Part | None]] = {
    "text": _read_text,
    "image": read_image,
    "document": read_document,
    "search_result": read_search_result,
    "tool_use": read_call,
    "tool_result": _read_result,
    "thinking": read_thinking,
    "redacted_thinking": read_redacted,
}
