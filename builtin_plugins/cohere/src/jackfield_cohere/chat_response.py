"""Reads and writes complete chat answers."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

import msgspec

from jackfield.dialects import Loss, Rendered
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, carry, json_object, own
from jackfield.messages import ChatResponse, Choice, FinishReason, Message, ToolCall

from .chat_assistant import write_assistant
from .chat_message_reader import read_message
from .chat_parts import NAME
from .logprobs import read_logprobs, write_logprobs
from .usage import read_usage, write_usage

_READ: Final[Mapping[str, FinishReason]] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR": "error",
    "TIMEOUT": "error",
    "ERROR_LIMIT": "length",  # from v1
    "ERROR_TOXIC": "content_filter",
    "USER_CANCEL": "other",
}
_WRITTEN: Final[Mapping[FinishReason | None, str]] = {
    "stop": "COMPLETE",
    "length": "MAX_TOKENS",
    "tool_calls": "TOOL_CALL",
    "content_filter": "ERROR",
    "error": "ERROR",
}


def read_finish(word: Any, has_calls: bool) -> FinishReason | None:
    """The canonical reason for Cohere's name: "tool_calls" if there were calls."""
    if not isinstance(word, str):
        return None
    reason = _READ.get(word, "other")
    return "tool_calls" if reason == "stop" and has_calls else reason


def write_finish(reason: FinishReason | None, word: str | None, losses: list[Loss]) -> str:
    """Cohere's name; the original `word` if it is one and still means the same."""
    meanings = (read_finish(word, False), read_finish(word, True))
    if word is not None and word in _READ and reason in meanings:
        return word
    written = _WRITTEN.get(reason, "COMPLETE")
    if reason in ("content_filter", "other"):
        losses.append(Loss(f"finish_reason.{reason}", "choices", "approximated", written))
    return written


def read_response(body: bytes) -> ChatResponse:
    """The canonical form. Raises ValueError if the body is not a chat answer."""
    fields = Fields(json_object(body), strict=False)
    wire = fields.rest.pop("message", None)
    if not isinstance(wire, dict):
        raise ValueError("the response has no 'message'")
    try:
        message = read_message(wire, "message", strict=False)
    except InvalidRequest as error:
        raise ValueError(error.message) from error
    if message.role != "assistant":
        raise ValueError("the response is not the assistant's")
    usage = read_usage(fields.rest.get("usage"))
    if usage is not None:
        del fields.rest["usage"]
    word = fields.text("finish_reason")
    reason = read_finish(word, any(isinstance(part, ToolCall) for part in message.parts))
    logprobs = fields.rest.get("logprobs")
    kept = {"logprobs": fields.rest.pop("logprobs")} if logprobs else {}
    choice = Choice(message, reason, word, read_logprobs(logprobs), {NAME: kept} if kept else {})
    return ChatResponse(
        id=fields.text("id") or "",
        model="",
        choices=(choice,),
        usage=usage,
        extensions={NAME: fields.rest},
    )


def new_id() -> str:
    """An id for an answer without one."""
    return str(uuid4())


def write_response(response: ChatResponse) -> Rendered:
    """The answer as a client of Cohere expects it."""
    losses: list[Loss] = []
    choice = _only_choice(response.choices, losses)
    message = write_assistant(choice.message, "choices[0]", losses, answer=True)
    wire: dict[str, Any] = {
        "id": response.id or new_id(),
        "finish_reason": write_finish(choice.finish_reason, choice.finish_detail, losses),
        "message": message,
    }
    if response.usage is not None:
        wire["usage"] = write_usage(response.usage)
    logprobs = own(choice.extensions, NAME).get("logprobs") or write_logprobs(choice.logprobs)
    if logprobs:
        wire["logprobs"] = logprobs
    return Rendered(msgspec.json.encode(carry(wire, response.extensions, NAME)), tuple(losses))


def _only_choice(choices: Sequence[Choice], losses: list[Loss]) -> Choice:
    if len(choices) > 1:
        losses.append(Loss("n", "choices", "dropped", "Cohere returns one answer"))
    return choices[0] if choices else Choice(Message("assistant", ()), "stop")
