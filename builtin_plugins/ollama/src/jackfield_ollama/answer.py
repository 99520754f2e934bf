"""Reads and writes complete answers of chats and generations."""

from typing import Any

import msgspec

from jackfield.dialects import Loss, Rendered
from jackfield.fields import Fields, carry, json_object, own
from jackfield.messages import ChatRequest, ChatResponse, Choice, Message, Part, ToolCall

from .finish import lost_reason, read_finish, read_logprobs, write_finish, write_logprobs
from .images import readable
from .message_reader import read_parts
from .message_writer import write_parts
from .moments import from_seconds, to_seconds
from .shapes import ChatShape
from .tools import answer_id
from .usage import take_usage, write_usage


def read_answer(body: bytes, shape: ChatShape) -> ChatResponse:
    """The canonical form. Raises ValueError if the body is not an answer."""
    rest = json_object(body)
    message = shape.take(rest)
    if message is None:
        raise ValueError("the answer has no message" if "error" not in rest else "it is an error")
    fields = Fields(rest, strict=False)
    usage = take_usage(fields.rest)
    moment = fields.rest.get("created_at")
    made_id = answer_id(moment, fields.rest.get("model"))
    choice = _read_choice(message, fields, made_id, shape.dialect)
    if fields.rest.get("done") is True:
        del fields.rest["done"]
    return ChatResponse(
        id="",
        model=fields.text("model") or "",
        choices=(choice,),
        usage=usage,
        created=to_seconds(moment),
        extensions=fields.extensions(shape.dialect),
    )


def _read_choice(wire: dict[str, Any], fields: Fields, made_id: str, dialect: str) -> Choice:
    inner = Fields(wire, strict=False)
    if inner.rest.get("role") == "assistant":
        del inner.rest["role"]
    parts: list[Part] = read_parts(inner, made_id)
    called = any(isinstance(part, ToolCall) for part in parts)
    word = fields.rest.pop("done_reason", None)
    reason = read_finish(word, called=called)
    note: dict[str, Any] = {} if reason == word else {"$done_reason": word}
    logprobs = read_logprobs(fields.rest.get("logprobs"))
    if logprobs is not None:
        del fields.rest["logprobs"]
    message = Message("assistant", tuple(parts), extensions=inner.extensions(dialect))
    detail = word if isinstance(word, str) and word != reason else None
    return Choice(message, reason, detail, logprobs, {dialect: note} if note else {})


def write_answer(response: ChatResponse, request: ChatRequest, shape: ChatShape) -> Rendered:
    """The answer as a client of Ollama expects it; only the first choice."""
    losses: list[Loss] = []
    if len(response.choices) > 1:
        losses.append(Loss("n", "choices", "dropped", "Ollama returns one answer"))
    choice = response.choices[0] if response.choices else Choice(Message("assistant", ()), "stop")
    parts = readable(choice.message.parts, shape.most_images, "choices[0]", losses)
    content = write_parts(parts, "choices[0]", losses)
    kept = own(response.extensions, shape.dialect)
    finish = write_finish(choice.finish_reason, own(choice.extensions, shape.dialect))
    losses += lost_reason(choice.finish_reason, finish)
    wire: dict[str, Any] = {
        "model": response.model or request.model,
        "created_at": kept.get("created_at") or from_seconds(response.created),
        **shape.put(carry(content, choice.message.extensions, shape.dialect)),
        "done": kept.get("done", True),
        **finish,
        **write_usage(response.usage),
    }
    logprobs = write_logprobs(choice.logprobs)
    if logprobs is not None:
        wire["logprobs"] = logprobs
    body = carry(wire, response.extensions, shape.dialect)
    return Rendered(msgspec.json.encode(body), tuple(losses))
