"""The dialect `gemini.live`: sessions of the Live API over a WebSocket.

The model is named in the client's first message, `setup`, and not where the session is opened: it
goes to the first provider that has sessions, or to the one that `x-jackfield-provider` names. The
server's messages are JSON in binary frames, and each turn ends with what it has used.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

import msgspec
from msgspec.structs import replace

from jackfield import Endpoint, realtime
from jackfield.dialects import UpstreamFailure, UsageMeter
from jackfield.errors import GatewayError
from jackfield.messages import Usage
from jackfield.realtime import MAX_MESSAGE, MESSAGES, WEBSOCKET

from . import failures
from .usage import MARK, read_usage, report_in

_SERVICE: Final = "/ws/google.ai.generativelanguage.{version}.GenerativeService.BidiGenerateContent"
_WORDS: Final = {
    "responseTokenCount": "candidatesTokenCount",
    "responseTokensDetails": "candidatesTokensDetails",
}
"""What a session's usage calls otherwise than that of an answer."""


class LiveDialect(realtime.RealtimeDialect):
    """Voice, pictures and text in both directions, passed through message by message."""

    name: ClassVar[str] = "gemini.live"
    event_texts: ClassVar[tuple[str, ...]] = (
        "serverContent/modelTurn/parts/*/text",
        "serverContent/outputTranscription/text",
        "serverContent/inputTranscription/text",
    )

    def event_data(self, event: bytes) -> bytes | None:
        """The JSON of a message, but for those of sound alone: they have no texts."""
        return super().event_data(event) if b'"text"' in event else None

    def usage_meter(self) -> UsageMeter:
        return LiveMeter()

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error(error, request_id)

    def error_message(self, error: GatewayError, request_id: str) -> bytes:
        """The error object itself: that is where Google's SDK looks for it in a session."""
        return msgspec.json.encode(failures.error_object(error, request_id))

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return failures.parse_error(status, body)


LIVE: Final = LiveDialect()


def session_endpoints(prefix: str, versions: tuple[str, ...]) -> Iterator[Endpoint]:
    """Where sessions are opened, below a prefix, in each version of the API."""
    for version in versions:
        path = _SERVICE.format(version=version)
        yield Endpoint(
            WEBSOCKET,
            prefix + path,
            LIVE,
            "realtime",
            "inference",
            path,
            max_body=MAX_MESSAGE,
        )


class LiveMeter:
    """Adds up what each turn of a session has used."""

    def __init__(self) -> None:
        self._total: Usage | None = None

    def feed(self, events: bytes) -> None:
        """Look at a batch of messages."""
        if MARK not in events:
            return
        for event in MESSAGES.split(events):
            used = _used(report_in(MESSAGES.data_of(event))) if MARK in event else None
            if used is not None:
                self._total = used if self._total is None else realtime.added(self._total, used)

    def usage(self) -> Usage | None:
        """The sum so far; None before any report."""
        return self._total


def _used(report: Any) -> Usage | None:
    if not isinstance(report, Mapping):
        return None
    usage = read_usage({_WORDS.get(name, name): count for name, count in report.items()})
    return replace(usage, extensions={}) if usage is not None else None
