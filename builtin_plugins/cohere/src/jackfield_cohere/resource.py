"""The dialect `cohere.resource`: Cohere's other endpoints, passed through unchanged."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from jackfield import sse
from jackfield.dialects import Peek, Terminal
from jackfield.fields import object_fields
from jackfield.forms import field_span
from jackfield.messages import Usage

from .json_dialect import JsonDialect
from .usage import read_meta


class ResourceDialect(JsonDialect):
    """v1's chat and generate, tokenize, audio, datasets, jobs; only errors are parsed."""

    name: ClassVar[str] = "cohere.resource"
    operation: ClassVar[str] = "resource"
    translates: ClassVar[bool] = False
    terminal_hints: ClassVar[tuple[bytes, ...]] = (b"[DONE]", b"error")

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        if not isinstance(tree, dict):  # uploads, lists and the like
            return Peek(None)
        fields = object_fields(tree)
        return Peek(fields.text("model"), bool(fields.flag("stream")))

    def peek_form(self, body: bytes, media_type: str, params: Mapping[str, str]) -> Peek:
        span = field_span(body, media_type, "model")
        if span is None:
            return Peek(None)
        return Peek(body[span[0] : span[1]].decode("utf-8", "replace").strip())

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        span = field_span(body, media_type, "model")
        if span is None:
            return super().with_model(body, media_type, old, new)
        return body[: span[0]] + new.encode() + body[span[1] :]

    def terminal(self, event: bytes) -> Terminal | None:
        parsed = sse.parse(event)
        if parsed.data is not None and parsed.data.strip() == b"[DONE]":
            return "end"
        return "error" if parsed.event == "error" else None

    def usage(self, body: bytes) -> Usage | None:
        try:
            value = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return read_meta(value.get("meta")) if isinstance(value, dict) else None
