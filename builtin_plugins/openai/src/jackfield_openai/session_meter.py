"""Counts what a session uses, and estimates an answer that is cut or reports nothing.

OpenAI bills an answer for the whole conversation until then, and for all that was generated; a
connection costs nothing. A second of sound has 10 tokens if the user made it, and 20 if the model
did (https://developers.openai.com/api/docs/guides/realtime-costs).
"""

from typing import Any, Final

import msgspec

from jackfield import realtime
from jackfield.estimates import UNUSED
from jackfield.messages import Usage
from jackfield.realtime import MESSAGES

from . import failures
from .deltas import is_audio

_BEGIN: Final = "response.created"
_ENDS: Final = frozenset(
    ("response.done", "response.completed", "response.incomplete", "response.failed")
)
_SETTINGS: Final = frozenset(("session.created", "session.updated"))
_MARKS: Final = tuple(f'"{kind}"'.encode() for kind in (_BEGIN, *_ENDS, *_SETTINGS))
_DELTA: Final = b'.delta"'

_SECOND: Final = 64_000
"""Characters of base64 for a second of sound: 16 bits, 24 kHz."""

_NARROW: Final = 10_667
"""The same in 8 bits and 8 kHz, as telephones have it."""
_NARROW_FORMATS: Final = (b"pcmu", b"pcma", b"g711")

_HEARD: Final = 10
"""Tokens of a second of the user's sound."""

_SPOKEN: Final = 20
"""Tokens of a second of the model's."""

_BYTES_A_TOKEN: Final = 4
_MOST_A_MESSAGE: Final = 50_000
"""Tokens of a message at the most: what has more bytes is an image."""


class _Response(msgspec.Struct):
    usage: Any = None


class Event(msgspec.Struct):
    """The members of an event that concern usage."""

    type: Any = None
    response: _Response | None = None
    usage: Any = None
    session: Any = None


_decode = msgspec.json.Decoder(Event).decode


class SessionMeter:
    """Adds up the answers of a session; a subclass reads their reports.

    An answer without a report is estimated: it has read what the last one has read and said, and
    what the client has sent since; and it has said a token for each event with a part of a text,
    and so many for its sound.
    """

    marks: tuple[bytes, ...] = ()
    """What events contain that `other` wants to see."""

    def __init__(self) -> None:
        self._total: Usage | None = None
        self._last = Usage()
        self._given = self._heard = 0  # tokens, and characters of sound, since an answer began
        self._read = Usage()
        self._words = self._sound = 0  # events, and characters of sound, of answers in progress
        self._open = 0
        self._second = _SECOND
        self._used = self._estimated = False
        self._wanted = (*_MARKS, *self.marks)

    def used(self, event: Event, message: bytes) -> Usage | None:
        """The usage that an event at the end of an answer reports."""
        raise NotImplementedError

    def configured(self, session: Any) -> None:
        """Take note of the session's settings."""

    def added(self, one: Usage, other: Usage) -> Usage:
        """The usage of both."""
        return realtime.added(one, other)

    def other(self, event: Event) -> None:
        """Process any other event that has one of the marks."""

    def sent(self, message: bytes) -> None:
        """Count what an answer will read."""
        if b'"input_audio_buffer.append"' in message:
            self._heard += len(message)
            return
        self._given += min(len(message) // _BYTES_A_TOKEN + 1, _MOST_A_MESSAGE)
        self._used = self._used or b"response.create" in message

    def feed(self, events: bytes) -> None:
        """Process a batch of messages."""
        if not self._open and not any(mark in events for mark in self._wanted):
            self._used = self._used or _DELTA in events
            return
        for message in MESSAGES.split(events):
            if is_audio(message):  # the usual one, and the longest
                self._sound += len(message)
                continue
            event = self._event(message)
            if event is None:
                self._grow(message)
            elif event.type == _BEGIN:
                self._begin()
            elif event.type in _ENDS:
                self._end(self.used(event, message))
            elif event.type in _SETTINGS:
                narrow = any(name in message for name in _NARROW_FORMATS)
                self._second = _NARROW if narrow else _SECOND
                self.configured(event.session)
            else:
                self._grow(message)
                self.other(event)

    def usage(self) -> Usage | None:
        """What was reported so far, and an estimate of what is in progress."""
        if self._open:
            return self._with(self._estimate())
        return self._total if self._used else UNUSED

    def is_complete(self) -> bool:
        """Whether every answer has ended, and reported its usage."""
        return not (self._open or self._estimated)

    def _event(self, message: bytes) -> Event | None:
        if not any(mark in message for mark in self._wanted):
            return None
        try:
            event = _decode(MESSAGES.data_of(message) or b"")
        except failures.UNREADABLE:
            self._used = True  # it may have been a report
            return None
        return event if isinstance(event.type, str) else None

    def _begin(self) -> None:
        heard = self._heard * _HEARD // self._second
        last = self._last
        read = Usage(
            input_tokens=last.input_tokens + last.output_tokens + self._given + heard,
            audio_input_tokens=last.audio_input_tokens + last.audio_output_tokens + heard,
            image_input_tokens=last.image_input_tokens,
        )
        self._read = realtime.added(self._read, read)
        self._given = self._heard = 0
        self._open += 1
        self._used = True

    def _grow(self, message: bytes) -> None:
        self._words += _DELTA in message

    def _end(self, used: Usage | None) -> None:
        self._used = True
        if used is None or not (used.total_tokens or used.cost):
            used, self._estimated = self._estimate(), True
        self._total, self._last = self._with(used), used
        self._open = max(0, self._open - 1)
        if not self._open:
            self._read, self._words, self._sound = Usage(), 0, 0

    def _estimate(self) -> Usage:
        spoken = -(-self._sound * _SPOKEN // self._second)
        made = self._words + spoken
        return realtime.added(self._read, Usage(output_tokens=made, audio_output_tokens=spoken))

    def _with(self, used: Usage) -> Usage:
        return used if self._total is None else self.added(self._total, used)
