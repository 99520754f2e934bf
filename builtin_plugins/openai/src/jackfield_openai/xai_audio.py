"""Speech and transcription by xAI, whose API has them at paths and in members of its own.

Speech has no model, and a form's file has to come last.
"""

import re
from typing import Any, Final

import msgspec

from jackfield.dialects import Loss
from jackfield.errors import InvalidRequest
from jackfield.exchange import Exchange
from jackfield.forms import field_spans

_PATHS: Final = {"speech": "/tts", "transcriptions": "/stt"}
_CODECS: Final = ("mp3", "wav", "pcm")
_OPENAIS: Final = frozenset(
    {
        *("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable"),
        *("marin", "nova", "onyx", "sage", "shimmer", "verse"),
    }
)
"""Voices that xAI does not have."""

_SPOKEN: Final = frozenset(
    {"model", "input", "voice", "response_format", "stream_format", "speed", "language", "user"}
)
_FIELDS: Final = (
    *("model", "language", "format", "diarize", "multichannel", "channels", "keyterm"),
    *("audio_format", "sample_rate", "filler_words", "file"),
)
"""xAI's own, in the order in which they are sent."""

_READ: Final = frozenset({*_FIELDS, "response_format", "stream"})
_BOUNDARY: Final = re.compile(r'boundary="?([^";]+)', re.IGNORECASE)


def path_of(exchange: Exchange) -> str | None:
    """The path of the API for one of OpenAI's; None if both have the same."""
    if exchange.operation != "audio" or exchange.request.method != "POST":
        return None
    return _PATHS.get(exchange.request.params.get("rest", ""))


def body_of(exchange: Exchange, body: bytes) -> bytes:
    """The request as xAI expects it. Raises InvalidRequest for what it cannot do."""
    if exchange.stream:
        raise InvalidRequest("xAI does not stream audio in OpenAI's events.", param="stream")
    if path_of(exchange) == _PATHS["speech"]:
        return msgspec.json.encode(_speech(exchange))
    return _form(body, exchange.request.headers.get("content-type", ""))


def left_out(exchange: Exchange) -> tuple[Loss, ...]:
    """What xAI does not know of a request."""
    if path_of(exchange) == _PATHS["speech"]:
        tree = _members(exchange)
        losses = [Loss(f"audio.{name}", name, "dropped") for name in sorted(tree.keys() - _SPOKEN)]
        if tree.get("voice") in _OPENAIS:
            losses.append(Loss("audio.voice", "voice", "approximated", "xAI's usual voice"))
        return tuple(losses)
    media = exchange.request.headers.get("content-type", "")
    names = sorted(field_spans(exchange.request.body, media).keys() - _READ)
    return tuple([Loss(f"audio.{name.removesuffix('[]')}", name, "dropped") for name in names])


def _members(exchange: Exchange) -> dict[str, Any]:
    tree = exchange.json()
    return tree if isinstance(tree, dict) else {}


def _speech(exchange: Exchange) -> dict[str, Any]:
    tree = _members(exchange)
    if tree.get("stream_format") == "sse":
        raise InvalidRequest("xAI does not stream audio in events.", param="stream_format")
    spoken = {"text": tree.get("input"), "language": tree.get("language", "auto")}
    if (codec := tree.get("response_format")) is not None:
        if codec not in _CODECS:
            raise InvalidRequest(f"xAI does not answer in {codec!r}.", param="response_format")
        spoken["output_format"] = {"codec": codec}
    if (voice := tree.get("voice")) not in (None, *_OPENAIS):
        spoken["voice_id"] = voice
    if (speed := tree.get("speed")) is not None:
        spoken["speed"] = speed
    return spoken


def _form(body: bytes, media_type: str) -> bytes:
    spans = field_spans(body, media_type)
    if "file" not in spans:
        raise InvalidRequest("A transcription needs a 'file' in a multipart form.", param="file")
    for start, end in spans.get("response_format", []):
        if (form := body[start:end]) != b"json":
            why = f"xAI does not answer in {form.decode('utf-8', 'replace')!r}."
            raise InvalidRequest(why, param="response_format")
    found = _BOUNDARY.search(media_type)
    mark = b"--" + (found[1].strip() if found else "").encode("latin-1", "replace")
    parts = [
        body[body.rfind(mark, 0, start) : end + len(b"\r\n")]
        for name in _FIELDS
        for start, end in spans.get(name, [])
    ]
    return b"".join([*parts, mark, b"--\r\n"])
