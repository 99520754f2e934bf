"""Counts what a session of the Live API uses, and estimates a turn that is cut.

Google bills each turn for all that is in the session's context window and for all that was
generated (https://ai.google.dev/gemini-api/docs/live-api/best-practices). A second of sound has up
to 32 tokens, and a second of video, which is sent as one picture, 258.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from jackfield import realtime
from jackfield.estimates import UNUSED
from jackfield.messages import Usage
from jackfield.realtime import MESSAGES

from .usage import MARK, read_usage, report_in

_WORDS: Final = {
    "responseTokenCount": "candidatesTokenCount",
    "responseTokensDetails": "candidatesTokensDetails",
}
"""Members of a session's usage with other names than in answers."""

_SOUND: Final = b'"inlineData"'
_PARTS: Final = (b'"modelTurn"', b'"toolCall"')
_HEARD: Final = (b'"audio/', b'"video/')
_SEEN: Final = b'"image/'

_BYTES_A_TOKEN: Final = 4
_SPOKEN_BYTES: Final = 2_000
"""Characters of base64 for a token of the model's sound: 16 bits, 24 kHz."""

_HEARD_BYTES: Final = 1_333
"""The same of the user's: 16 bits, 16 kHz."""

_PICTURE: Final = 258


class LiveMeter:
    """Adds up the usage of a session's turns.

    A turn without a report is estimated: it has read what the last one has read and said, and what
    the client has sent since; and it has said what came.
    """

    def __init__(self) -> None:
        self._total: Usage | None = None
        self._last = Usage()
        self._given = self._heard = self._seen = 0  # tokens, since the last report
        self._words = self._sound = 0  # bytes of the turn in progress
        self._used = False

    def sent(self, message: bytes) -> None:
        """Count what a turn will read."""
        if _SEEN in message:
            self._seen += _PICTURE
        elif any(mark in message for mark in _HEARD):
            self._heard += len(message) // _HEARD_BYTES + 1
        else:
            self._given += len(message) // _BYTES_A_TOKEN + 1
        self._used = self._used or b'"setup"' not in message

    def feed(self, events: bytes) -> None:
        """Process a batch of messages."""
        if MARK not in events and not any(part in events for part in _PARTS):
            return
        self._used = True
        for event in MESSAGES.split(events):
            if MARK in event and (used := _read(report_in(MESSAGES.data_of(event)))) is not None:
                self._total = self._with(used)
                self._last = used
                self._given = self._heard = self._seen = self._words = self._sound = 0
            elif any(part in event for part in _PARTS):
                if _SOUND in event:
                    self._sound += len(event)
                else:
                    self._words += len(event)

    def usage(self) -> Usage | None:
        """What was reported so far, and an estimate of the turn in progress."""
        if not self.is_complete():
            return self._with(self._estimate())
        return self._total if self._used else UNUSED

    def is_complete(self) -> bool:
        """Whether no turn is in progress."""
        return not (self._words or self._sound)

    def _with(self, used: Usage) -> Usage:
        return used if self._total is None else realtime.added(self._total, used)

    def _estimate(self) -> Usage:
        last, spoken = self._last, -(-self._sound // _SPOKEN_BYTES)
        earlier = last.input_tokens + last.output_tokens
        return Usage(
            input_tokens=earlier + self._given + self._heard + self._seen,
            output_tokens=spoken + self._words // _BYTES_A_TOKEN + 1,
            audio_input_tokens=last.audio_input_tokens + last.audio_output_tokens + self._heard,
            audio_output_tokens=spoken,
            image_input_tokens=last.image_input_tokens + self._seen,
        )


def _read(report: Any) -> Usage | None:
    if not isinstance(report, Mapping):
        return None
    usage = read_usage({_WORDS.get(name, name): count for name, count in report.items()})
    return replace(usage, extensions={}) if usage is not None else None
