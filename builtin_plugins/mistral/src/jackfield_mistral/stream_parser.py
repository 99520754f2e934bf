"""Parses the chunks of a streamed chat answer, through OpenAI's parser."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from jackfield import sse
from jackfield.dialects import StreamParser, installed
from jackfield.events import Failed, ReasoningDelta, StreamEvent, TextDelta
from jackfield.proofs import unseal

from .failures import UNREADABLE
from .names import CHAT, exchanged

_OPENAI: Final = installed("openai.chat")


class ChatStreamParser:
    """The parser of one stream."""

    def __init__(self) -> None:
        self._inner: StreamParser = _OPENAI.stream_parser()
        self._failed = False
        self._thought = 0

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        """The canonical events in one wire event. Raises ProviderError for a malformed chunk."""
        if self._failed:
            return ()
        if b'"error"' in event and is_failure(event):
            self._failed = True
            failure = _OPENAI.parse_error(502, sse.data_of(event) or b"")
            return (Failed(failure.message, failure.type, failure.code),)
        read = self._inner.feed(event)
        if len(read) == 1 and type(read[0]) is TextDelta and not read[0].extensions:
            return read
        events = [exchanged(one) for one in read]
        for one in events:
            if type(one) is ReasoningDelta:
                self._thought = one.part
        if b'"signature"' in event:
            events += self._proofs(event)
        return events

    def close(self) -> Sequence[StreamEvent]:
        """The end of a stream that finished without a marker."""
        return () if self._failed else [exchanged(one) for one in self._inner.close()]

    def _proofs(self, event: bytes) -> list[StreamEvent]:
        """The signatures in a chunk's thoughts; each belongs to the last thought."""
        found: list[StreamEvent] = []
        for choice in _choices(_decoded(event)):
            delta = choice.get("delta")
            content = delta.get("content") if isinstance(delta, dict) else None
            for part in content if isinstance(content, list) else ():
                signature = part.get("signature") if isinstance(part, dict) else None
                if isinstance(signature, str) and signature:
                    found.append(_proof(self._thought, signature))
        return found


def _proof(part: int, signature: str) -> ReasoningDelta:
    thought = unseal(signature)
    if thought is None:
        note = {CHAT: {"$in": "content"}}
        return ReasoningDelta(part, signature=signature, extensions=note)
    return ReasoningDelta(
        part,
        id=thought.id,
        signature=thought.signature,
        encrypted=thought.encrypted,
        summary=thought.summary,
        extensions=thought.extensions,
    )


def is_failure(event: bytes) -> bool:
    """Whether it is an error in Mistral's form, which OpenAI's dialect does not know."""
    return _decoded(event).get("object") == "error"


def _choices(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    choices = chunk.get("choices")
    found = choices if isinstance(choices, list) else []
    return [choice for choice in found if isinstance(choice, dict)]


def _decoded(event: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(sse.data_of(event) or b"")
    except UNREADABLE:
        return {}
    return value if isinstance(value, dict) else {}
