"""Reads one chat message, from a request or an answer, into the canonical form."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from jackfield.errors import InvalidRequest
from jackfield.fields import Fields
from jackfield.messages import (
    Audio,
    Citation,
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
)

from .chat_google import take_signature
from .chat_parts import NAME, read_part, read_parts
from .chat_thoughts import DETAILS, PlacedThought, take_thoughts, weave
from .chat_tools import LEGACY, new_call_id, placed_call_id, read_call, read_legacy_call
from .chat_usual import usual_message

REASONING_KEYS = ("reasoning_content", "reasoning")
"""Members with reasoning: the first of DeepSeek, xAI and vLLM; the second of Groq, OpenRouter."""

_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


def read_messages(wire: Any, unusual: list[Message]) -> tuple[Message, ...]:
    """The messages of a request; the `unusual` ones, which may say more, are added to the list.

    Raises InvalidRequest that names the invalid field.
    """
    if not isinstance(wire, list) or not wire:
        raise InvalidRequest(
            "'messages' must be an array of at least one message.", param="messages"
        )
    usual = [usual_message(item) for item in wire]
    if all(usual):
        return tuple(usual)  # type: ignore[arg-type]
    return _read_mixed(wire, usual, unusual)


def _read_mixed(
    wire: list[Any], usual: list[Message | None], unusual: list[Message]
) -> tuple[Message, ...]:
    """The messages, some of which are not `usual`."""
    unanswered: list[str] = []
    messages = []
    for i, item in enumerate(wire):
        message = usual[i]
        if message is None:
            message = read_message(item, f"messages[{i}]", unanswered)
            unusual.append(message)
        elif unanswered and item.get("tool_call_id") in unanswered:
            unanswered.remove(item["tool_call_id"])
        if message.role == "assistant":
            unanswered += [part.id for part in message.parts if isinstance(part, ToolCall)]
        messages.append(message)
    return tuple(messages)


def read_message(wire: Any, path: str, unanswered: list[str] | None = None) -> Message:
    """One message of any shape.

    A message of a request comes with the ids of the calls that wait for results.
    """
    if not isinstance(wire, dict):
        raise InvalidRequest(f"'{path}' must be an object.", param=path)
    fields = Fields(wire, path, strict=unanswered is not None)
    declared = fields.rest.pop("role", None if fields.strict else "assistant")
    role = _ROLES.get(declared) if isinstance(declared, str) else None
    if role is None:
        raise fields.wrong("role", f"one of {', '.join(_ROLES)}")
    if role == "tool":
        return _tool_message(fields, declared == "function", unanswered or [])
    if role == "user" and fields.rest.get("content") in (None, []):
        raise fields.wrong("content", "a string or an array of parts")
    foreign = _foreign_thoughts(fields) if fields.strict else []
    parts = [*_reasoning(fields), *_content(fields)]
    name = fields.text("name")
    if role == "assistant":
        parts = [*_cited(parts, fields), *_answer_parts(fields)]
        parts = weave([*take_signature(fields.rest, of_call=False), *parts], foreign)
    return Message(role, tuple(parts), name=name, extensions=fields.extensions(NAME))


def _content(fields: Fields) -> list[Part]:
    content = fields.rest.get("content")
    parts = read_parts(content, fields.where("content"), strict=fields.strict)
    if parts:
        del fields.rest["content"]
        if isinstance(content, list):
            fields.rest["$content"] = "list"
    return parts


def _tool_message(fields: Fields, legacy: bool, unanswered: list[str]) -> Message:
    name = fields.text("name")
    answered = fields.text("tool_call_id")
    if answered in unanswered:
        unanswered.remove(answered)
    elif answered is None:  # results without ids belong to the calls in order
        if not unanswered:
            raise fields.wrong("tool_call_id", "the id of a tool call")
        answered = unanswered.pop(0)
    parts = tuple(_content(fields))
    if legacy:
        fields.rest[LEGACY] = True
    result = ToolResult(answered, parts, name, extensions={NAME: fields.rest})
    return Message("tool", (result,))


def _foreign_thoughts(fields: Fields) -> list[PlacedThought]:
    details = fields.rest.get(DETAILS)
    thoughts, own_details = take_thoughts(details) if isinstance(details, list) else ([], [])
    if thoughts:
        fields.rest[DETAILS] = own_details
        if not own_details:  # its text is then the one that showed these thoughts
            for key in (DETAILS, *REASONING_KEYS):
                fields.rest.pop(key, None)
    return thoughts


def _reasoning(fields: Fields) -> list[Part]:
    keys = [key for key in REASONING_KEYS if isinstance(fields.rest.get(key), str)]
    keys = [key for key in keys if fields.rest[key] == fields.rest[keys[0]] != ""]
    details = fields.rest.get("reasoning_details")
    if not isinstance(details, list) or not details:
        details = []
    if not keys and not details:
        return []
    text = fields.rest[keys[0]] if keys else details_text(details)
    note: dict[str, Any] = {"$keys": keys}
    if details:
        note |= details_note(details, text)
    for key in (*keys, *(["reasoning_details"] if details else [])):
        del fields.rest[key]
    return [replace(proof_of(details), text=text, extensions={NAME: note})]


def details_text(details: list[Any]) -> str:
    """The text of OpenRouter's `reasoning_details`."""
    found = [d.get("text") or d.get("summary") for d in details if isinstance(d, dict)]
    return "".join(text for text in found if isinstance(text, str))


