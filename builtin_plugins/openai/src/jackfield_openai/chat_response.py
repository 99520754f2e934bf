"""Reads and writes complete chat answers."""

import time
from collections.abc import Mapping
from secrets import token_hex
from typing import Any

import msgspec
from msgspec.structs import replace

from jackfield.dialects import Loss, Rendered
from jackfield.errors import InvalidRequest
from jackfield.fields import carry, json_object, taken_text
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    FinishReason,
    Message,
    ToolCall,
)

from .chat_assistant import usual_assistant, write_assistant
from .chat_message_reader import read_message
from .chat_parts import NAME
from .chat_sources import read_sources, with_sources
from .chat_tools import LEGACY, is_legacy, with_unique_ids
from .chat_usual import usual_message
from .custom_calls import Tools, restored_choice
from .losses import LOST_REASON
from .moderations import chat_moderation
from .usage import chunk_usage, write_usage

_encode = msgspec.json.Encoder().encode

FINISH_REASONS: Mapping[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "error": "error",
    "eos": "stop",  # Together and TGI
    "eos_token": "stop",
    "stop_sequence": "stop",
    "model_length": "length",  # Mistral
    "insufficient_system_resource": "error",  # DeepSeek
    "end_turn": "stop",  # xAI
    "sensitive": "content_filter",  # Z.AI
    "model_context_window_exceeded": "length",
    "network_error": "error",
    "abort": "error",  # vLLM and SGLang
    "": "stop",  # Snowflake
}


def read_finish(word: Any, has_calls: bool) -> FinishReason | None:
    """The canonical reason for a provider's value. Some report calls as "stop"."""
    if not isinstance(word, str):
        return None
    reason = FINISH_REASONS.get(word, "other")
    return "tool_calls" if reason == "stop" and has_calls else reason


def finish_detail(word: Any, reason: FinishReason | None) -> str | None:
    """A provider's value if it adds to the reason; None if it is not a name."""
    return word if isinstance(word, str) and word != reason else None


def _means(word: str, reason: FinishReason | None) -> bool:
    return reason in (read_finish(word, False), read_finish(word, True))


def write_finish(reason: FinishReason | None, word: str | None) -> str | None:
    """OpenAI's value; a provider's own `word` if it still means the same."""
    if word is not None and _means(word, reason):
        return word
    return "stop" if reason == "other" else reason


def read_response(body: bytes) -> ChatResponse:
    """The canonical form. Raises ValueError if the body is not a chat completion."""
    rest = json_object(body)
    choices = rest.pop("choices", None)
    if not isinstance(choices, list):
        raise ValueError("the response has no 'choices'")
    try:
        read = tuple([_read_choice(wire, i) for i, wire in enumerate(choices)])
    except InvalidRequest as error:
        raise ValueError(error.message) from error
    sources = read_sources(rest)
    if sources:
        read = tuple([replace(c, message=with_sources(c.message, sources)) for c in read])
    usage = chunk_usage(rest)
    if isinstance(rest.get("usage"), dict):
        del rest["usage"]
    rest.pop("object", None)
    created = rest.pop("created") if type(rest.get("created")) is int else None
    identity, model = taken_text(rest, "id"), taken_text(rest, "model")
    return ChatResponse(identity, model, read, usage, created, {NAME: rest})


def _read_choice(rest: Any, place: int) -> Choice:
    if not isinstance(rest, dict):
        raise InvalidRequest(f"'choices[{place}]' must be an object.", param=f"choices[{place}]")
    if rest.get("error"):
        raise ValueError("the answer was aborted by an error")
    wire = rest.pop("message", None)
    message = usual_message(wire) or read_message(wire, f"choices[{place}].message")
    if rest.get("index") == place:
        del rest["index"]
    word = rest.pop("finish_reason", None)
    calls = sum(type(part) is ToolCall for part in message.parts)
    if calls > 1:
        message = replace(message, parts=with_unique_ids(message.parts))
    reason = read_finish(word, calls > 0)
    if reason != word:
        rest["$finish_reason"] = word
    detail = finish_detail(word, reason)
    logprobs = rest.pop("logprobs", None)
    return Choice(message, reason, detail, logprobs, {NAME: rest} if rest else {})


def new_id() -> str:
    """An id for an answer without one."""
    return f"chatcmpl-{token_hex(12)}"


def now() -> int:
    """Unix seconds, for an answer without a creation time."""
    return int(time.time())


def write_response(response: ChatResponse, request: ChatRequest) -> Rendered:
    """The answer as a client of the chat API expects it."""
    losses: list[Loss] = []
    restored = _legacy_choice if any(map(is_legacy, request.tools)) else restored_choice
    wire: dict[str, Any] = {
        "id": response.id or new_id(),
        "object": "chat.completion",
        "created": now() if response.created is None else response.created,
        "model": response.model or request.model,
        "choices": [
            _write_choice(restored(choice, request.tools), i, losses)
            for i, choice in enumerate(response.choices)
        ],
    }
    if response.usage is not None:
        wire["usage"] = write_usage(response.usage)
    wire |= chat_moderation(response.extensions)
    if NAME in response.extensions:
        carry(wire, response.extensions, NAME)
    return Rendered(_encode(wire), tuple(losses))


def _legacy_choice(choice: Choice, _: Tools) -> Choice:
    """The choice for a client that sent `functions`: its call is a `function_call`."""
    parts = choice.message.parts
    if not any(isinstance(part, ToolCall) and not is_legacy(part) for part in parts):
        return choice
    called = tuple(_legacy_call(part) if isinstance(part, ToolCall) else part for part in parts)
    message: Message = replace(choice.message, parts=called)
    return replace(choice, message=message, extensions={NAME: {"$finish_reason": "function_call"}})


def _legacy_call(call: ToolCall) -> ToolCall:
    return replace(call, kind="function", extensions={NAME: {LEGACY: True}})


def _write_choice(choice: Choice, place: int, losses: list[Loss]) -> dict[str, Any]:
    kept = choice.extensions.get(NAME, {})
    message = usual_assistant(choice.message, answer=True)
    if message is None:
        message = write_assistant(choice.message, f"choices[{place}]", losses, answer=True)
    finish = write_finish(choice.finish_reason, kept.get("$finish_reason"))
    if finish == "stop" and choice.finish_reason == "other":
        losses.append(LOST_REASON)
    wire: dict[str, Any] = {
        "index": kept.get("index", place),
        "message": message,
        "logprobs": choice.logprobs,
        "finish_reason": finish,
    }
    return carry(wire, choice.extensions, NAME) if kept else wire
