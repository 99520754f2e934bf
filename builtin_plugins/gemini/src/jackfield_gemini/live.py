"""The dialect `gemini.live`: sessions of the Live API over a WebSocket.

The model is named in the client's first message, `setup`, not when the session is opened. The
server's messages are JSON in binary frames, and each turn ends with its usage.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Final

import msgspec

from jackfield import Endpoint, realtime
from jackfield.dialects import UpstreamFailure
from jackfield.errors import GatewayError
from jackfield.http import WEBSOCKET
from jackfield.json_spans import Path
from jackfield.realtime import MAX_MESSAGE

from . import failures
from .live_meter import LiveMeter

_SERVICE: Final = "/ws/google.ai.generativelanguage.{version}.GenerativeService.BidiGenerateContent"


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
    event_tools: ClassVar[tuple[str, ...]] = ("toolCall/functionCalls/*/args/**",)

    def event_data(self, event: bytes) -> bytes | None:
        """The JSON of a message; audio-only messages are skipped, as they have no text."""
        has_text = b'"text"' in event or b'"args"' in event
        return super().event_data(event) if has_text else None

    def settings_in(self, tree: Any) -> Any:
        """Only `setup` names models: the rest is content, and what functions have returned."""
        return tree.get("setup") if isinstance(tree, dict) else None

    def render_refusal(self, error: GatewayError, request_id: str) -> bytes:
        """Only a close frame with the reason: that is how Google refuses a `setup`."""
        return self.closing(error, error.message)

    def usage_meter(self) -> realtime.SessionMeter:
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
