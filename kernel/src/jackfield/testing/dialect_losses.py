"""The law that a dialect names what it cannot express of a request."""

from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import replace

from jackfield.dialects import Dialect, Rendered
from jackfield.errors import GatewayError
from jackfield.messages import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Message,
    Part,
    ReasoningRequest,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)

from .dialect_law import DialectLaw, Samples
from .law import LawBrokenError

_DATA: Final = "iVBORw0KGgo="

_SCHEMA: Final = {"type": "object", "properties": {"city": {"type": "string"}}}

_SETTINGS: Final[dict[str, Any]] = {
    "tools": (Tool("weather", "Tells the weather.", _SCHEMA),),
    "temperature": 0.25,
    "top_p": 0.25,
    "top_k": 7,
    "stop": ("END",),
    "seed": 7,
    "frequency_penalty": 0.25,
    "presence_penalty": 0.25,
    "logit_bias": {"42": 1.0},
    "logprobs": True,
    "n": 2,
    "response_format": ResponseFormat("json_schema", "city", _SCHEMA),
    "reasoning": ReasoningRequest(effort="low"),
    "modalities": ("text", "audio"),
    "user": "somebody",
    "metadata": {"key": "value"},
    "service_tier": "flex",
    "store": True,
    "server_state": "resp_1",
}
"""A value for each member that a protocol may lack."""

_PARTS: Final[tuple[Part, ...]] = (
    Image(data=_DATA, media_type="image/png"),
    Document(data=_DATA, media_type="application/pdf", name="a.pdf"),
    Audio(data=_DATA, format="wav"),
)

_QUESTION: Final = Message("user", (Text("Hello"),))

_TURNS: Final = (
    Message("assistant", (ToolCall("call_1", "weather", '{"city":"Bonn"}'),)),
    Message("tool", (ToolResult("call_1", (Text("Rain"),), name="weather"),)),
)


def losses_are_named(samples: Samples) -> None:
    """What makes no difference to the body is among the losses, or the request is refused."""
    request = samples.canonical_request()
    if not isinstance(request, ChatRequest) or samples.dialect.canonical != "chat":
        return
    plain = ChatRequest(request.model, (_QUESTION,), max_tokens=request.max_tokens)
    for what, without, with_it in _probes(plain):
        usual, written = _written(samples.dialect, without), _written(samples.dialect, with_it)
        if usual is None or written is None or written.body != usual.body:
            continue
        if not {loss.feature for loss in written.losses} - {loss.feature for loss in usual.losses}:
            raise LawBrokenError(f"it leaves out {what}, and reports no loss")


def _probes(plain: ChatRequest) -> Iterator[tuple[str, ChatRequest, ChatRequest]]:
    """The name of each probe, a request without it, and the same with it."""
    for name, value in _SETTINGS.items():
        yield f"the setting {name!r}", plain, replace(plain, **{name: value})
    for part in _PARTS:
        shown = replace(_QUESTION, parts=(*_QUESTION.parts, part))
        yield f"a part of kind {_kind(part)!r}", plain, replace(plain, messages=(shown,))
    yield "calls of tools", plain, replace(plain, messages=(_QUESTION, *_TURNS))


def _kind(part: Part) -> str:
    return type(part).__name__.lower()


def _written(dialect: Dialect, request: ChatRequest) -> Rendered | None:
    """The request in the dialect; None if it is refused."""
    try:
        return dialect.render_request(request)
    except GatewayError:
        return None


LOSSES_ARE_NAMED: Final = DialectLaw(
    "losses-are-named",
    "What a dialect cannot express of a request is named as a loss, or refused.",
    "requests",
    losses_are_named,
)
