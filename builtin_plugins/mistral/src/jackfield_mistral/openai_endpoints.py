"""Speech, transcription and moderation for OpenAI's clients: Mistral accepts the same requests.

The answers differ: speech is base64 in JSON, and a moderation has no member `flagged`.
"""

import binascii
from base64 import b64decode
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from jackfield import Endpoint, Exchange
from jackfield.dialects import Dialect, installed
from jackfield.errors import InvalidRequest, ProviderUnavailable
from jackfield.forms import field_span
from jackfield.response import Response

from .failures import UNREADABLE

OPENAI: Final[Dialect] = installed("openai.resource")
_PATHS: Final = {
    "speech": "/v1/audio/speech",
    "transcriptions": "/v1/audio/transcriptions",
    "moderations": "/v1/moderations",
}
_WHOLE: Final = (None, "json", "verbose_json")
_MEDIA: Final = {"mp3": "mpeg", "opus": "opus", "flac": "flac", "wav": "wav", "pcm": "pcm"}


def may_be_served(endpoint: Endpoint) -> bool:
    """Whether one of OpenAI's other endpoints is for audio or moderation."""
    return endpoint.permission == "inference" and endpoint.operation in ("audio", "moderation")


def path_of(exchange: Exchange) -> str | None:
    """The path of the API for a request of OpenAI's; None if it has none.

    Raises InvalidRequest for an input or a response format that Mistral does not have.
    """
    operation = _operation(exchange)
    if exchange.request.method != "POST" or operation not in _PATHS:
        return None
    tree = _members(exchange)
    if exchange.stream or tree.get("stream_format") == "sse":
        raise InvalidRequest("Mistral streams audio in events of its own.", param="stream")
    form = tree.get("response_format")
    if form not in ((None, *_MEDIA) if operation == "speech" else _WHOLE):
        raise InvalidRequest(f"Mistral does not answer in {form!r}.", param="response_format")
    if operation == "moderations" and not _are_texts(tree.get("input")):
        raise InvalidRequest("Mistral only moderates texts.", param="input")
    return _PATHS[operation]


def _operation(exchange: Exchange) -> str:
    return exchange.request.params.get("rest") or exchange.endpoint.path.rpartition("/")[2]


def _are_texts(value: Any) -> bool:
    return all(isinstance(one, str) for one in (value if isinstance(value, list) else [value]))


def _members(exchange: Exchange) -> dict[str, Any]:
    request = exchange.request
    media = request.headers.get("content-type", "")
    if media.lower().startswith("multipart/"):
        span = field_span(request.body, media, "response_format")
        text = request.body[span[0] : span[1]].decode("utf-8", "replace") if span else None
        return {"response_format": text}
    tree = exchange.json()
    return tree if isinstance(tree, dict) else {}


def openai_response(exchange: Exchange, response: Response) -> Response:
    """The answer as OpenAI writes it. Raises ProviderUnavailable if it cannot be read."""
    operation, body = _operation(exchange), response.body
    if operation == "transcriptions" or not isinstance(body, bytes):
        return response
    try:
        if operation == "moderations":
            return replace(response, body=_flagged(body))
        sound = b64decode(msgspec.json.decode(body, type=_Speech).audio_data, validate=True)
    except (*UNREADABLE, binascii.Error) as error:
        raise ProviderUnavailable("The provider's answer cannot be read.") from error
    form = _members(exchange).get("response_format") or "mp3"
    return replace(response, body=sound, content_type=f"audio/{_MEDIA[form]}")


def _flagged(body: bytes) -> bytes:
    tree = msgspec.json.decode(body, type=dict[str, Any])
    results = msgspec.convert(tree.get("results"), list[dict[str, Any]])
    for result in results:
        categories = msgspec.convert(result.get("categories"), dict[str, bool])
        result.setdefault("flagged", any(categories.values()))
    return msgspec.json.encode(tree | {"results": results})


class _Speech(msgspec.Struct):
    audio_data: str
