"""Reads and writes complete Converse answers."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from jackfield.dialects import Loss, Rendered
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, carry, json_object, own
from jackfield.messages import (
    ChatResponse,
    Choice,
    FinishReason,
    Message,
    ToolCall,
    Usage,
)

from .converse_block_writer import BlockWriter
from .converse_losses import has_logprobs
from .converse_names import NAME
from .converse_parts import read_blocks
from .usage import as_served, read_usage, write_usage

_FINISHES: Final[Mapping[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "malformed_model_output": "error",
    "malformed_tool_use": "error",
}
_STOPS: Final[Mapping[FinishReason | None, str]] = {
    "stop": "end_turn",
    "tool_calls": "tool_use",
    "length": "max_tokens",
    "content_filter": "content_filtered",
    "error": "malformed_model_output",
}


def read_finish(word: Any, has_calls: bool) -> FinishReason | None:
    """The canonical reason for Bedrock's name."""
    if not isinstance(word, str):
        return None
    reason = _FINISHES.get(word, "other")
    return "tool_calls" if reason == "stop" and has_calls else reason


LOST_REASON = Loss("finish_reason.other", "choices", "approximated", "as 'end_turn'")
"""The loss of another vendor's reason to stop, for which Bedrock has no name."""


def write_finish(reason: FinishReason | None, word: str | None) -> str:
    """Bedrock's name: the original one if it still means the same."""
    if word in _FINISHES and reason in (read_finish(word, False), read_finish(word, True)):
        return str(word)
    return _STOPS.get(reason, "end_turn")


class _Output(msgspec.Struct):
    message: msgspec.Raw = msgspec.Raw()


class _Answer(msgspec.Struct):
    """Members that distinguish an answer from an error, and its usage; the rest must be JSON."""

    output: _Output
    usage: Any = None
    trace: Any = None
    tier: Any = msgspec.field(default=None, name="serviceTier")
    performance: Any = msgspec.field(default=None, name="performanceConfig")


_read_answer = msgspec.json.Decoder(_Answer).decode


def usage_of_answer(body: bytes) -> Usage | None:
    """The usage that a complete response reports. Raises ValueError if it is not a response."""
    try:
        answer = _read_answer(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("the answer has no 'output'") from error
    if bytes(memoryview(answer.output.message)[:1]) != b"{":
        raise ValueError("the answer has no message")
    members = {"serviceTier": answer.tier, "performanceConfig": answer.performance}
    return as_served(read_usage(answer.usage), {**members, "trace": answer.trace})


def read_response(body: bytes) -> ChatResponse:
    """The canonical form. Raises ValueError if the body is not an answer."""
    return read_answer(json_object(body))


def read_answer(tree: dict[str, Any]) -> ChatResponse:
    """The canonical form of an answer's JSON. Raises ValueError if it is malformed."""
    fields = Fields(tree, strict=False)
    output = fields.rest.pop("output", None)
    message = output.get("message") if isinstance(output, dict) else None
    if not isinstance(message, dict):
        raise ValueError("the response has no 'output.message'")
    try:
        parts = read_blocks(message.get("content"), "output.message.content", strict=False)
    except InvalidRequest as error:
        raise ValueError(error.message) from error
    word = fields.rest.pop("stopReason", None)
    reason = read_finish(word, any(isinstance(part, ToolCall) for part in parts))
    usage = read_usage(fields.rest.get("usage"))
    if usage is not None:
        del fields.rest["usage"]
    choice = Choice(
        Message("assistant", tuple(parts)), reason, word if isinstance(word, str) else None
    )
    return ChatResponse("", "", (choice,), usage, extensions={NAME: fields.rest})


def write_response(response: ChatResponse, model: str) -> Rendered:
    """The answer as a client of Converse expects it."""
    losses: list[Loss] = []
    return Rendered(msgspec.json.encode(write_answer(response, model, losses)), tuple(losses))


def write_answer(response: ChatResponse, model: str, losses: list[Loss]) -> dict[str, Any]:
    """The answer as a JSON value. Only Bedrock itself reports the model's latency."""
    if len(response.choices) > 1:
        losses.append(Loss("n", "choices[1]", "dropped", "one answer instead of several"))
    if not response.choices:
        raise ValueError("the answer has no choice")
    choice = response.choices[0]
    if has_logprobs(choice.logprobs):
        losses.append(Loss("logprobs", "choices[0].logprobs", "dropped"))
    writer = BlockWriter(model, losses, answer=True)
    content = writer.write(choice.message.parts, "choices[0]", "assistant")
    finish = write_finish(choice.finish_reason, choice.finish_detail)
    if finish == "end_turn" and choice.finish_reason == "other":
        losses.append(LOST_REASON)
    wire: dict[str, Any] = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": finish,
    }
    if response.usage is not None or NAME not in response.extensions:
        wire["usage"] = write_usage(response.usage)
    if "metrics" not in own(response.extensions, NAME):
        wire["metrics"] = {"latencyMs": 0}
    return carry(wire, response.extensions, NAME)
