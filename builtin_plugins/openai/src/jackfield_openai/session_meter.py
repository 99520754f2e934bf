"""Counts what a session uses, and estimates an answer that is cut or reports nothing.

OpenAI bills an answer for the whole conversation before it and for everything generated; a
connection costs nothing. A second of audio has 10 tokens as input and 20 as output
(https://developers.openai.com/api/docs/guides/realtime-costs).
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

_WIDEBAND: Final = 64_000
"""Characters of base64 for a second of audio: 16 bits, 24 kHz."""

_NARROWBAND: Final = 10_667
"""The same for telephony: 8 bits, 8 kHz."""

_NARROWBAND_FORMATS: Final = (b"pcmu", b"pcma", b"g711")

_INPUT_TOKENS: Final = 10
"""Tokens of a second of the user's audio."""

_OUTPUT_TOKENS: Final = 20
"""Tokens of a second of generated audio."""

_BYTES_A_TOKEN: Final = 4
_MAX_MESSAGE_TOKENS: Final = 50_000
"""The most tokens that a message is counted as: one with more bytes contains an image."""


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

    An answer without a report is estimated. Its input is the input and the output of the last
    answer and what the client has sent since. Its output is a token for each event with a part of
    a text, and the tokens of its audio.
    """

    marks: tuple[bytes, ...] = ()
    """Events that contain one of these are passed to `process_other`."""

    def __init__(self) -> None:
        self._total: Usage | None = None
        self._last = Usage()
        # Since the last answer began: tokens of text, and characters of audio.
        self._text = self._audio = 0
        # Of the answers in progress: their input, events with text, and characters of audio.
        self._input = Usage()
        self._output_text = self._output_audio = 0
        self._in_progress = 0
        self._audio_rate = _WIDEBAND
        self._used = self._estimated = False
        self._all_marks = (*_MARKS, *self.marks)

    def used(self, event: Event, message: bytes) -> Usage | None:
        """The usage that an event at the end of an answer reports; None if it reports none."""
        raise NotImplementedError

    def configured(self, session: Any) -> None:
        """Process the session's settings."""

    def added(self, one: Usage, other: Usage) -> Usage:
        """The usage of both."""
        return realtime.added(one, other)

    def process_other(self, event: Event) -> None:
        """Process any other event that has one of the marks."""

    def sent(self, message: bytes) -> None:
        """Count a message of the client as input of the next answer."""
        if b'"input_audio_buffer.append"' in message:
            self._audio += len(message)
            return
        self._text += min(len(message) // _BYTES_A_TOKEN + 1, _MAX_MESSAGE_TOKENS)
        self._used = self._used or b"response.create" in message

    def feed(self, events: bytes) -> None:
        """Process a batch of the provider's messages."""
        if not self._in_progress and not any(mark in events for mark in self._all_marks):
            self._used = self._used or _DELTA in events
            return
        for message in MESSAGES.split(events):
            if is_audio(message):  # the usual one, and the longest
                self._output_audio += len(message)
                continue
            event = self._event(message)
            if event is None:
                self._count_delta(message)
            elif event.type == _BEGIN:
                self._begin()
            elif event.type in _ENDS:
                self._end(self.used(event, message))
            elif event.type in _SETTINGS:
                is_narrowband = any(name in message for name in _NARROWBAND_FORMATS)
                self._audio_rate = _NARROWBAND if is_narrowband else _WIDEBAND
                self.configured(event.session)
            else:
                self._count_delta(message)
                self.process_other(event)

    def usage(self) -> Usage | None:
        """What has been reported so far, and an estimate of the answers in progress."""
        if self._in_progress:
            return self._total_with(self._estimate())
        return self._total if self._used else UNUSED

    def is_complete(self) -> bool:
        """Whether every answer has ended, and reported its usage."""
        return not (self._in_progress or self._estimated)

    def _event(self, message: bytes) -> Event | None:
        if not any(mark in message for mark in self._all_marks):
            return None
        try:
            event = _decode(MESSAGES.data_of(message) or b"")
        except failures.UNREADABLE:
            self._used = True  # it may have been a report
            return None
        return event if isinstance(event.type, str) else None

    def _begin(self) -> None:
        audio = self._audio * _INPUT_TOKENS // self._audio_rate
        last = self._last
        answer_input = Usage(
            input_tokens=last.input_tokens + last.output_tokens + self._text + audio,
            audio_input_tokens=last.audio_input_tokens + last.audio_output_tokens + audio,
            image_input_tokens=last.image_input_tokens,
        )
        self._input = realtime.added(self._input, answer_input)
        self._text = self._audio = 0
        self._in_progress += 1
        self._used = True

    def _count_delta(self, message: bytes) -> None:
        self._output_text += _DELTA in message

    def _end(self, used: Usage | None) -> None:
        self._used = True
        if used is None or not (used.total_tokens or used.cost):
            used, self._estimated = self._estimate(), True
        self._total, self._last = self._total_with(used), used
        self._in_progress = max(0, self._in_progress - 1)
        if not self._in_progress:
            self._input, self._output_text, self._output_audio = Usage(), 0, 0

    def _estimate(self) -> Usage:
        audio = -(-self._output_audio * _OUTPUT_TOKENS // self._audio_rate)
        tokens = self._output_text + audio
        return realtime.added(self._input, Usage(output_tokens=tokens, audio_output_tokens=audio))

    def _total_with(self, used: Usage) -> Usage:
        return used if self._total is None else self.added(self._total, used)
