"""Fast paths for writing the most common shapes of turns and blocks.

These need no adaptation. Each function returns what the general writer would, or None if the
general writer is needed.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeGuard

import msgspec

from jackfield.messages import Message, Part, Text, ToolCall, ToolResult

from .fields import NAME, UNREADABLE

Block = dict[str, Any]
_decode = msgspec.json.Decoder().decode
_LEGAL_ID: Final = re.compile(r"[a-zA-Z0-9_-]+")
_RESULTS: Final = {ToolResult}
_ROLES: Final = {"assistant": "assistant", "user": "user", "tool": "user"}


def usual_conversation(messages: Sequence[Message]) -> dict[str, Any] | None:
    """The `system` and `messages` of another dialect's alternating conversation.

    Instructions are one text at the start, the user is first and last, and only tool results follow
    each other.
    """
    wire: dict[str, Any] = {}
    turns: list[dict[str, Any]] = []
    before, last = "", "assistant"
    for message in messages:
        speaker, blocks = message.role, usual_blocks(message.parts)
        if not blocks or NAME in message.extensions or message.name is not None:
            return None
        content: Any = blocks
        if len(blocks) == 1 and "text" in blocks[0]:
            content = blocks[0]["text"]
        role = _ROLES.get(speaker)
        if role is None and not before and type(content) is str:
            wire["system"] = content
        elif role is None or (speaker == "tool" and set(map(type, message.parts)) != _RESULTS):
            return None
        elif role != last:
            turns.append({"role": role, "content": content})
            last = role
        elif speaker == before == "tool":
            turns[-1]["content"] += blocks
        else:
            return None
        before = speaker
    wire["messages"] = turns
    return wire if last == "user" else None


def usual_blocks(parts: Sequence[Part]) -> list[Block] | None:
    """The blocks of texts that are not blank, calls with their input, results that are texts."""
    blocks = []
    for part in parts:
        write = _WRITERS.get(type(part))
        block = None if write is None else write(part)
        if block is None:
            return None
        blocks.append(block)
    return blocks


def is_plain(part: Part) -> TypeGuard[Text]:
    """Whether it is only a text."""
    return type(part) is Text and not part.citations and NAME not in part.extensions


def _written_text(part: Text) -> Block | None:
    text = part.text
    if part.citations or NAME in part.extensions or not text or text.isspace():
        return None
    return {"type": "text", "text": text}


def _written_call(call: ToolCall) -> Block | None:
    if call.kind != "function" or NAME in call.extensions or not _LEGAL_ID.fullmatch(call.id):
        return None
    try:
        arguments = _decode(call.arguments)
    except UNREADABLE:
        return None
    if type(arguments) is not dict:
        return None
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments}


def _written_result(result: ToolResult) -> Block | None:
    answered, parts = result.tool_call_id, result.parts
    if result.is_error or NAME in result.extensions or not _LEGAL_ID.fullmatch(answered):
        return None
    text = parts[0].text if len(parts) == 1 and is_plain(parts[0]) else ""
    if not text or text.isspace():
        return None
    return {"type": "tool_result", "tool_use_id": answered, "content": text}


_WRITERS: Final[dict[type, Callable[[Any], Block | None]]] = {
    Text: _written_text,
    ToolCall: _written_call,
    ToolResult: _written_result,
}
