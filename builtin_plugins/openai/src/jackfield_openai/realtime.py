"""The dialect `openai.realtime`: sessions over a WebSocket, in OpenAI's events.

xAI and Azure send the same events, Azure's Voice Live those of the beta, where the model's words
are `response.text.delta` and `response.audio_transcript.delta`. A session has no end of its own: it
lasts until a close frame.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec
from msgspec.structs import replace

from jackfield import Endpoint, realtime
from jackfield.dialects import UpstreamFailure, UsageMeter
from jackfield.errors import GatewayError
from jackfield.json_spans import Path
from jackfield.messages import Usage
from jackfield.realtime import MESSAGES, WEBSOCKET

from . import failures
from .deltas import is_no_text
from .usage import count_of

EXTENSION = "openai.realtime"
"""The extension of a Usage with the sums of counts that have no canonical field."""

_REPORTS = (b'"response.done"', b'input_audio_transcription.completed"')
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

    def event_data(self, event: bytes) -> bytes | None:
        """The JSON of a message; messages with a non-text `delta` are skipped."""
        return None if is_no_text(event) else super().event_data(event)

    def usage_meter(self) -> UsageMeter:
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


class SessionMeter:
    """Adds up the usage of a session's responses.

    Transcription of the user's speech is billed at another model's rates, so it is kept apart in
    `extensions`.
    """

    def __init__(self) -> None:
        self._total: Usage | None = None
        self._transcribed: dict[str, float] = {}

    def feed(self, events: bytes) -> None:
        """Process a batch of messages."""
        if not any(mark in events for mark in _REPORTS):
            return
        for event in MESSAGES.split(events):
            data = MESSAGES.data_of(event) if any(mark in event for mark in _REPORTS) else None
            if data is not None:
                self._read(data)

    def usage(self) -> Usage | None:
        """The sum so far; None if nothing was reported yet."""
        if not self._transcribed:
            return self._total
        kept = {EXTENSION: {"transcription": dict(self._transcribed)}}
        return replace(self._total or Usage(), extensions=kept)

    def _read(self, data: bytes) -> None:
        try:
            event = _decode(data)
        except failures.UNREADABLE:
            return
        if event.type == "response.done" and event.response is not None:
            used = read_usage(event.response.usage)
            if used is not None:
                self._total = used if self._total is None else realtime.added(self._total, used)
        elif isinstance(event.usage, dict):
            for name in ("input_tokens", "output_tokens", "seconds"):
                count = event.usage.get(name)
                if isinstance(count, int | float):
                    self._transcribed[name] = self._transcribed.get(name, 0) + count


class _Response(msgspec.Struct):
    usage: Any = None


class _Event(msgspec.Struct):
    type: Any = None
    response: _Response | None = None
    usage: Any = None


_decode = msgspec.json.Decoder(_Event).decode


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


def _table(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    table = value.get(key)
    return table if isinstance(table, dict) else {}
