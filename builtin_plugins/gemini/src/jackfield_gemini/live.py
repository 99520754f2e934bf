"""The dialect `gemini.live`: sessions of the Live API over a WebSocket.

The model is named in the client's first message, `setup`, not when the session is opened. The
server's messages are JSON in binary frames, and each turn ends with its usage.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

import msgspec
from msgspec.structs import replace

from jackfield import Endpoint, realtime
from jackfield.dialects import UpstreamFailure, UsageMeter
from jackfield.errors import GatewayError
from jackfield.json_spans import Path
from jackfield.messages import Usage
from jackfield.realtime import MAX_MESSAGE, MESSAGES, WEBSOCKET

from . import failures
from .usage import MARK, read_usage, report_in

_SERVICE: Final = "/ws/google.ai.generativelanguage.{version}.GenerativeService.BidiGenerateContent"
_WORDS: Final = {
    "responseTokenCount": "candidatesTokenCount",
    "responseTokensDetails": "candidatesTokensDetails",
}
"""Members of a session's usage with other names than in answers."""


class LiveDialect(realtime.RealtimeDialect):
    """Voice, video and text in both directions, passed through message by message."""

    name: ClassVar[str] = "gemini.live"
    first_message: ClassVar[float | None] = 60.0
    model_paths: ClassVar[tuple[Path, ...]] = (("setup", "model"),)
    model_prefix: ClassVar[str] = "models/"
    request_texts: ClassVar[tuple[str, ...]] = (
        "setup/systemInstruction/parts/*/text",
        "setup/system_instruction/parts/*/text",
    )
    event_texts: ClassVar[tuple[str, ...]] = (
        "serverContent/modelTurn/parts/*/text",
        "serverContent/outputTranscription/text",
        "serverContent/inputTranscription/text",
    )

    def event_data(self, event: bytes) -> bytes | None:
        """The JSON of a message; audio-only messages are skipped, as they have no text."""
        return super().event_data(event) if b'"text"' in event else None

    def settings_in(self, tree: Any) -> Any:
        """Only `setup` names models: the rest is content, and what functions have returned."""
        return tree.get("setup") if isinstance(tree, dict) else None

    def render_refusal(self, error: GatewayError, request_id: str) -> bytes:
        """Only a close frame with the reason: that is how Google refuses a `setup`."""
        return self.closing(error, error.message)

    def usage_meter(self) -> UsageMeter:
        return LiveMeter()

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error(error, request_id)

    def error_message(self, error: GatewayError, request_id: str) -> bytes:
        """The bare error object: Google's SDK looks for it there in a session."""
        return msgspec.json.encode(failures.error_object(error, request_id))

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return failures.parse_error(status, body)


LIVE: Final = LiveDialect()


def session_endpoints(prefix: str, versions: tuple[str, ...]) -> Iterator[Endpoint]:
    """The endpoints that open sessions, below a prefix, for each version of the API."""
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
    """Adds up the usage of a session's turns."""

    def __init__(self) -> None:
        self._total: Usage | None = None

    def feed(self, events: bytes) -> None:
        """Process a batch of messages."""
        if MARK not in events:
            return
        for event in MESSAGES.split(events):
            used = _used(report_in(MESSAGES.data_of(event))) if MARK in event else None
            if used is not None:
                self._total = used if self._total is None else realtime.added(self._total, used)

    def usage(self) -> Usage | None:
        """The sum so far; None if nothing was reported yet."""
        return self._total


def _used(report: Any) -> Usage | None:
    if not isinstance(report, Mapping):
        return None
    usage = read_usage({_WORDS.get(name, name): count for name, count in report.items()})
    return replace(usage, extensions={}) if usage is not None else None
