"""Members of a chat request that have more than one form."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final

from attrs import Factory, frozen

from jackfield.dialects import Loss
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, own
from jackfield.messages import ChatRequest, ReasoningRequest, ResponseFormat

from .chat_parts import NAME
from .chat_tools import read_choice, write_choice
from .efforts import effort_for
from .strict_schemas import enforced_format


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
    options = Fields(wire).inner("stream_options")
    return options is not None and options.flag("include_usage") is True


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
    fields = Fields(wire)
    inner = Fields(fields.table("reasoning") or {}, "reasoning")  # OpenRouter's form
    found = ReasoningRequest(
        effort=fields.text("reasoning_effort") or inner.text("effort"),
        budget_tokens=inner.integer("max_tokens"),
        summary=inner.text("summary"),
    )
    return None if found == ReasoningRequest() else found


def _write_format(request: ChatRequest, losses: list[Loss]) -> dict[str, Any]:
    response_format = enforced_format(request, losses)
    if response_format is None:
        return {}
    if response_format.kind != "json_schema":
        return {"response_format": {"type": response_format.kind}}
    known = {
        "name": response_format.name or "response",
        "description": response_format.description,
        "schema": response_format.schema,
        "strict": response_format.strict,
    }
    schema = {key: value for key, value in known.items() if value is not None}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _write_reasoning(request: ChatRequest, losses: list[Loss]) -> dict[str, Any]:
    reasoning = request.reasoning
    if reasoning is not None and reasoning.summary is not None:
        losses.append(Loss("reasoning.summary", "reasoning.summary", "dropped"))
    effort = effort_for(request, losses)
    return {} if effort is None else {"reasoning_effort": effort}


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
    """A field with more than one form.

    It records the form that came in, and leaves what it does not understand in place.
    """

    field: str
    keys: tuple[str, ...]
    read: Callable[[Mapping[str, Any]], Any]
    write: Callable[[ChatRequest, list[Loss]], dict[str, Any]]
    _notes: Mapping[str, str] = Factory(
        lambda self: {key: f"${key}" for key in self.keys}, takes_self=True
    )

    def take(self, rest: dict[str, Any]) -> Any:
        """The value; records its form."""
        value = self.read(rest)
        if value:
            for key, note in self._notes.items():
                if key in rest:
                    rest[note] = rest.pop(key)
        return value

    def put(self, request: ChatRequest, losses: list[Loss], dialect: str = NAME) -> dict[str, Any]:
        """The fields as they came in `dialect`, unless the value has changed since."""
        value = getattr(request, self.field)
        kept = own(request.extensions, dialect)
        raw = {key: kept[note] for key, note in self._notes.items() if note in kept} if kept else {}
        if raw and self.read(raw) == value:
            return raw
        return self.write(request, losses) if value else {}


STOP = Shape("stop", ("stop",), _read_stop, _write_stop)
INCLUDE_USAGE = Shape(
    "include_usage", ("stream_options",), _read_include_usage, _write_include_usage
)
SHAPES = (
    STOP,
    Shape("response_format", ("response_format",), _read_format, _write_format),
    Shape("reasoning", ("reasoning_effort", "reasoning"), _read_reasoning, _write_reasoning),
    Shape("tool_choice", ("tool_choice", "function_call"), read_choice, _write_choice),
    INCLUDE_USAGE,
)
_values: Final = attrgetter("stop", "response_format", "reasoning", "tool_choice", "stream")
_NONE: Final = ((), None, None, None, False)


def is_shaped(request: ChatRequest) -> bool:
    """Whether any of these is to be written; without a stream usage is always reported."""
    return _values(request) != _NONE
