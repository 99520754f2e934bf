"""The dialect `openai.resource`: OpenAI's other endpoints, passed through as they are.

Of these only audio and images stream, as server-sent events without `[DONE]`. Their last events are
`speech.audio.done`, `transcript.text.done`, `image_generation.completed` and
`image_edit.completed`; a stream of any other kind ends when the connection does.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from jackfield import sse
from jackfield.dialects import Dialect, Peek, Terminal, UpstreamFailure, UsageMeter
from jackfield.errors import GatewayError
from jackfield.fields import object_fields
from jackfield.messages import Usage

from . import failures
from .forms import field_span

_LAST = frozenset(
    (
        "speech.audio.done",
        "transcript.text.done",
        "image_generation.completed",
        "image_edit.completed",
    )
)


class ResourceDialect(Dialect):
    """Files, batches, audio, images, moderations, models: read no further than errors need."""

    name: ClassVar[str] = "openai.resource"
    operation: ClassVar[str] = "resource"
    translates: ClassVar[bool] = False
    terminal_hints: ClassVar[tuple[bytes, ...]] = (b".done", b".completed", b"error", b"[DONE]")

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        if not isinstance(tree, dict):  # uploads, lists and the like
            return Peek(params.get("model"))
        fields = object_fields(tree)
        return Peek(fields.text("model") or params.get("model"), bool(fields.flag("stream")))

    def peek_form(self, body: bytes, media_type: str, params: Mapping[str, str]) -> Peek:
        model, stream = (
            field_span(body, media_type, "model"),
            field_span(body, media_type, "stream"),
        )
        return Peek(
            _text(body, model) or params.get("model"), _text(body, stream).lower() in ("true", "1")
        )

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        span = field_span(body, media_type, "model")
        if span is None:
            return super().with_model(body, media_type, old, new)
        return body[: span[0]] + new.encode() + body[span[1] :]

    def terminal(self, event: bytes) -> Terminal | None:
        parsed = sse.parse(event)
        if parsed.data is None:
            return None
        if parsed.data.strip() == b"[DONE]":
            return "end"
        value = _decoded(parsed.data)
        if parsed.event == "error" or value.get("type") == "error" or value.get("error"):
            return "error"
        return "end" if value.get("type") in _LAST else None

    def usage(self, body: bytes) -> Usage | None:
        return resource_usage(_decoded(body).get("usage"))

    def usage_meter(self) -> UsageMeter:
        return _LastMeter()

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error(error, request_id)

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        return sse.encode(failures.render_error(error, request_id), "error")

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return failures.parse_error(status, body)


class _LastMeter:
    """Keeps the last event that reports usage."""

    def __init__(self) -> None:
        self._batch = b""

    def feed(self, events: bytes) -> None:
        if b'"usage"' in events:
            self._batch = events

    def usage(self) -> Usage | None:
        for event in reversed(sse.split(self._batch)):
            usage = resource_usage(_decoded(sse.data_of(event) or b"").get("usage"))
            if usage is not None:
                return usage
        return None


def resource_usage(value: Any) -> Usage | None:
    """The usage of audio and images, which count `input_tokens` and `output_tokens`."""
    if not isinstance(value, dict):
        return None
    counts = {key: _count(value, key) for key in ("input_tokens", "output_tokens")}
    if None in counts.values():  # speech is also measured in seconds
        return None
    details = value.get("input_token_details") or value.get("input_tokens_details") or {}
    audio = _count(details, "audio_tokens") if isinstance(details, dict) else 0
    return Usage(
        input_tokens=counts["input_tokens"] or 0,
        output_tokens=counts["output_tokens"] or 0,
        audio_input_tokens=audio or 0,
    )


def _text(body: bytes, span: tuple[int, int] | None) -> str:
    return body[span[0] : span[1]].decode("utf-8", "replace").strip() if span else ""


def _count(value: dict[str, Any], key: str) -> int | None:
    count = value.get(key)
    return count if isinstance(count, int) else None


def _decoded(data: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return value if isinstance(value, dict) else {}
