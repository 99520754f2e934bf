"""OpenAI's `audio/speech`, made by Google's models for speech.

Google answers with bare samples of 24 kHz, which OpenAI calls PCM. They need only a head to be a
WAV file; anything else would have to be encoded.
"""

import binascii
import io
import re
import wave
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Final

from jackfield.errors import InvalidRequest

from .openai_jobs import Answer, Job, NotMade, media_in, parts_in, reason_in
from .openai_wishes import Wishes

_OPENAIS: Final = frozenset(
    {
        *("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable"),
        *("marin", "nova", "onyx", "sage", "shimmer", "verse"),
    }
)
"""Voices that Google does not have."""

_VOICE: Final = "Kore"
_RATE: Final = re.compile(r"rate=(\d{4,6})\b")
_USUAL_RATE: Final = 24_000


def job(wishes: Wishes) -> Job:
    """The request for what is to be said. Raises InvalidRequest."""
    if wishes.text("stream_format") == "sse":
        raise InvalidRequest("Google does not stream speech in events.", param="stream_format")
    form = wishes.one_of("response_format", ("wav", "pcm"))
    if form is None:
        wishes.approximate("response_format", "WAV instead of MP3")
    text, manner = wishes.needed("input"), wishes.text("instructions")
    if manner is not None:
        text = f"{manner}:\n{text}"
        wishes.approximate("instructions", "written before the text")
    if wishes.number("speed") not in (None, 1.0):
        wishes.approximate("speed", "the model's own")
    voice = wishes.needed("voice")
    if voice in _OPENAIS:
        wishes.approximate("voice", f"{_VOICE} instead of {voice}")
        voice = _VOICE
    spoken = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}
    tree = {
        "contents": [{"role": "user", "parts": [{"text": text}]}],
        "generationConfig": {"responseModalities": ["AUDIO"], "speechConfig": spoken},
    }
    return Job(tree, wishes.losses(), _pcm if form == "pcm" else _wav)


def _samples(tree: Mapping[str, Any]) -> tuple[bytes, int]:
    """The samples, 16 bits each, and how many there are in a second."""
    found = [media for part in parts_in(tree) if (media := media_in(part)) is not None]
    if not found:
        raise NotMade(reason_in(tree))
    rate = _RATE.search(found[0][1])
    try:
        sound = b"".join([b64decode(data, validate=True) for data, _ in found])
    except binascii.Error:
        raise NotMade("its sound cannot be read") from None
    return sound, int(rate[1]) if rate else _USUAL_RATE


def _pcm(tree: Mapping[str, Any]) -> Answer:
    return _samples(tree)[0], "audio/pcm"


def _wav(tree: Mapping[str, Any]) -> Answer:
    sound, rate = _samples(tree)
    if sound.startswith(b"RIFF"):
        return sound, "audio/wav"
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(rate)
        written.writeframes(sound)
    return file.getvalue(), "audio/wav"
