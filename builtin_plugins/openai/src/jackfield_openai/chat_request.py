"""Reads and writes a chat request as a whole."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from attrs import frozen

from jackfield.dialects import Loss, Peek, Rendered
from jackfield.errors import InvalidRequest
from jackfield.messages import ChatRequest, ReasoningRequest, ResponseFormat

from .chat_message_reader import read_messages
from .chat_message_writer import write_messages
from .chat_parts import NAME
from .chat_tools import read_choice, read_tools, write_choice, write_tools
from .fields import Fields, body_fields, carry, own
from .losses import foreign_losses

_NUMBERS = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
_INTEGERS = ("top_k", "seed", "top_logprobs", "n")
_FLAGS = ("parallel_tool_calls", "logprobs", "store")
_TEXTS = ("user", "service_tier")
_TABLES = ("logit_bias", "metadata")

_OPTIONS: Mapping[str, Callable[[Fields, str], Any]] = {
    **dict.fromkeys(_NUMBERS, Fields.number),
    **dict.fromkeys(_INTEGERS, Fields.integer),
    **dict.fromkeys(_FLAGS, Fields.flag),
    **dict.fromkeys(_TEXTS, Fields.text),
    **dict.fromkeys(_TABLES, Fields.table),
}


def peek_chat(tree: Any, params: Mapping[str, str]) -> Peek:
    """What the kernel must know of a chat request."""
    if type(tree) is dict:
        model, stream = tree.get("model"), tree.get("stream", False)
        tokens = tree.get("max_completion_tokens", tree.get("max_tokens"))
        usual = type(model) is str and type(stream) is bool and type(tree.get("messages")) is list
        if usual and model and (tokens is None or type(tokens) is int):
            return Peek(model, stream, tokens)
    # Something is unusual, or wrong, in which case the error says what.
    fields = body_fields(tree)
    if not isinstance(tree.get("messages"), list):
        raise fields.wrong("messages", "an array")
    tokens = fields.integer("max_completion_tokens")
    tokens = fields.integer("max_tokens") if tokens is None else tokens
    return Peek(peek_model(fields, params), bool(fields.flag("stream")), tokens)


def peek_model(fields: Fields, params: Mapping[str, str]) -> str:
    """The model of a request's body, or of its path as Azure has it."""
    model = fields.text("model") or params.get("model")
    if not model:
        raise InvalidRequest("The request names no model: set 'model'.", param="model")
    return model


def read_request(tree: Any, params: Mapping[str, str]) -> ChatRequest:
    """The canonical form of a request's body."""
    fields = body_fields(tree)
    known: dict[str, Any] = {
        "model": peek_model(fields, params),
        "messages": read_messages(fields.rest.pop("messages", None)),
        "max_tokens": _take_max_tokens(fields),
        "modalities": tuple(fields.items("modalities")),
        **read_options(fields),
    }
    for shape in _SHAPES:
        if shape.is_in(fields.rest):
            known[shape.field] = shape.take(fields.rest)
    tools = read_tools(fields)
    stream = take_stream(fields)
    return ChatRequest(**known, tools=tools, stream=stream, extensions={NAME: fields.rest})


def read_options(fields: Fields) -> dict[str, Any]:
    """The fields that mean the same in the canonical form and have its names; those that are there.

    Most requests have one or two of them.
    """
    rest = fields.rest
    return {key: take(fields, key) for key, take in _OPTIONS.items() if key in rest}


def take_stream(fields: Fields) -> bool:
    """Whether a stream is asked for. That a client says no in so many words is noted."""
    stream = fields.flag("stream")
    if stream is False:
        fields.rest["$stream"] = False
    return bool(stream)


def _take_max_tokens(fields: Fields) -> int | None:
    for key in ("max_completion_tokens", "max_tokens"):
        tokens = fields.integer(key)
        if tokens is not None:
            fields.rest["$max_tokens"] = key
            return tokens
    return None


def _read_stop(wire: Mapping[str, Any]) -> tuple[str, ...]:
    stop = wire.get("stop")
    if isinstance(stop, str):
        return (stop,)
    if stop is None:
        return ()
    if not isinstance(stop, list) or not all(isinstance(item, str) for item in stop):
        raise InvalidRequest("'stop' must be a string or an array of strings.", param="stop")
    return tuple(stop)


def _read_include_usage(wire: Mapping[str, Any]) -> bool:
    options = wire.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def _read_format(wire: Mapping[str, Any]) -> ResponseFormat | None:
    value = wire.get("response_format")
    if value is None:
        return None
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str):
        raise InvalidRequest(
            "'response_format.type' must be a string.", param="response_format.type"
        )
    if kind == "text":
        return ResponseFormat("text")
    if kind == "json_object":
        return ResponseFormat("json_object")
    schema = value.get("json_schema")
    if kind != "json_schema" or not isinstance(schema, dict):
        return None
    inner = Fields(schema, "response_format.json_schema")
    return ResponseFormat(
        "json_schema",
        name=inner.text("name"),
        schema=inner.table("schema"),
        strict=inner.flag("strict"),
        description=inner.text("description"),
    )


def _read_reasoning(wire: Mapping[str, Any]) -> ReasoningRequest | None:
    table = wire.get("reasoning")  # OpenRouter's form
    inner = Fields(table if isinstance(table, dict) else {}, "reasoning", strict=False)
    effort = wire.get("reasoning_effort")
    found = ReasoningRequest(
        effort=effort if isinstance(effort, str) and effort else inner.text("effort"),
        budget_tokens=inner.integer("max_tokens"),
        summary=inner.text("summary"),
    )
    return None if found == ReasoningRequest() else found


