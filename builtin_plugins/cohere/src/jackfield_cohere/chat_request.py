"""Reads and writes complete chat requests."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from attrs import frozen

from jackfield.dialects import Loss, Peek, Rendered
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, carry, object_fields, own
from jackfield.messages import ChatRequest, ReasoningRequest, ResponseFormat

from .chat_message_reader import read_messages
from .chat_message_writer import Conversation
from .chat_parts import NAME
from .chat_tools import read_choice, read_tools, write_tools
from .documents import take_documents
from .losses import request_losses

_NUMBERS: Final = {
    "temperature": "temperature",
    "top_p": "p",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
}
"""Canonical name → Cohere's."""
_INTEGERS: Final = {"max_tokens": "max_tokens", "top_k": "k", "seed": "seed"}

_BUDGETS: Final[Mapping[str, int]] = {"minimal": 1024, "low": 2048, "medium": 8192}
"""Thinking tokens per effort; greater efforts have no limit."""


def peek_chat(tree: Any, params: Mapping[str, str]) -> Peek:
    """The parts of a chat request that the kernel needs."""
    if type(tree) is dict:
        model, stream = tree.get("model"), tree.get("stream", False)
        tokens = tree.get("max_tokens")
        usual = type(model) is str and type(stream) is bool and type(tree.get("messages")) is list
        if usual and model and (tokens is None or type(tokens) is int):
            return Peek(model, stream, tokens)
    # It is unusual or invalid; the full reader raises the precise error.
    fields = object_fields(tree)
    if not isinstance(tree.get("messages"), list):
        raise fields.wrong("messages", "an array")
    tokens = fields.integer("max_tokens")
    return Peek(needed_model(fields), bool(fields.flag("stream")), tokens)


def needed_model(fields: Fields) -> str:
    """The model of a request body, which v1 of the API did not require."""
    model = fields.text("model")
    if not model:
        raise InvalidRequest("The request names no model: set 'model'.", param="model")
    return model


def read_request(tree: Any) -> ChatRequest:
    """The canonical form of a request body."""
    fields = object_fields(tree)
    model = needed_model(fields)
    messages = take_documents(fields, read_messages(fields.rest.pop("messages", None)))
    known: dict[str, Any] = {
        **{name: fields.number(key) for name, key in _NUMBERS.items()},
        **{name: fields.integer(key) for name, key in _INTEGERS.items()},
        "logprobs": fields.flag("logprobs"),
        "tools": read_tools(fields),
    }
    for shape in _SHAPES:
        known[shape.field] = shape.take(fields.rest)
    stream = fields.flag("stream")
    if stream is False:
        fields.rest["$stream"] = False
    return ChatRequest(
        **known,
        model=model,
        messages=messages,
        stream=bool(stream),
        include_usage=True,
        extensions={NAME: fields.rest},
    )


def _read_stop(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidRequest(
            "'stop_sequences' must be an array of strings.", param="stop_sequences"
        )
    return tuple(value)


def _read_format(value: Any) -> ResponseFormat | None:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind not in ("text", "json_object"):
        raise InvalidRequest(
            '\'response_format.type\' must be "text" or "json_object".',
            param="response_format.type",
        )
    # `schema` is the older name of `json_schema`.
    schema = value.get("json_schema") or value.get("schema")
    if kind == "text" or schema is None:
        return ResponseFormat("text" if kind == "text" else "json_object")
    if not isinstance(schema, dict):
        raise InvalidRequest(
            "'response_format.json_schema' must be an object.", param="response_format.json_schema"
        )
    return ResponseFormat("json_schema", schema=schema)


def _read_thinking(value: Any) -> ReasoningRequest | None:
    if not isinstance(value, dict):
        raise InvalidRequest("'thinking' must be an object.", param="thinking")
    inner = Fields(value, "thinking")
    kind, budget = inner.text("type"), inner.integer("token_budget")
    if kind == "disabled":
        return ReasoningRequest(effort="none")
    return ReasoningRequest(effort=None if budget else "medium", budget_tokens=budget or None)


def _write_stop(request: ChatRequest, losses: list[Loss]) -> Any:
    return list(request.stop)


def _write_format(request: ChatRequest, losses: list[Loss]) -> Any:
    requested = request.response_format
    if requested is None or requested.kind == "text":
        return None if requested is None else {"type": "text"}
    if requested.kind == "json_object" or requested.schema is None:
        return {"type": "json_object"}
    if requested.description:
        losses.append(Loss("response_format.description", "response_format", "dropped"))
    return {"type": "json_object", "json_schema": requested.schema}


def _write_thinking(request: ChatRequest, losses: list[Loss]) -> Any:
    requested = request.reasoning
    if requested is None or requested == ReasoningRequest(summary=requested.summary):
        return None
    if requested.effort == "none" or requested.budget_tokens == 0:
        return {"type": "disabled"}
    budget = requested.budget_tokens
    if budget is None:
        budget = _BUDGETS.get(requested.effort or "")
        detail = f"effort {requested.effort!r} as {budget or 'any number of'} tokens"
        losses.append(Loss("reasoning.effort", "reasoning", "approximated", detail))
    return {"type": "enabled"} | ({"token_budget": budget} if budget else {})


def _write_choice(request: ChatRequest, losses: list[Loss]) -> Any:
    return None  # written with the tools


@frozen
class _Shape:
    """A field with more than one form; its original form is recorded."""

    field: str
    key: str
    read: Callable[[Any], Any]
    write: Callable[[ChatRequest, list[Loss]], Any]
    empty: Any = None

    def take(self, rest: dict[str, Any]) -> Any:
        """The value; records its form."""
        if rest.get(self.key) is None:
            return self.empty
        value = self.read(rest[self.key])
        if value != self.empty:
            rest[f"${self.key}"] = rest.pop(self.key)
        return value

    def put(self, request: ChatRequest, losses: list[Loss]) -> dict[str, Any]:
        """The field in its original form, unless the value has changed since."""
        raw = own(request.extensions, NAME).get(f"${self.key}")
        if raw is not None and self.read(raw) == getattr(request, self.field):
            return {self.key: raw}
        value = self.write(request, losses)
        return {self.key: value} if value else {}


_SHAPES: Final = (
    _Shape("stop", "stop_sequences", _read_stop, _write_stop, ()),
    _Shape("response_format", "response_format", _read_format, _write_format),
    _Shape("reasoning", "thinking", _read_thinking, _write_thinking),
    _Shape("tool_choice", "tool_choice", read_choice, _write_choice),
)


def write_request(request: ChatRequest) -> Rendered:
    """The body of the equivalent Cohere request, and its losses."""
    losses: list[Loss] = []
    conversation = Conversation(losses)
    conversation.add_all(request.messages)
    wire: dict[str, Any] = {"model": request.model, "messages": conversation.wire}
    known = {key: getattr(request, name) for name, key in {**_NUMBERS, **_INTEGERS}.items()} | {
        "logprobs": request.logprobs
    }
    wire.update({key: value for key, value in known.items() if value is not None})
    wire.update(write_tools(request, losses))
    for shape in _SHAPES:
        wire.update(shape.put(request, losses))
    if conversation.documents.wire:
        wire["documents"] = conversation.documents.wire
    if request.stream or "$stream" in own(request.extensions, NAME):
        wire["stream"] = request.stream
    losses += request_losses(request, NAME)
    return Rendered(msgspec.json.encode(carry(wire, request.extensions, NAME)), tuple(losses))
