"""The dialect `openai.resource`: OpenAI's other endpoints, passed through unchanged.

Only audio and images stream, as server-sent events without `[DONE]`. Their last events are
`speech.audio.done`, `transcript.text.done`, `image_generation.completed` and
`image_edit.completed`; any other stream ends with the connection.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from jackfield import sse
from jackfield.dialects import Dialect, Peek, Terminal, UpstreamFailure, UsageMeter
from jackfield.errors import GatewayError
from jackfield.fields import object_fields
from jackfield.forms import field_span
from jackfield.messages import Usage
from jackfield.rates import AUDIO

from . import failures
from .resource_models import form_with_model, model_of_form, models_in, with_models
from .usage import count_of, read_cost

_LAST = frozenset(
    (
        "speech.audio.done",
        "transcript.text.done",
        "image_generation.completed",
        "image_edit.completed",
    )
)


class ResourceDialect(Dialect):
    """Files, batches, audio, images, moderations, models; only errors are parsed."""

    name: ClassVar[str] = "openai.resource"
    operation: ClassVar[str] = "resource"
    translates: ClassVar[bool] = False
    terminal_hints: ClassVar[tuple[bytes, ...]] = (b".done", b".completed", b"error", b"[DONE]")

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        if not isinstance(tree, dict):  # uploads, lists and the like
            return Peek(params.get("model"))
        fields = object_fields(tree)
        model = fields.text("model") or params.get("model") or next(models_in(tree), None)
        return Peek(model, bool(fields.flag("stream")))

    def peek_form(self, body: bytes, media_type: str, params: Mapping[str, str]) -> Peek:
        stream = field_span(body, media_type, "stream")
        model = model_of_form(body, media_type) or params.get("model")
        return Peek(model, _text(body, stream).lower() in ("true", "1"))

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        if media_type.lower().startswith("multipart/"):
            return form_with_model(body, media_type, old, new)
        if body.count(b'odel"') > 1 or b"\\u" in body:
            return with_models(body, old, new)
        try:
            return super().with_model(body, media_type, old, new)
        except KeyError:  # the path names the model, or a place within the body
            return with_models(body, old, new)

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
        tree = _decoded(body)
        used = resource_usage(tree.get("usage"))
        if used is None and "text" in tree and type(tree.get("duration")) in (int, float):
            # A transcription by xAI or Groq, which are billed by the second, says how long it was.
            return Usage(units=_sound({"seconds": tree["duration"]}))
        return used

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
    """The usage of audio and images: `input_tokens` and `output_tokens`, or seconds of audio."""
    if not isinstance(value, dict):
        return None
    given = value.get("input_token_details") or value.get("input_tokens_details")
    made = value.get("output_tokens_details")
    usage = Usage(
        input_tokens=_count(value, "input_tokens"),
        output_tokens=_count(value, "output_tokens"),
        audio_input_tokens=_count(given, "audio_tokens"),
        image_input_tokens=_count(given, "image_tokens"),
        image_output_tokens=_count(made, "image_tokens"),
        units=_sound(value),
        cost=read_cost(value),
    )
    return usage if usage != Usage() else None


def _sound(value: Mapping[str, Any]) -> Mapping[str, int]:
    seconds = value.get("seconds") or value.get("prompt_audio_seconds")
    if not seconds:
        return {}
    if type(seconds) not in (int, float) or not 0 < seconds < 1 << 32:
        return {AUDIO: -1}
    return {AUDIO: math.ceil(seconds * 1000)}


def _text(body: bytes, span: tuple[int, int] | None) -> str:
    return body[span[0] : span[1]].decode("utf-8", "replace").strip() if span else ""


def _count(value: Any, key: str) -> int:
    return count_of(value, key) if isinstance(value, dict) else 0


def _decoded(data: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(data)
    except failures.UNREADABLE:
        return {}
    return value if isinstance(value, dict) else {}
