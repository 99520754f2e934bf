"""The dialect `mistral.resource`: Mistral's other endpoints, passed through unchanged.

Of these, audio, agents, conversations, responses and FIM stream, as server-sent events with last
events of their own or `[DONE]`; any other stream ends with the connection.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from jackfield import sse
from jackfield.dialects import Peek, Terminal, UsageMeter, installed
from jackfield.messages import Usage

from .dialect import MistralDialect
from .failures import UNREADABLE
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


class ResourceDialect(MistralDialect):
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


def _kind(data: bytes) -> str:
    try:
        value = msgspec.json.decode(data)
    except UNREADABLE:
        return ""
    kind = value.get("type") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) else ""
