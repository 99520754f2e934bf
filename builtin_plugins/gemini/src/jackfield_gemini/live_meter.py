"""Counts what a session of the Live API uses, and estimates a turn that is cut.

Google bills each turn for everything in the session's context window and everything generated
(https://ai.google.dev/gemini-api/docs/live-api/best-practices). A second of audio has up
to 32 tokens, and a second of video, which is sent as one image, 258.
"""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from jackfield import realtime
from jackfield.estimates import UNUSED
from jackfield.messages import Usage
from jackfield.realtime import MESSAGES

from .usage import MARK, read_usage, report_in

_USAGE_NAMES: Final = {
    "responseTokenCount": "candidatesTokenCount",
    "responseTokensDetails": "candidatesTokensDetails",
}
"""Fields of a session's usage, by the names that they have in other answers."""

_INLINE_DATA: Final = b'"inlineData"'
_OUTPUT: Final = (b'"modelTurn"', b'"toolCall"')
_AUDIO_INPUT: Final = (b'"audio/', b'"video/')
_IMAGE_INPUT: Final = b'"image/'

_BYTES_A_TOKEN: Final = 4
_OUTPUT_BYTES_A_TOKEN: Final = 2_000
"""Characters of base64 for a token of generated audio: 16 bits, 24 kHz."""

_INPUT_BYTES_A_TOKEN: Final = 1_333
"""Characters of base64 for a token of the user's audio: 16 bits, 16 kHz."""

_IMAGE_TOKENS: Final = 258


class LiveMeter:
    """Adds up the usage of a session's turns.

    A turn without a report is estimated. Its input is the input and the output of the last turn and
    what the client has sent since; its output is what has been received.
    """

    def __init__(self) -> None:
        self._total: Usage | None = None
        self._last = Usage()
        self._text = self._audio = self._images = 0  # tokens sent since the last report
        self._output_text = self._output_audio = 0  # bytes received in the turn in progress
        self._used = False

    def sent(self, message: bytes) -> None:
        """Count a message of the client as input of the next turn."""
        if _IMAGE_INPUT in message:
            self._images += _IMAGE_TOKENS
        elif any(mark in message for mark in _AUDIO_INPUT):
            self._audio += len(message) // _INPUT_BYTES_A_TOKEN + 1
        else:
            self._text += len(message) // _BYTES_A_TOKEN + 1
        self._used = self._used or b'"setup"' not in message

    def feed(self, events: bytes) -> None:
        """Read the usage in a batch of the provider's messages, and count the output in it."""
        if MARK not in events and not any(part in events for part in _OUTPUT):
            return
        self._used = True
        for event in MESSAGES.split(events):
            if MARK in event and (used := _usage_in(event)) is not None:
                self._total = self._total_with(used)
                self._last = used
                self._text = self._audio = self._images = 0
                self._output_text = self._output_audio = 0
            elif any(part in event for part in _OUTPUT):
                if _INLINE_DATA in event:
                    self._output_audio += len(event)
                else:
                    self._output_text += len(event)

    def usage(self) -> Usage | None:
        """What has been reported so far, and an estimate of the turn in progress."""
        if not self.is_complete():
            return self._total_with(self._estimate())
        return self._total if self._used else UNUSED

    def is_complete(self) -> bool:
        """Whether no turn is in progress."""
        return not (self._output_text or self._output_audio)

    def _total_with(self, used: Usage) -> Usage:
        return used if self._total is None else realtime.added(self._total, used)

    def _estimate(self) -> Usage:
        last, audio_output = self._last, -(-self._output_audio // _OUTPUT_BYTES_A_TOKEN)
        earlier = last.input_tokens + last.output_tokens
        return Usage(
            input_tokens=earlier + self._text + self._audio + self._images,
            output_tokens=audio_output + self._output_text // _BYTES_A_TOKEN + 1,
            audio_input_tokens=last.audio_input_tokens + last.audio_output_tokens + self._audio,
            audio_output_tokens=audio_output,
            image_input_tokens=last.image_input_tokens + self._images,
        )


def _usage_in(event: bytes) -> Usage | None:
    report = report_in(MESSAGES.data_of(event))
    if not isinstance(report, Mapping):
        return None
    usage = read_usage({_USAGE_NAMES.get(name, name): count for name, count in report.items()})
    return replace(usage, extensions={}) if usage is not None else None