def details_note(details: list[Any], text: str) -> dict[str, Any]:
    """The details to keep with a reasoning part with `text`."""
    differ = {} if details_text(details) in ("", text) else {"$differ": True}
    return {"reasoning_details": details, **differ}


def kept_keys(kept: Mapping[str, Any]) -> list[str] | None:
    """The members that carried the reasoning; None if it is from another dialect."""
    keys = kept.get("$keys")
    return [key for key in REASONING_KEYS if key in keys] if isinstance(keys, list) else None


def kept_details(kept: Mapping[str, Any], text: str) -> list[Any]:
    """The details to send back with reasoning: none once its text was changed."""
    details = kept.get(DETAILS)
    if not isinstance(details, list):
        return []
    same = kept.get("$differ") or details_text(details) in ("", text)
    return details if same else []


def proof_of(details: list[Any]) -> Reasoning:
    """Signature, encrypted thought and id in `reasoning_details`, the first of each."""
    found: dict[str, Any] = {}
    for detail in details:
        if isinstance(detail, dict):
            for key in _PROOF.keys() & detail.keys():
                if isinstance(detail[key], str):
                    found.setdefault(_PROOF[key], detail[key])
            if detail.get("type") == "reasoning.summary":
                found["summary"] = True
    return Reasoning(**found)


_PROOF = {"signature": "signature", "data": "encrypted", "id": "id"}


def _answer_parts(fields: Fields) -> list[Part]:
    parts: list[Part] = []
    refusal = fields.text("refusal")
    if refusal:
        parts.append(Refusal(refusal))
    parts += _audio(fields)
    parts += _images(fields)
    calls = fields.items("tool_calls")
    where = fields.where("tool_calls")
    for i, wire in enumerate(calls):
        parts += _signed_call(wire, f"{where}[{i}]", strict=fields.strict)
    legacy = fields.rest.get("function_call")
    if isinstance(legacy, dict) and legacy.get("name"):
        del fields.rest["function_call"]
        identity = placed_call_id(fields.path) if fields.strict else new_call_id()
        parts.append(read_legacy_call(legacy, identity))
    return parts


def _signed_call(wire: Any, path: str, *, strict: bool) -> list[Part]:
    call = read_call(wire, path, strict=strict)
    rest = dict(call.extensions.get(NAME, {}))
    signature = take_signature(rest, of_call=True)
    if not signature:
        return [call]
    return [*signature, replace(call, extensions={NAME: rest} if rest else {})]


def _images(fields: Fields) -> list[Part]:
    """Images made by the model, where OpenRouter puts them."""
    where = fields.where("images")
    images: list[Part] = []
    for i, wire in enumerate(fields.items("images")):
        image = read_part(wire, f"{where}[{i}]", strict=fields.strict)
        if isinstance(image, Image):
            rest = {**image.extensions.get(NAME, {}), "$in": "images"}
            images.append(replace(image, extensions={NAME: rest}))
    return images


def _audio(fields: Fields) -> list[Part]:
    wire = fields.rest.get("audio")
    if not isinstance(wire, dict) or not any(wire.values()):
        return []
    del fields.rest["audio"]
    inner = Fields(wire, fields.where("audio"), strict=fields.strict)
    return [
        Audio(
            data=inner.text("data"),
            id=inner.text("id"),
            transcript=inner.text("transcript"),
            expires_at=inner.integer("expires_at"),
            extensions=inner.extensions(NAME),
        )
    ]


def _cited(parts: list[Part], fields: Fields) -> list[Part]:
    """The parts with `annotations` as citations of the first text, if there is one."""
    place = next((i for i, part in enumerate(parts) if isinstance(part, Text)), None)
    if place is None:
        return parts
    text = parts[place]
    citations = tuple(read_annotation(wire) for wire in fields.items("annotations"))
    if citations and isinstance(text, Text):
        parts[place] = replace(text, citations=citations)
    return parts


def read_annotation(wire: Any) -> Citation:
    """One annotation; one that cites no URL is kept whole."""
    inner = wire.get("url_citation") if isinstance(wire, dict) else None
    if not isinstance(inner, dict):
        return Citation(extensions={NAME: {"$annotation": wire}})
    fields = Fields(inner, strict=False)
    citation = Citation(
        url=fields.text("url"),
        title=fields.text("title"),
        cited_text=fields.text("content"),
        start=fields.integer("start_index"),
        end=fields.integer("end_index"),
    )
    outer = {key: value for key, value in wire.items() if key not in ("type", "url_citation")}
    rest = outer | ({"url_citation": fields.rest} if fields.rest else {})
    return replace(citation, extensions={NAME: rest} if rest else {})
