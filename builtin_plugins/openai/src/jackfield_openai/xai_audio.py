"""OpenAI's speech and transcription with xAI, whose API has paths and fields of its own.

Requests for speech name no model. In a form, the file has to come last.
"""

from typing import Any, Final

import msgspec

from jackfield.dialects import Loss
from jackfield.errors import InvalidRequest
from jackfield.exchange import Exchange
from jackfield.forms import delimiter, field_spans

_PATHS: Final = {"speech": "/tts", "transcriptions": "/stt"}
_CODECS: Final = ("mp3", "wav", "pcm")
_OPENAI_VOICES: Final = frozenset(
    {
        *("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable"),
        *("marin", "nova", "onyx", "sage", "shimmer", "verse"),
    }
)
"""Voices that xAI does not have."""

_SPEECH_FIELDS: Final = frozenset(
    {"model", "input", "voice", "response_format", "stream_format", "speed", "language", "user"}
)
_FORM_FIELDS: Final = (
    *("model", "language", "format", "diarize", "multichannel", "channels", "keyterm"),
    *("audio_format", "sample_rate", "filler_words", "file"),
)
"""The fields that xAI knows, in the order in which they are sent."""

_KNOWN_FIELDS: Final = frozenset({*_FORM_FIELDS, "response_format", "stream"})


def path_of(exchange: Exchange) -> str | None:
    """xAI's path for a request to OpenAI's; None if they are the same."""
    if exchange.operation != "audio" or exchange.request.method != "POST":
        return None
    return _PATHS.get(exchange.request.params.get("rest", ""))


def body_of(exchange: Exchange, body: bytes) -> bytes:
    """The request as xAI expects it. Raises InvalidRequest for what it cannot do."""
    if exchange.stream:
        raise InvalidRequest("xAI does not stream audio in OpenAI's events.", param="stream")
    if path_of(exchange) == _PATHS["speech"]:
        return msgspec.json.encode(_speech_request(exchange))
    return _rewritten_form(body, exchange.request.headers.get("content-type", ""))


def losses_of(exchange: Exchange) -> tuple[Loss, ...]:
    """The losses of a request: fields and voices that xAI does not have."""
    if path_of(exchange) == _PATHS["speech"]:
        members = _members(exchange)
        unknown = sorted(members.keys() - _SPEECH_FIELDS)
        losses = [Loss(f"audio.{name}", name, "dropped") for name in unknown]
        if _is_openai_voice(members.get("voice")):
            losses.append(Loss("audio.voice", "voice", "approximated", "xAI's default voice"))
        return tuple(losses)
    media = exchange.request.headers.get("content-type", "")
    names = sorted(field_spans(exchange.request.body, media).keys() - _KNOWN_FIELDS)
    return tuple([Loss(f"audio.{name.removesuffix('[]')}", name, "dropped") for name in names])


def _members(exchange: Exchange) -> dict[str, Any]:
    members = exchange.json()
    return members if isinstance(members, dict) else {}


def _is_openai_voice(voice: Any) -> bool:
    return isinstance(voice, str) and voice in _OPENAI_VOICES


def _speech_request(exchange: Exchange) -> dict[str, Any]:
    members = _members(exchange)
    if members.get("stream_format") == "sse":
        raise InvalidRequest("xAI does not stream audio in events.", param="stream_format")
    speech = {"text": members.get("input"), "language": members.get("language", "auto")}
    if (codec := members.get("response_format")) is not None:
        if codec not in _CODECS:
            raise InvalidRequest(f"xAI does not answer in {codec!r}.", param="response_format")
        speech["output_format"] = {"codec": codec}
    if (voice := members.get("voice")) is not None and not _is_openai_voice(voice):
        speech["voice_id"] = voice
    if (speed := members.get("speed")) is not None:
        speech["speed"] = speed
    return speech


def _rewritten_form(body: bytes, media_type: str) -> bytes:
    spans = field_spans(body, media_type)
    if "file" not in spans:
        raise InvalidRequest("A transcription needs a 'file' in a multipart form.", param="file")
    for start, end in spans.get("response_format", []):
        if (answer_format := body[start:end]) != b"json":
            why = f"xAI does not answer in {answer_format.decode('utf-8', 'replace')!r}."
            raise InvalidRequest(why, param="response_format")
    mark = delimiter(media_type)
    parts = [
        body[body.rfind(mark, 0, start) : end + len(b"\r\n")]
        for name in _FORM_FIELDS
        for start, end in spans.get(name, [])
    ]
    return b"".join([*parts, mark, b"--\r\n"])
