"""Reads and writes complete answers."""

from collections.abc import Mapping
from datetime import datetime
from secrets import token_hex
from typing import Any

import msgspec

from jackfield.dialects import Loss, Rendered
from jackfield.errors import InvalidRequest
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    Message,
    Opaque,
    Part,
    ToolCall,
)

from .call_ids import answered_id
from .fields import NAME, UNREADABLE, Fields, carry, own
from .finish import finish_detail, read_finish, write_finish
from .grounding import GroundingWriter, cite
from .logprobs import read_logprobs, write_logprobs
from .parts import PartsWriter, read_part
from .usage import read_usage, usage_losses, write_usage

BLOCKED = "$blocked"
"""The note on a choice made for an answer without candidates."""


def read_response(body: bytes) -> ChatResponse:
    """The canonical form. Raises ValueError if the body is not an answer."""
    tree = read_object(body)
    fields = Fields(tree, strict=False)
    if fields.rest.get("error"):
        raise ValueError("it is an error")
    candidates = fields.items("candidates")
    identity = fields.text("responseId") or ""
    usage = read_usage(fields.rest.pop("usageMetadata", None))
    if candidates is None and usage is None and "promptFeedback" not in fields.rest:
        raise ValueError("the response has no candidates")
    try:
        choices = [_read_choice(wire, i, identity) for i, wire in enumerate(candidates or ())]
    except InvalidRequest as error:
        raise ValueError(error.message) from error
    created = fields.rest.get("createTime")
    return ChatResponse(
        id=identity,
        model=fields.text("modelVersion") or "",
        choices=tuple(choices) or (_blocked(fields.rest),),
        usage=usage,
        created=read_time(created),
        extensions={NAME: fields.rest},
    )


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a response. Raises ValueError if it is not an object."""
    try:
        tree = msgspec.json.decode(body)
    except UNREADABLE as error:
        raise ValueError("the response is not JSON") from error
    if not isinstance(tree, dict):
        raise ValueError("the response is no JSON object")
    return tree


def read_time(value: Any) -> int | None:
    """Unix seconds of an RFC 3339 time."""
    try:
        return int(datetime.fromisoformat(value).timestamp())
    except (TypeError, ValueError, OverflowError):
        return None


def block_reason(tree: Mapping[str, Any]) -> Any:
    """Why the prompt was blocked, if it was."""
    feedback = tree.get("promptFeedback")
    return feedback.get("blockReason") if isinstance(feedback, dict) else None


def _blocked(rest: Mapping[str, Any]) -> Choice:
    word = block_reason(rest)
    reason = read_finish("SAFETY" if word else None, has_calls=False)
    message = Message("assistant", ())
    return Choice(message, reason, finish_detail(word), extensions={NAME: {BLOCKED: True}})


def _read_choice(wire: Any, place: int, response_id: str) -> Choice:
    path = f"candidates[{place}]"
    if not isinstance(wire, dict):
        raise InvalidRequest(f"'{path}' must be an object.", param=path)
    fields = Fields(wire, path, strict=False)
    index = fields.rest.get("index")
    number = index if isinstance(index, int) else place
    content = fields.inner("content")
    parts = read_answer_parts(content, number, response_id)
    word = fields.rest.pop("finishReason", None)
    reason = read_finish(word, any(isinstance(part, ToolCall) for part in parts))
    extensions: dict[str, Any] = {**fields.rest, "$finishReason": word}
    notes = {"$content": None if content is None else content.rest}
    message = Message("assistant", tuple(cite(parts, fields.rest)), extensions={NAME: notes})
    logprobs = read_logprobs(fields.rest.get("logprobsResult"))
    return Choice(message, reason, finish_detail(word), logprobs, {NAME: extensions})


def read_answer_parts(content: Fields | None, choice: int, response_id: str) -> list[Part]:
    """The parts of a candidate's content; malformed ones are kept unchanged."""
    if content is None:
        return []
    parts: list[Part] = []
    for i, wire in enumerate(content.items("parts") or ()):
        if isinstance(wire, dict):
            made_up = answered_id(response_id, choice, i)
            parts += read_part(wire, content.where(f"parts[{i}]"), made_up, strict=False)
        else:
            parts.append(Opaque(NAME, "part", {"text": str(wire)}))
    return parts


def write_response(response: ChatResponse, request: ChatRequest) -> Rendered:
    """The answer as a client of the Gemini API expects it."""
    losses: list[Loss] = []
    candidates = [
        _write_choice(choice, i, losses)
        for i, choice in enumerate(response.choices)
        if BLOCKED not in own(choice.extensions)
    ]
    wire: dict[str, Any] = {}
    if candidates:
        wire["candidates"] = candidates
    if response.usage is not None:
        wire["usageMetadata"] = write_usage(response.usage)
        losses += usage_losses(response.usage)
    own_answer = NAME in response.extensions
    model = response.model or ("" if own_answer else request.model)
    wire |= head(response.id, model, own_answer=own_answer)
    carry(wire, response.extensions)
    return Rendered(msgspec.json.encode(wire), tuple(losses))


def head(identity: str, model: str, *, own_answer: bool) -> dict[str, Any]:
    """The members that identify an answer and its model."""
    known = {"modelVersion": model, "responseId": identity}
    if own_answer:
        return {key: value for key, value in known.items() if value}
    return {"modelVersion": model, "responseId": identity or token_hex(12)}


def _write_choice(choice: Choice, place: int, losses: list[Loss]) -> dict[str, Any]:
    kept = own(choice.extensions)
    path = f"candidates[{place}]"
    writer = PartsWriter(path, losses, "assistant", answer=True)
    wire: dict[str, Any] = {}
    content = _write_content(choice.message, writer.add_all(choice.message.parts))
    if content is not None:
        wire["content"] = content
    is_native = "$finishReason" in kept
    word = kept.get("$finishReason", choice.finish_detail)
    if choice.finish_reason is not None or NAME not in choice.extensions:
        wire["finishReason"] = write_finish(choice.finish_reason, word, is_native=is_native)
    if NAME not in choice.extensions:
        wire |= {"index": place} | _sources(writer, losses)
        logprobs = write_logprobs(choice.logprobs)
        if logprobs is not None:
            wire["logprobsResult"] = logprobs
    return carry(wire, choice.extensions)


def _write_content(message: Message, parts: list[dict[str, Any]]) -> dict[str, Any] | None:
    if NAME not in message.extensions:
        return {"parts": parts or [{"text": ""}], "role": "model"}
    kept = own(message.extensions).get("$content")
    if kept is None:
        return {"parts": parts, "role": "model"} if parts else None
    return {"parts": parts, **kept} if parts else dict(kept)


def _sources(writer: PartsWriter, losses: list[Loss]) -> dict[str, Any]:
    grounding = GroundingWriter(losses)
    for place, text in writer.cited:
        for citation in text.citations:
            grounding.add(citation, text.text, place)
    metadata = grounding.metadata()
    return {"groundingMetadata": metadata} if metadata else {}
