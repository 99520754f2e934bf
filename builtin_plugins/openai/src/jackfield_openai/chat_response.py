"""Reads and writes a complete chat answer."""

import time
from collections.abc import Mapping
from secrets import token_hex
from typing import Any

import msgspec
from msgspec.structs import replace

from jackfield.dialects import Loss, Rendered
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, carry, json_object, own
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    FinishReason,
    Message,
    ToolCall,
)

from .chat_assistant import write_assistant
from .chat_message_reader import read_message
from .chat_parts import NAME
from .chat_tools import LEGACY, is_legacy
from .usage import chunk_usage, write_usage

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
    "": "stop",  # Snowflake
}


def read_finish(word: Any, has_calls: bool) -> FinishReason | None:
    """The canonical reason for a provider's word. Calls under "stop", as some say it, are calls."""
    if not isinstance(word, str):
        return None
    reason = FINISH_REASONS.get(word, "other")
    return "tool_calls" if reason == "stop" and has_calls else reason


def write_finish(reason: FinishReason | None, word: str | None) -> str | None:
    """OpenAI's word; a provider's own `word` when it still means the same."""
    if word is not None and reason in (read_finish(word, False), read_finish(word, True)):
        return word
    return "stop" if reason in ("error", "other") else reason


def read_response(body: bytes) -> ChatResponse:
    """The canonical form. Raises ValueError when the body is no chat completion."""
    fields = Fields(json_object(body), strict=False)
    choices = fields.rest.pop("choices", None)
    if not isinstance(choices, list):
        raise ValueError("the response has no 'choices'")
    try:
        read = tuple(_read_choice(wire, i) for i, wire in enumerate(choices))
    except InvalidRequest as error:
        raise ValueError(error.message) from error
    usage = chunk_usage(fields.rest)
    if isinstance(fields.rest.get("usage"), dict):
        del fields.rest["usage"]
    fields.rest.pop("object", None)
    return ChatResponse(
        id=fields.text("id") or "",
        model=fields.text("model") or "",
        choices=read,
        usage=usage,
        created=fields.integer("created"),
        extensions={NAME: fields.rest},
    )


def _read_choice(wire: Any, place: int) -> Choice:
    path = f"choices[{place}]"
    if not isinstance(wire, dict):
        raise InvalidRequest(f"'{path}' must be an object.", param=path)
    rest = dict(wire)
    message = read_message(rest.pop("message", None), f"{path}.message")
    if rest.get("index") == place:
        del rest["index"]
    word = rest.pop("finish_reason", None)
    reason = read_finish(word, ToolCall in map(type, message.parts))
    if reason != word:
        rest["$finish_reason"] = word
    detail = None if reason == word else word
    logprobs = rest.pop("logprobs", None)
    return Choice(message, reason, detail, logprobs, {NAME: rest} if rest else {})


def new_id() -> str:
    """An id for an answer that has none."""
    return f"chatcmpl-{token_hex(12)}"


def now() -> int:
    """Unix seconds, for an answer that does not say when it was made."""
    return int(time.time())


def write_response(response: ChatResponse, request: ChatRequest) -> Rendered:
    """The answer as a client of the chat API expects it."""
    losses: list[Loss] = []
    legacy = any(map(is_legacy, request.tools))
    wire: dict[str, Any] = {
        "id": response.id or new_id(),
        "object": "chat.completion",
        "created": now() if response.created is None else response.created,
        "model": response.model or request.model,
        "choices": [
            _write_choice(legacy_form(choice) if legacy else choice, i, losses)
            for i, choice in enumerate(response.choices)
        ],
    }
    if response.usage is not None:
        wire["usage"] = write_usage(response.usage)
    return Rendered(msgspec.json.encode(carry(wire, response.extensions, NAME)), tuple(losses))


def legacy_form(choice: Choice) -> Choice:
    """The choice for a client that sent `functions`: its call is a `function_call`."""
    parts = choice.message.parts
    if not any(isinstance(part, ToolCall) and not is_legacy(part) for part in parts):
        return choice
    called = tuple(_legacy_call(part) if isinstance(part, ToolCall) else part for part in parts)
    message: Message = replace(choice.message, parts=called)
    return replace(choice, message=message, extensions={NAME: {"$finish_reason": "function_call"}})


def _legacy_call(call: ToolCall) -> ToolCall:
    return replace(call, extensions={NAME: {LEGACY: True}})


def _write_choice(choice: Choice, place: int, losses: list[Loss]) -> dict[str, Any]:
    word = own(choice.extensions, NAME).get("$finish_reason", choice.finish_reason)
    wire: dict[str, Any] = {
        "index": own(choice.extensions, NAME).get("index", place),
        "message": write_assistant(choice.message, f"choices[{place}]", losses, answer=True),
        "logprobs": choice.logprobs,
        "finish_reason": write_finish(choice.finish_reason, word),
    }
    return carry(wire, choice.extensions, NAME)
