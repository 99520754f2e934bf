"""Function calls and function responses."""

from collections.abc import Mapping
from typing import Any

import msgspec

from jackfield.dialects import Loss
from jackfield.errors import InvalidRequest
from jackfield.losses import lost_part
from jackfield.messages import Audio, Document, Image, Opaque, Part, Text, ToolCall, ToolResult

from .call_ids import OpenCalls, is_made_up
from .fields import NAME, UNREADABLE, Fields, carry, own
from .media import read_file, read_inline, write_media

CUSTOM_INPUT = "input"
"""The only argument of the function that replaces a free-form tool."""

_ENCODED = ("output", "error")


def read_call(fields: Fields, made_up: str) -> ToolCall | None:
    """The call in a part; None if it is malformed and parsing is lenient."""
    inner = fields.inner("functionCall")
    name = inner.text("name") if inner else None
    if inner is None or name is None:
        if fields.strict:
            raise fields.wrong("functionCall.name", "a string")
        return None
    if inner.rest.get("args") is None:
        inner.rest.pop("args", None)
        fields.rest["$args"] = None
    arguments = _text_of(inner.table("args") or {})
    identity = inner.text("id") or made_up
    if inner.rest:
        fields.rest["functionCall"] = inner.rest
    return ToolCall(identity, name, arguments, extensions=fields.extensions())


def _text_of(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def write_call(call: ToolCall, path: str, losses: list[Loss]) -> dict[str, Any]:
    """The part for a call."""
    inner: dict[str, Any] = {"name": call.name, "args": arguments_of(call, path, losses)}
    kept = own(call.extensions)
    if not inner["args"] and "$args" in kept:
        del inner["args"]
    if not is_made_up(call.id):
        inner["id"] = call.id
    more = kept.get("functionCall")
    if isinstance(more, dict):
        inner = {**more, **inner}
    return carry({"functionCall": inner}, call.extensions)


def arguments_of(call: ToolCall, path: str, losses: list[Loss]) -> Mapping[str, Any]:
    """The arguments, which must be an object."""
    if call.kind == "custom":
        detail = f"its text becomes the argument `{CUSTOM_INPUT}`"
        losses.append(Loss("tools.custom", path, "approximated", detail))
        return {CUSTOM_INPUT: call.arguments}
    value = _object_of(call.arguments or "{}")
    if value is None:
        detail = "non-object results"
        losses.append(Loss("tools.arguments", path, "dropped", detail))
        return {}
    return value


def _object_of(text: str) -> dict[str, Any] | None:
    try:
        value = msgspec.json.decode(text)
    except UNREADABLE:
        return None
    return value if isinstance(value, dict) else None


def read_result(fields: Fields, calls: OpenCalls, placed: str) -> ToolResult:
    """The result in a `functionResponse`; without an id it is for the oldest call of its name."""
    identity, name = fields.text("id"), fields.text("name")
    if not name:
        raise fields.wrong("name", "the name of a function")
    answered = calls.answered(identity, name) or placed
    response = fields.table("response")
    parts, failed = _read_response(response)
    media = [_read_nested(wire, fields) for wire in fields.items("parts") or ()]
    note: dict[str, Any] = {"$response": response}
    if identity is None:
        note["$id"] = None
    rest = {**fields.rest, **note}
    return ToolResult(answered, (*parts, *media), name, failed, extensions={NAME: rest})


def _read_response(response: Mapping[str, Any] | None) -> tuple[tuple[Part, ...], bool]:
    if response is None:
        return (), False
    if len(response) == 1:
        for key in _ENCODED:
            if isinstance(response.get(key), str):
                return (Text(response[key]),), key == "error"
    return (Text(_text_of(response)),), False


def _read_nested(wire: Any, fields: Fields) -> Part:
    where = fields.where("parts")
    if not isinstance(wire, dict):
        raise InvalidRequest(f"'{where}' must be an array of objects.", param=where)
    inner = Fields(wire, where, strict=False)
    if "inlineData" in inner.rest:
        found = read_inline(inner)
    else:
        found = read_file(inner) if "fileData" in inner.rest else None
    return found or Opaque(NAME, "functionResponse.part", wire)


def write_result(
    result: ToolResult, name: str, path: str, losses: list[Loss]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The `functionResponse` of a result, and its media as parts."""
    texts: list[str] = []
    media: list[dict[str, Any]] = []
    for part in result.parts:
        wire = _write_nested(part, path, losses)
        if wire is None:
            continue
        if isinstance(part, Opaque) or "text" not in wire:
            media.append(wire)
        else:
            texts.append(wire["text"])
    inner: dict[str, Any] = {"name": name, "response": _write_response(result, texts)}
    if not is_made_up(result.tool_call_id) and "$id" not in own(result.extensions):
        inner["id"] = result.tool_call_id
    if inner["response"] is None:
        del inner["response"]
    return carry(inner, result.extensions), media


def _write_response(result: ToolResult, texts: list[str]) -> Mapping[str, Any] | None:
    if NAME in result.extensions:
        raw: Mapping[str, Any] | None = own(result.extensions).get("$response")
        if _read_response(raw) == (tuple(map(Text, texts)), result.is_error):
            return raw
    text = "\n".join(texts)
    if result.is_error:
        return {"error": text}
    value = _object_of(text) if text.lstrip()[:1] == "{" else None
    if value is None or any(key in value for key in _ENCODED):
        return {"output": text}
    return value


def _write_nested(part: Part, path: str, losses: list[Loss]) -> dict[str, Any] | None:
    match part:
        case Text():
            return {"text": part.text}
        case Image() | Audio() | Document():
            return write_media(part, path, losses)
        case Opaque(dialect=dialect, value=value) if dialect == NAME:
            return dict(value)
        case _:
            losses.append(lost_part(part, path, "tool"))
            return None
