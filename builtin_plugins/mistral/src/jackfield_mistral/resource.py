"""The dialect `mistral.resource`: Mistral's other endpoints, passed through unchanged.

Of these, audio, agents, conversations, responses and FIM stream, as server-sent events with last
events of their own or `[DONE]`; any other stream ends with the connection.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from jackfield import sse
from jackfield.dialects import Dialect, Peek, Terminal, UpstreamFailure, UsageMeter, installed
from jackfield.errors import GatewayError
from jackfield.messages import Usage

from . import failures
from .stream_parser import is_failure

_CHAT: Final = installed("openai.chat")
_OPENAI: Final = installed("openai.resource")
_LAST: Final = frozenset(
    (
        "transcription.done",
        "speech.audio.done",
        "conversation.response.done",
        "response.completed",
        "response.incomplete",
    )
)
_BROKEN: Final = frozenset(("error", "conversation.response.error", "response.failed"))


class ResourceDialect(Dialect):
    """OCR, FIM, audio, moderations, files, batches, agents; only errors are parsed."""

    name: ClassVar[str] = "mistral.resource"
    operation: ClassVar[str] = "resource"
    translates: ClassVar[bool] = False
    terminal_hints: ClassVar[tuple[bytes, ...]] = (
        *(b"[DONE]", b"error", b".done", b".completed"),
        *(b".incomplete", b".failed"),
    )

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return _OPENAI.peek(tree, params)

    def peek_form(self, body: bytes, media_type: str, params: Mapping[str, str]) -> Peek:
        return _OPENAI.peek_form(body, media_type, params)

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        return _OPENAI.with_model(body, media_type, old, new)

    def terminal(self, event: bytes) -> Terminal | None:
        parsed = sse.parse(event)
        if parsed.data is None:
            return None
        if parsed.data.strip() == b"[DONE]":
            return "end"
        kind = _kind(parsed.data) or parsed.event
        if kind in _BROKEN or parsed.event == "error" or is_failure(event):
            return "error"
        return "end" if kind in _LAST else None

    def finishes(self, event: bytes) -> bool:
        """Any event may be the last of a stream of unknown kind."""
        return True

    def usage(self, body: bytes) -> Usage | None:
        """The usage of an answer that reports it in one of OpenAI's forms."""
        try:
            return _CHAT.usage(body)
        except ValueError:
            return _OPENAI.usage(body)

    def usage_meter(self) -> UsageMeter:
        return _CHAT.usage_meter()

    def render_error(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error(error, request_id)

    def render_error_event(self, error: GatewayError, request_id: str) -> bytes:
        return failures.render_error_event(error, request_id)

    def is_error(self, tree: Any) -> bool:
        """Whether it has one of Mistral's error forms: a message, or a list of errors."""
        return isinstance(tree, dict) and bool(tree.get("message") or tree.get("detail"))

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return failures.parse_error(status, body)


def _kind(data: bytes) -> str:
    try:
        value = msgspec.json.decode(data)
    except failures.UNREADABLE:
        return ""
    kind = value.get("type") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) else ""
