"""Reads the chunks of a streamed chat answer."""

from collections.abc import Sequence
from typing import Any

import msgspec

from jackfield import sse
from jackfield.errors import ProviderError
from jackfield.events import Ended, Started, StreamEvent, UsageReported

from .chat_choice import ChoiceReader
from .chat_parts import NAME
from .chat_sources import read_sources
from .failures import UNREADABLE, error_in, failed_event
from .moderations import MODERATION
from .usage import chunk_usage

_decode = msgspec.json.Decoder().decode
_CHUNK_KEYS = frozenset(
    ("id", "object", "created", "model", "choices", "usage", "obfuscation", "p")
)
"""Members covered by canonical events, and the padding that hides a token's length."""


def decode_chunk(data: bytes) -> dict[str, Any]:
    """The object of one event's data. Raises ProviderError if it is not an object."""
    try:
        chunk = _decode(data)
    except UNREADABLE as error:
        raise ProviderError("The provider sent a stream event that is not JSON.") from error
    if not isinstance(chunk, dict):
        raise ProviderError("The provider sent a stream event that is not a JSON object.")
    return chunk


class ChatStreamParser:
    """The parser of one stream."""

    def __init__(self) -> None:
        self._started = False
        self._ended = False
        self._extra: dict[str, Any] = {}
        self._extras: dict[str, Any] = {}
        self._choices: dict[int, ChoiceReader] = {}

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        """The canonical events in one wire event. Raises ProviderError for a malformed one."""
        data = sse.data_of(event)
        if not data or self._ended:
            return ()
        if data.strip() == b"[DONE]":
            return (self._end(),)
        chunk = decode_chunk(data)
        failure = chunk if event.startswith(b"event: error") else error_in(chunk)
        if failure is not None:
            self._ended = True
            return (failed_event(failure),)
        return self._chunk(chunk)

    def close(self) -> Sequence[StreamEvent]:
        """The end of a stream that finished without a marker."""
        if self._ended or not any(choice.finished for choice in self._choices.values()):
            return ()
        return (self._end(),)

    def _take_extra(self) -> dict[str, Any]:
        extra = self._extra
        # It concerns the whole answer, whichever chunk it came in.
        self._extra = {MODERATION: extra.pop(MODERATION)} if MODERATION in extra else {}
        self._extras.update(extra)
        return extra

    def _end(self) -> Ended:
        self._ended = True
        return Ended({NAME: self._extra} if self._extra else {})

    def _chunk(self, chunk: dict[str, Any]) -> list[StreamEvent]:
        out: list[StreamEvent] = []
        choices = chunk.get("choices")
        for key, value in chunk.items():
            if key not in _CHUNK_KEYS and value is not None and self._extras.get(key) != value:
                self._extra[key] = value
        if choices and not isinstance(choices, list):
            raise ProviderError("The provider sent a chunk whose 'choices' are no array.")
        if choices and not self._started:
            out.append(self._start(chunk))
        for wire in choices or ():
            self._choice(wire, out)
        if chunk.get("usage") or "x_groq" in chunk:
            usage = chunk_usage(chunk)
            if usage is not None:
                out.append(UsageReported(usage))
        return out

    def _start(self, chunk: dict[str, Any]) -> Started:
        self._started = True
        extra = self._take_extra()
        extensions = {NAME: extra} if extra else {}
        created = chunk.get("created")
        return Started(
            str(chunk.get("id") or ""),
            str(chunk.get("model") or ""),
            created if isinstance(created, int) else None,
            extensions,
        )

    def _choice(self, wire: Any, out: list[StreamEvent]) -> None:
        if not isinstance(wire, dict):
            raise ProviderError("The provider sent a choice that is not a JSON object.")
        index = wire.get("index")
        index = index if isinstance(index, int) else 0
        reader = self._choices.get(index)
        if reader is None:
            reader = self._choices[index] = ChoiceReader(index)
        reader.read(wire, out)
        if wire.get("error"):
            self._ended = True
            out.append(failed_event(wire["error"]))
            return
        if wire.get("finish_reason") and not reader.finished:  # SGLang says "" before the end
            extra = self._take_extra()
            reader.cite(read_sources(self._extras), out)
            out.append(reader.finish(wire, extra))