def _write_format(request: ChatRequest, losses: list[Loss]) -> dict[str, Any]:
    asked = request.response_format
    if asked is None:
        return {}
    if asked.kind != "json_schema":
        return {"response_format": {"type": asked.kind}}
    known = {
        "name": asked.name or "response",
        "description": asked.description,
        "schema": asked.schema,
        "strict": asked.strict,
    }
    schema = {key: value for key, value in known.items() if value is not None}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _write_reasoning(request: ChatRequest, losses: list[Loss]) -> dict[str, Any]:
    asked = request.reasoning
    if asked is None:
        return {}
    if asked.summary is not None:
        losses.append(Loss("reasoning.summary", "reasoning.summary", "dropped"))
    if asked.effort is not None:
        return {"reasoning_effort": asked.effort}
    if asked.budget_tokens is None:
        return {}
    effort = effort_of(asked.budget_tokens)
    detail = f"{asked.budget_tokens} tokens as effort {effort!r}"
    losses.append(Loss("reasoning.budget_tokens", "reasoning", "approximated", detail))
    return {"reasoning_effort": effort}


def effort_of(budget: int) -> str:
    """The effort nearest to a budget of reasoning tokens."""
    if budget <= 2048:
        return "low"
    return "medium" if budget <= 8192 else "high"


def _write_choice(request: ChatRequest, losses: list[Loss]) -> dict[str, Any]:
    choice = request.tool_choice
    return write_choice(choice, request.tools) if choice else {}


def _write_stop(request: ChatRequest, losses: list[Loss]) -> dict[str, Any]:
    return {"stop": list(request.stop)} if request.stop else {}


def _write_include_usage(request: ChatRequest, losses: list[Loss]) -> dict[str, Any]:
    if not (request.stream and request.include_usage):
        return {}
    return {"stream_options": {"include_usage": True}}


@frozen
class Shape:
    """A field that can be written in more than one way: noted as it came, and what was not
    understood is left where it stands.
    """

    field: str
    keys: tuple[str, ...]
    read: Callable[[Mapping[str, Any]], Any]
    write: Callable[[ChatRequest, list[Loss]], dict[str, Any]]

    def is_in(self, wire: Mapping[str, Any]) -> bool:
        """Whether there is any of it."""
        return not wire.keys().isdisjoint(self.keys)

    def take(self, rest: dict[str, Any]) -> Any:
        """Its value, with a note of how it was written."""
        value = self.read(rest)
        if value:
            for key in self.keys:
                if key in rest:
                    rest[f"${key}"] = rest.pop(key)
        return value

    def put(self, request: ChatRequest, losses: list[Loss], dialect: str = NAME) -> dict[str, Any]:
        """Its fields as they came in `dialect`, unless the value changed since."""
        kept = own(request.extensions, dialect)
        raw = {key: kept[f"${key}"] for key in self.keys if f"${key}" in kept}
        if raw and self.read(raw) == getattr(request, self.field):
            return raw
        return self.write(request, losses)


STOP = Shape("stop", ("stop",), _read_stop, _write_stop)
INCLUDE_USAGE = Shape(
    "include_usage", ("stream_options",), _read_include_usage, _write_include_usage
)
_SHAPES = (
    STOP,
    Shape("response_format", ("response_format",), _read_format, _write_format),
    Shape("reasoning", ("reasoning_effort", "reasoning"), _read_reasoning, _write_reasoning),
    Shape("tool_choice", ("tool_choice", "function_call"), read_choice, _write_choice),
    INCLUDE_USAGE,
)


def write_request(request: ChatRequest) -> Rendered:
    """The body that asks a provider the same, and what of it chat has no words for."""
    losses: list[Loss] = []
    kept = own(request.extensions, NAME)
    wire: dict[str, Any] = {
        "model": request.model,
        "messages": write_messages(request.messages, losses),
    }
    if request.max_tokens is not None:
        wire[kept.get("$max_tokens", "max_completion_tokens")] = request.max_tokens
    wire.update(write_options(request))
    if request.top_k is not None:
        _write_top_k(request, wire, losses)
    if request.modalities:
        wire["modalities"] = list(request.modalities)
    tools, functions = write_tools(request.tools, losses)
    wire.update({"tools": tools} if tools else {})
    wire.update({"functions": functions} if functions else {})
    if request.stream or "$stream" in kept:
        wire["stream"] = request.stream
    for shape in _SHAPES:
        wire.update(shape.put(request, losses))
    losses += foreign_losses(request, NAME, (*kept, "text"))  # of `text`, `verbosity` is in `kept`
    carry(wire, request.extensions, NAME)
    return Rendered(msgspec.json.encode(wire), tuple(losses))


def write_options(request: ChatRequest) -> dict[str, Any]:
    """The counterpart of `read_options`, `top_k` left out."""
    keys = (*_NUMBERS, *(key for key in _INTEGERS if key != "top_k"), *_FLAGS, *_TEXTS, *_TABLES)
    found = {key: getattr(request, key) for key in keys}
    return {key: value for key, value in found.items() if value is not None}


def _write_top_k(request: ChatRequest, wire: dict[str, Any], losses: list[Loss]) -> None:
    # OpenAI refuses top_k; many compatible servers take it, and their clients send it.
    if NAME in request.extensions:
        wire["top_k"] = request.top_k
    else:
        losses.append(Loss("top_k", "top_k", "dropped"))
