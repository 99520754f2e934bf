"""The dialect `openai.realtime`: sessions over a WebSocket, in OpenAI's events.

xAI and Azure send the same events, Azure's Voice Live those of the beta, where the texts of answers
are `response.text.delta` and `response.audio_transcript.delta`. A session has no end of its own: it
lasts until a close frame.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec
from msgspec.structs import replace

from jackfield import Endpoint, realtime
from jackfield.dialects import UpstreamFailure
from jackfield.errors import GatewayError
from jackfield.estimates import UNUSED
from jackfield.http import WEBSOCKET
from jackfield.json_spans import Path
from jackfield.messages import Bill, Usage

from . import failures, session_meter
from .deltas import delta_of_call, is_audio
from .resource import resource_usage
from .session_meter import Event
from .tool_texts import IN_EVENTS
from .usage import count_of

EXTENSION = "openai.realtime"
"""The extension of a Usage with the sums of counts that have no canonical field."""

_TRANSCRIBED: Final = "input_audio_transcription.completed"
_ITEM_TEXTS = ("content/*/text", "content/*/transcript")


class RealtimeDialect(realtime.RealtimeDialect):
    """Voice and text in both directions, passed through message by message."""

    name: ClassVar[str] = "openai.realtime"
    protocols: ClassVar[frozenset[str]] = frozenset({"realtime", "openai-beta.realtime-v1"})
    key_protocol: ClassVar[str | None] = "openai-insecure-api-key."
    model_paths: ClassVar[tuple[Path, ...]] = (
        ("session", "model"),
        ("response", "model"),
        ("model",),
    )
    event_texts: ClassVar[tuple[str, ...]] = (
        "delta",
        "text",
        "transcript",
        "part/text",
        "part/transcript",
        *(f"item/{path}" for path in _ITEM_TEXTS),
        *(f"response/output/*/{path}" for path in _ITEM_TEXTS),
    )
    event_tools: ClassVar[tuple[str, ...]] = IN_EVENTS

    def event_data(self, event: bytes) -> bytes | None:
        """The JSON of a message; messages with audio are skipped."""
        return None if is_audio(event) else super().event_data(event)

    def patterns_of_event(self, data: bytes, *, tools: bool) -> tuple[str, ...]:
        if (path := delta_of_call(data)) is not None:
            return path if tools else ()
        return super().patterns_of_event(data, tools=tools)

    def usage_meter(self) -> realtime.SessionMeter:
        return SessionMeter()

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error(error, request_id)

    def error_message(self, error: GatewayError, request_id: str) -> bytes:
        wire = failures.error_object(error, request_id)
        del wire["request_id"]
        event = {"type": "error", "event_id": f"event_{request_id}", "error": wire}
        return msgspec.json.encode(event)

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return failures.parse_error(status, body)


REALTIME: Final = RealtimeDialect()


def session_endpoint(prefix: str) -> Endpoint:
    """The endpoint that opens sessions, below a prefix; OpenAI accepts events up to 15 MiB."""
    return Endpoint(
        WEBSOCKET,
        f"{prefix}/realtime",
        REALTIME,
        "realtime",
        "inference",
        "/realtime",
        max_body=16 << 20,
        query=("model",),
    )


class SessionMeter(session_meter.SessionMeter):
    """Adds up the usage of a session's responses.

    Transcription of the user's speech is billed at the rates of the model that does it, so it is
    also counted separately in `extensions`.
    """

    marks = (_TRANSCRIBED.encode() + b'"',)

    def __init__(self) -> None:
        super().__init__()
        self._transcriber: str | None = None
        self._transcription = Usage()
        self._counts: dict[str, float] = {}

    def used(self, event: Event, message: bytes) -> Usage | None:
        return read_usage(event.response.usage) if event.response is not None else None

    def configured(self, session: Any) -> None:
        """Find the model that transcribes: GA's settings have it deeper than the beta's."""
        settings = _table(_table(session, "audio"), "input").get("transcription")
        settings = settings or _table(session, "input_audio_transcription")
        model = settings.get("model") if isinstance(settings, dict) else None
        self._transcriber = model if isinstance(model, str) else self._transcriber

    def process_other(self, event: Event) -> None:
        used = resource_usage(event.usage) if event.type.endswith(_TRANSCRIBED) else None
        if used is None:
            return
        self._transcription = self.added(self._transcription, used)
        for name in ("input_tokens", "output_tokens", "seconds"):
            count = event.usage.get(name)
            if isinstance(count, int | float):
                self._counts[name] = self._counts.get(name, 0) + count

    def added(self, one: Usage, other: Usage) -> Usage:
        units = {name: one.units.get(name, 0) + count for name, count in other.units.items()}
        return replace(realtime.added(one, other), units={**one.units, **units})

    def usage(self) -> Usage | None:
        usage = super().usage()
        if not self._counts:
            return usage
        bill = Bill(self._transcription, self._transcriber)
        kept = {EXTENSION: {"transcription": dict(self._counts)}}
        if usage is None or usage is UNUSED:
            return replace(self._transcription, extensions=kept, bills=(bill,))
        total = self.added(usage, self._transcription)
        return replace(total, extensions=kept, bills=(Bill(usage), bill))


def read_usage(value: Any) -> Usage | None:
    """The usage of one response; None if there is none."""
    if not isinstance(value, dict):
        return None
    inputs, outputs = _details(value, "input"), _details(value, "output")
    return Usage(
        input_tokens=count_of(value, "input_tokens"),
        output_tokens=count_of(value, "output_tokens"),
        cached_input_tokens=count_of(inputs, "cached_tokens"),
        reasoning_tokens=count_of(outputs, "reasoning_tokens"),
        audio_input_tokens=count_of(inputs, "audio_tokens"),
        audio_output_tokens=count_of(outputs, "audio_tokens"),
        cached_audio_tokens=count_of(_table(inputs, "cached_tokens_details"), "audio_tokens"),
        image_input_tokens=count_of(inputs, "image_tokens"),
        cached_image_tokens=count_of(_table(inputs, "cached_tokens_details"), "image_tokens"),
    )


def _details(value: Mapping[str, Any], side: str) -> Mapping[str, Any]:
    return _table(value, f"{side}_token_details")


def _table(value: Any, key: str) -> Mapping[str, Any]:
    table = value.get(key) if isinstance(value, dict) else None
    return table if isinstance(table, dict) else {}
