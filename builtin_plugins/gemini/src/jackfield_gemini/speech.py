"""OpenAI's `audio/speech` with Google's models for text to speech.

Google answers with PCM samples of 16 bits at 24 kHz. A WAV file is a header and these samples; any
other format would have to be encoded.
"""

import io
import re
import wave
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Final

from jackfield.errors import InvalidRequest

from .media_requests import Answer, MediaRequest, NoOutputError, media_in, parts_in, reason_in
from .openai_fields import OpenAIFields

_OPENAI_VOICES: Final = frozenset(
    {
        *("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable"),
        *("marin", "nova", "onyx", "sage", "shimmer", "verse"),
    }
)
"""Voices that Google does not have."""

_DEFAULT_VOICE: Final = "Kore"
_RATE: Final = re.compile(r"rate=([1-9]\d{3,5})\b")
_DEFAULT_RATE: Final = 24_000


def speech(fields: OpenAIFields) -> MediaRequest:
    """The request for speech. Raises InvalidRequest."""
    if fields.text("stream_format") == "sse":
        raise InvalidRequest("Google does not stream speech in events.", param="stream_format")
    audio_format = fields.one_of("response_format", ("wav", "pcm"))
    if audio_format is None:
        fields.approximate("response_format", "WAV instead of MP3")
    text, instructions = fields.required("input"), fields.text("instructions")
    if instructions is not None:
        text = f"{instructions}:\n{text}"
        fields.approximate("instructions", "written before the text")
    if fields.number("speed") not in (None, 1.0):
        fields.approximate("speed", "the model's own")
    voice = fields.required("voice")
    if voice in _OPENAI_VOICES:
        fields.approximate("voice", f"{_DEFAULT_VOICE} instead of {voice}")
        voice = _DEFAULT_VOICE
    config = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}
    tree = {
        "contents": [{"role": "user", "parts": [{"text": text}]}],
        "generationConfig": {"responseModalities": ["AUDIO"], "speechConfig": config},
    }
    return MediaRequest(tree, fields.losses(), _pcm if audio_format == "pcm" else _wav)


def _samples(tree: Mapping[str, Any]) -> tuple[bytes, int]:
    """The samples of 16 bits, and their rate in Hz. Raises NoOutputError."""
    found = [media for part in parts_in(tree) if (media := media_in(part)) is not None]
    if not found:
        raise NoOutputError(reason_in(tree))
    rate = _RATE.search(found[0][1])
    try:
        samples = b"".join([b64decode(data, validate=True) for data, _ in found])
    except ValueError:
        raise NoOutputError("its audio cannot be read") from None
    return samples, int(rate[1]) if rate else _DEFAULT_RATE


def _pcm(tree: Mapping[str, Any]) -> Answer:
    return _samples(tree)[0], "audio/pcm"


def _wav(tree: Mapping[str, Any]) -> Answer:
    samples, rate = _samples(tree)
    if samples.startswith(b"RIFF"):
        return samples, "audio/wav"
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(rate)
        wav.writeframes(samples)
    return file.getvalue(), "audio/wav"
