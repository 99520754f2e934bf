"""Reads and writes a complete Messages answer."""

from secrets import token_hex
from typing import Any

import msgspec

from jackfield.dialects import Loss, Rendered
from jackfield.errors import InvalidRequest
from jackfield.fields import taken_text
from jackfield.messages import (
    Audio,
    ChatRequest,
    ChatResponse,
    Choice,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)

from .fields import NAME, UNREADABLE, carry
from .messages_block_writer import write_call, write_refusal, write_text
from .messages_blocks import new_call_id, read_content
from .messages_reasoning import write_reasoning
from .messages_stop import lost_reason, read_stop_reason, reason_note, write_stop_reason
from .messages_usage import read_usage, write_usage
from .messages_usual_turns import Block, is_plain

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

OF_CHOICE = ("stop_sequence", "stop_details")
"""Members of an answer with details of its stop reason."""


def read_response(body: bytes) -> ChatResponse:
    """The canonical form. Raises ValueError if the body is not an answer."""
    try:
        rest = _decode(body)
    except UNREADABLE as error:
        raise ValueError("the answer is not JSON") from error
    if not isinstance(rest, dict):
        raise ValueError("the answer is not a JSON object")
    content = rest.pop("content", None)
    if not isinstance(content, list):
        raise ValueError("the answer has no content")
    try:
        parts = tuple(read_content(content, "content", strict=False))
    except InvalidRequest as error:
        raise ValueError(error.message) from error
    choice = _read_choice(rest, parts)
    usage = read_usage(rest.get("usage"))
    if usage is not None:
        del rest["usage"]
    rest.pop("type", None)
    rest.pop("role", None)
    identity, model = taken_text(rest, "id"), taken_text(rest, "model")
    return ChatResponse(identity, model, (choice,), usage, extensions={NAME: rest})


def _read_choice(rest: dict[str, Any], parts: tuple[Part, ...]) -> Choice:
    word = rest.pop("stop_reason", None)
    reason = read_stop_reason(word, calls=ToolCall in map(type, parts))
    kept = reason_note(word)
    for key in OF_CHOICE:
        if key in rest:
            kept[key] = rest.pop(key)
    return Choice(
        Message("assistant", parts),
        reason,
        word if isinstance(word, str) else None,
        extensions={NAME: kept},
    )


def lost_logprobs(logprobs: Any) -> list[Loss]:
    """The loss of log probabilities, which Messages does not have, if there are any."""
    if not (any(logprobs.values()) if isinstance(logprobs, dict) else logprobs):
        return []
    return [Loss("logprobs", "choices[0].logprobs", "dropped")]


def new_message_id() -> str:
    """An id for an answer without one."""
    return f"msg_{token_hex(12)}"


def write_response(response: ChatResponse, request: ChatRequest) -> Rendered:
    """The answer as a client of Messages expects it."""
    losses: list[Loss] = []
    if len(response.choices) > 1:
        losses.append(Loss("n", "choices", "dropped", "only the first answer is shown"))
    choice = response.choices[0] if response.choices else Choice(Message("assistant", ()), None)
    kinds = {type(part) for part in choice.message.parts}
    reason = choice.finish_reason or ("tool_calls" if ToolCall in kinds else "stop")
    is_own = NAME in choice.extensions
    if not is_own:
        losses += lost_reason(choice.finish_reason)
    losses += lost_logprobs(choice.logprobs)
    word = choice.finish_detail
    wire: dict[str, Any] = {
        "id": response.id or new_message_id(),
        "type": "message",
        "role": "assistant",
        "model": response.model or request.model,
        "content": _write_content(choice, losses),
        "stop_reason": write_stop_reason(reason, word, refused=Refusal in kinds, is_own=is_own),
        "stop_sequence": None,
    }
    if is_own and choice.finish_reason is word is None:
        wire["stop_reason"] = None
    carry(wire, choice.extensions)
    if response.usage is not None:
        wire["usage"] = write_usage(response.usage)
    else:
        wire["usage"] = {"input_tokens": 0, "output_tokens": 0}
    return Rendered(_encode(carry(wire, response.extensions)), tuple(losses))


def _write_content(choice: Choice, losses: list[Loss]) -> list[Block]:
    blocks: list[Block] = []
    for i, part in enumerate(choice.message.parts):
        if isinstance(part, Text) and not part.text and NAME not in choice.extensions:
            continue  # an empty text could not be sent back with the next turn
        if is_plain(part):
            blocks.append({"type": "text", "text": part.text})
            continue
        block = write_answer_part(part, f"choices[0].message.parts[{i}]", losses)
        if block is not None:
            blocks.append(block)
    return blocks


def write_answer_part(part: Part, path: str, losses: list[Loss]) -> Block | None:
    """One block of an answer; None, with a loss, if Messages cannot express it."""
    match part:
        case Text():
            return write_text(part, path, losses, answer=True)
        case ToolCall():
            return write_call(part, path, losses, part.id or new_call_id())
        case Reasoning():
            return write_reasoning(part)
        case Refusal():
            return write_refusal(part, path, losses)
        case Opaque() if part.dialect == NAME:
            return dict(part.value)
        case _:
            return _write_rest(part, path, losses)


def _write_rest(part: Part, path: str, losses: list[Loss]) -> Block | None:
    match part:
        case Audio() if part.transcript:
            losses.append(Loss("audio", path, "approximated", "as its transcript"))
            return {"type": "text", "text": part.transcript}
        case Opaque():
            losses.append(Loss(f"messages.{part.kind}", path, "dropped"))
        case _:
            losses.append(Loss(f"messages.{type(part).__name__.lower()}", path, "dropped"))
    return None
