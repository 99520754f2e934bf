"""The items of Responses input and output, to and from canonical messages.

An assistant's turn is a run of items (reasoning, messages, calls) and becomes one message whose
parts keep the order. The first part of an item carries the item's other members under "$item" in
its extensions, so that the boundaries between items can be restored.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from jackfield.errors import InvalidRequest
from jackfield.messages import (
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from jackfield.proofs import unseal

from .responses_content import JSON, NAME, own, parse_content, rest
from .responses_namespaces import full_name
from .responses_shapes import CallShape, MessageShape, ReasoningShape, ResultShape, check

_ROLES: Mapping[str, Role] = {
    "user": "user",
    "system": "system",
    "developer": "developer",
    "assistant": "assistant",
}
_CALLS = frozenset({"function_call", "custom_tool_call"})
_RESULTS = frozenset({"function_call_output", "custom_tool_call_output"})
_INCIDENTAL = ("id", "status")
"""Members of a message that say nothing about it."""

_MODEL_ITEMS = frozenset({"compaction", "mcp_list_tools", "mcp_approval_request", "program"})


def parse_items(items: Sequence[Any], where: str) -> list[Message]:
    """The messages that `items` form. Raises InvalidRequest that names the invalid item."""
    messages: list[Message] = []
    turn: list[Part] = []
    for index, item in enumerate(items):
        path = f"{where}[{index}]"
        if not isinstance(item, dict):
            raise InvalidRequest(f"'{path}' must be an object.", param=path)
        parts = model_parts(item, path)
        if parts is not None:
            turn += parts
            continue
        if turn:
            messages.append(Message("assistant", tuple(turn)))
            turn = []
        messages.append(_parse_item(item, path))
    if turn:
        messages.append(Message("assistant", tuple(turn)))
    return messages


def model_parts(item: JSON, path: str) -> list[Part] | None:
    """The parts of an item written by the model; None for any other item."""
    kind = kind_of(item, path)
    if kind == "message" and item.get("role") == "assistant":
        return _parse_output_message(item, path)
    if kind == "reasoning":
        check(item, ReasoningShape, path)
        return list(reasoning_parts(item))
    if kind in _CALLS:
        return [_parse_call(item, kind, path)]
    if kind == "image_generation_call" and isinstance(item.get("result"), str):
        return [_parse_generated(item)]
    if kind.endswith("_call") or kind in _MODEL_ITEMS or _is_earlier_thought(kind, item):
        return [Opaque(NAME, kind, item)]
    return None


def kind_of(item: JSON, path: str) -> str:
    """The type of an item; the short forms omit it."""
    kind = item.get("type")
    if kind is None and "role" in item:
        return "message"
    if kind is None and isinstance(item.get("id"), str):
        return "item_reference"
    if not isinstance(kind, str) or not kind:
        raise InvalidRequest(f"'{path}.type' must be a string.", param=f"{path}.type")
    return kind


def _is_earlier_thought(kind: str, item: JSON) -> bool:
    # Only its id tells a thought from a text; dropping it would change the conversation.
    return kind == "item_reference" and str(item.get("id")).startswith("rs_")


def item_extra(item: Mapping[str, Any]) -> JSON:
    """The members of a message or reasoning item other than its content."""
    return rest(item, "type", "role", "content", "summary", "encrypted_content")


def message_note(item: Mapping[str, Any]) -> JSON:
    """The note with which a message's first part restores it, and names its own members."""
    extra = item_extra(item)
    beside = rest(extra, *_INCIDENTAL)
    return {"$item": extra, "$beside": beside} if beside else {"$item": extra}


def reasoning_extra(item: Mapping[str, Any]) -> JSON:
    """The members of a reasoning item other than its id and texts; an empty `content` stays."""
    extra = rest(item_extra(item), "id")
    return {**extra, "content": []} if item.get("content") == [] else extra


def _parse_output_message(item: JSON, path: str) -> list[Part]:
    check(item, MessageShape, path)
    content = item.get("content")
    parts = [] if content is None else list(parse_content(content))
    if parts and isinstance(parts[0], Text | Refusal):
        first = parts[0]
        extensions = {NAME: {**own(first.extensions), **message_note(item)}}
        if isinstance(first, Text):
            parts[0] = Text(first.text, first.citations, extensions)
        else:
            parts[0] = Refusal(first.text, extensions)
    return parts


def reasoning_parts(item: JSON) -> list[Reasoning]:
    """One part for each summary and each thought; the last one has the proof."""
    texts = [(block.get("text") or "", True) for block in item.get("summary") or ()]
    texts += [(block.get("text") or "", False) for block in item.get("content") or ()]
    texts = texts or [("", False)]
    thought = unseal(item.get("encrypted_content"))
    if thought is not None:
        return [replace(thought, text="".join(text for text, _ in texts))]
    last = len(texts) - 1
    return [
        Reasoning(
            text,
            id=item.get("id"),
            encrypted=item.get("encrypted_content") if index == last else None,
            summary=summary,
            extensions={NAME: {} if index else {"$item": reasoning_extra(item)}},
        )
        for index, (text, summary) in enumerate(texts)
    ]


def _parse_call(item: JSON, kind: str, path: str) -> ToolCall:
    check(item, CallShape, path)
    body = "arguments" if kind == "function_call" else "input"
    return ToolCall(
        item.get("call_id") or item.get("id") or "",
        full_name(item.get("namespace"), item["name"]),
        item.get(body, ""),
        kind="function" if kind == "function_call" else "custom",
        extensions={NAME: rest(item, "type", "call_id", "name", body)},
    )


def _parse_generated(item: JSON) -> Image:
    return Image(
        data=item["result"],
        media_type=f"image/{item.get('output_format') or 'png'}",
        extensions={NAME: rest(item, "type", "result")},
    )


def _parse_item(item: JSON, path: str) -> Message:
    kind = kind_of(item, path)
    if kind in _RESULTS:
        return Message("tool", (_parse_result(item, kind, path),))
    if kind != "message":
        role: Role = "tool" if kind.endswith("_output") else "user"
        return Message(role, (Opaque(NAME, kind, item),))
    check(item, MessageShape, path)
    if item["role"] not in _ROLES:
        raise InvalidRequest(
            f"'{path}.role' must be user, assistant, system or developer.", param=f"{path}.role"
        )
    if item.get("content") in (None, []):
        raise InvalidRequest(f"'{path}.content' must not be empty.", param=f"{path}.content")
    extra = rest(item, "type", "role", "content")
    return Message(
        _ROLES[item["role"]],
        parse_content(item["content"]),
        extensions={NAME: extra} if extra else {},
    )


def _parse_result(item: JSON, kind: str, path: str) -> ToolResult:
    check(item, ResultShape, path)
    return ToolResult(
        item["call_id"],
        parse_content(item["output"]),
        kind="function" if kind == "function_call_output" else "custom",
        extensions={NAME: rest(item, "type", "call_id", "output")},
    )
