"""The dialect `gemini.resource`: Google's other endpoints, passed through unchanged."""

from collections.abc import Mapping
from typing import Any, ClassVar

from jackfield import sse
from jackfield.dialects import Peek, Terminal
from jackfield.dialects import UsageMeter as Meter
from jackfield.messages import Usage

from .fields import body_fields, object_in
from .model_name import check_models, model_within
from .resource_usage import usage_in
from .whole_answer import WholeAnswerDialect


class ResourceDialect(WholeAnswerDialect):
    """Files, cached contents, batches, interactions, predictions; only errors are parsed.

    Of these, interactions stream, as server-sent events that end in `[DONE]`; any other stream ends
    with the connection.
    """

    name: ClassVar[str] = "gemini.resource"
    operation: ClassVar[str] = "resource"
    translates: ClassVar[bool] = False
    terminal_hints: ClassVar[tuple[bytes, ...]] = (b"[DONE]", b"error")

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        model = params.get("model")
        if not isinstance(tree, dict):  # uploads, lists and the like
            return Peek(model)
        if model is None:
            model = model_within(tree)
        else:
            check_models(body_fields(tree), model)
        return Peek(model, tree.get("stream") is True)

    def terminal(self, event: bytes) -> Terminal | None:
        parsed = sse.parse(event)
        if parsed.data is None:
            return None
        if parsed.data.strip() == b"[DONE]":
            return "end"
        value = object_in(parsed.data)
        failed = value.get("error") and "candidates" not in value
        return "error" if parsed.event == "error" or failed else None

    def finishes(self, event: bytes) -> bool:
        return True

    def usage(self, body: bytes) -> Usage | None:
        return usage_in(object_in(body))

    def usage_meter(self) -> Meter:
        return _LastMeter()


class VertexResourceDialect(ResourceDialect):
    """The same on Vertex AI, where a model in the body is a full path and does not route."""

    name: ClassVar[str] = "gemini.resource@vertex"

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        found = super().peek(tree, params)
        if found.model is not None and found.model.startswith(("projects/", "publishers/")):
            return Peek(None, found.stream)
        return found


class _LastMeter:
    """Keeps the last batch of events that reports usage."""

    def __init__(self) -> None:
        self._batch = b""

    def feed(self, events: bytes) -> None:
        if b'"usage' in events:
            self._batch = events

    def usage(self) -> Usage | None:
        for event in reversed(sse.split(self._batch)):
            value = object_in(sse.data_of(event) or b"")
            inner = value.get("interaction")
            usage = usage_in(inner if isinstance(inner, dict) else value)
            if usage is not None:
                return usage
        return None
