"""Parses the blocks of a Converse message into parts."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from jackfield.errors import InvalidRequest
from jackfield.fields import Fields
from jackfield.messages import Document, Image, Opaque, Part, Text, ToolCall, ToolResult

from .converse_citations import read_cited_text
from .converse_claude import finding_note, texts_of
from .converse_media import read_audio, read_document, read_image, read_video
from .converse_names import NAME
from .converse_thoughts import read_thought

CACHE = "$cache"
"""The note with the cache point after a part."""

GUARD = "$guard"
"""The note with a part's guardrail members."""


def read_blocks(content: Any, path: str, *, strict: bool) -> list[Part]:
    """The parts of a message's `content`. Raises InvalidRequest for invalid blocks."""
    if not isinstance(content, list):
        raise InvalidRequest(f"'{path}' must be an array of blocks.", param=path)
    parts: list[Part] = []
    for i, block in enumerate(content):
        is_point = isinstance(block, dict) and "cachePoint" in block and bool(parts)
        if is_point and note_cache_point(parts, block["cachePoint"]):
            continue
        parts.append(_read_block(block, f"{path}[{i}]", strict=strict))
    return parts


def note_cache_point(parts: list[Part], point: Any) -> bool:
    """Record a cache point on the part before it; return whether there was one."""
    last = parts[-1]
    if isinstance(last, Opaque) or CACHE in last.extensions.get(NAME, {}):
        return False
    parts[-1] = noted(last, {CACHE: point})
    return True


def noted(part: Any, note: Mapping[str, Any]) -> Any:
    """The part or tool with one of the gateway's notes."""
    kept = part.extensions.get(NAME, {})
    return replace(part, extensions={**part.extensions, NAME: {**kept, **note}})


def _read_block(block: Any, path: str, *, strict: bool) -> Part:
    if not isinstance(block, dict):
        raise InvalidRequest(f"'{path}' must be an object.", param=path)
    kind = next(iter(block), "block")
    value = block.get(kind)
    where = f"{path}.{kind}"
    if kind == "text" and isinstance(value, str) and len(block) == 1:
        return Text(value)
    reader = _READERS.get(kind)
    if kind == "text":
        raise InvalidRequest(f"'{where}' must be a string, and alone in its block.", param=where)
    if reader is None or len(block) > 1:
        return Opaque(NAME, kind, block)
    if not isinstance(value, dict):
        raise InvalidRequest(f"'{where}' must be an object.", param=where)
    return reader(Fields(value, where, strict=strict), block)


def _read_cited(fields: Fields, block: Mapping[str, Any]) -> Part:
    return read_cited_text(fields)


def _read_thought(fields: Fields, block: Mapping[str, Any]) -> Part:
    return read_thought(fields) or Opaque(NAME, "reasoningContent", block)


def _read_guarded(fields: Fields, block: Mapping[str, Any]) -> Part:
    text, image = fields.rest.get("text"), fields.rest.get("image")
    if isinstance(text, dict) and isinstance(text.get("text"), str):
        note = {key: value for key, value in text.items() if key != "text"}
        return Text(text["text"], extensions={NAME: {GUARD: note}})
    if isinstance(image, dict):
        part = read_image(Fields(image, fields.where("image"), strict=fields.strict), block)
        return noted(part, {GUARD: {}}) if isinstance(part, Image) else part
    return Opaque(NAME, "guardContent", block)


def _read_found(fields: Fields, block: Mapping[str, Any]) -> Part:
    text = "\n".join(texts_of(fields.rest.get("content")))
    wire = block["searchResult"]
    note = {NAME: {"$searchResult": wire}, **finding_note(wire)}
    return Document(text=text, name=fields.text("title"), extensions=note)


def _read_call(fields: Fields, block: Mapping[str, Any]) -> Part:
    if fields.rest.get("type") == "server_tool_use":
        return Opaque(NAME, "server_tool_use", block)
    given = fields.rest.pop("input", {})
    if not isinstance(given, dict):
        fields.rest["$input"] = "no object"
    return ToolCall(
        id=fields.needed_text("toolUseId"),
        name=fields.needed_text("name"),
        arguments=msgspec.json.encode(given).decode(),
        extensions=fields.extensions(NAME),
    )


def _read_result(fields: Fields, block: Mapping[str, Any]) -> Part:
    if "type" in fields.rest:  # of a tool that Bedrock runs
        return Opaque(NAME, "server_tool_result", block)
    identity = fields.needed_text("toolUseId")
    status = fields.rest.get("status")
    if fields.strict and not isinstance(status, str | None):
        raise fields.wrong("status", "success or error")
    is_error = status == "error"
    if is_error:
        del fields.rest["status"]
    where = fields.where("content")
    parts = read_result_content(fields.rest.pop("content", []), where, strict=fields.strict)
    return ToolResult(identity, parts, is_error=is_error, extensions={NAME: fields.rest})


def read_result_content(content: Any, path: str, *, strict: bool) -> tuple[Part, ...]:
    """The content of a tool's result; JSON becomes text."""
    if not isinstance(content, list):
        raise InvalidRequest(f"'{path}' must be an array of blocks.", param=path)
    parts: list[Part] = []
    for i, block in enumerate(content):
        if isinstance(block, dict) and block.keys() == {"json"}:
            text = msgspec.json.encode(block["json"]).decode()
            parts.append(Text(text, extensions={NAME: {"$form": "json"}}))
        else:
            parts.append(_read_block(block, f"{path}[{i}]", strict=strict))
    return tuple(parts)


_READERS: Mapping[str, Callable[[Fields, Mapping[str, Any]], Part]] = {
    "image": read_image,
    "audio": read_audio,
    "document": read_document,
    "video": read_video,
    "toolUse": _read_call,
    "toolResult": _read_result,
    "reasoningContent": _read_thought,
    "guardContent": _read_guarded,
    "citationsContent": _read_cited,
    "searchResult": _read_found,
}
