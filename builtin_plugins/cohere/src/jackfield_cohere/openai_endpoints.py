"""Transcription for OpenAI's clients: Cohere's form has some of the same fields.

Cohere reads a form as it arrives, so every other field has to come before the file.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from jackfield import Endpoint, Exchange, Response
from jackfield.dialects import Dialect, Loss, installed
from jackfield.errors import InvalidRequest, ProviderUnavailable
from jackfield.forms import delimiter, field_spans

OPENAI: Final[Dialect] = installed("openai.resource")
PATH: Final = "/v2/audio/transcriptions"
_FIELDS: Final = ("model", "language", "temperature", "file")
"""The fields that Cohere knows, in the order in which they are sent."""

_KNOWN_FIELDS: Final = frozenset({*_FIELDS, "response_format", "stream"})

_Spans = Mapping[str, list[tuple[int, int]]]


def may_be_served(endpoint: Endpoint) -> bool:
    """Whether one of OpenAI's other endpoints is for audio."""
    return endpoint.permission == "inference" and endpoint.operation == "audio"


def is_served(exchange: Exchange) -> bool:
    """Whether a request is for a transcription."""
    wanted = exchange.request.params.get("rest") == "transcriptions"
    return wanted and exchange.request.method == "POST"


def check(exchange: Exchange) -> None:
    """Raise InvalidRequest for a missing field, or for an option that Cohere does not have."""
    spans = _spans(exchange)
    if "file" not in spans or "language" not in spans:
        name = "file" if "file" not in spans else "language"
        raise InvalidRequest(f"Cohere needs '{name}' in a multipart form.", param=name)
    if exchange.stream:
        raise InvalidRequest("Cohere does not stream transcriptions.", param="stream")
    if (wanted := _response_format(exchange)) not in (None, "json", "text"):
        raise InvalidRequest(f"Cohere does not answer in {wanted!r}.", param="response_format")


def losses_of(exchange: Exchange) -> tuple[Loss, ...]:
    """The losses of a form: fields that Cohere does not know."""
    names = sorted(_spans(exchange).keys() - _KNOWN_FIELDS)
    return tuple([Loss(f"audio.{name.removesuffix('[]')}", name, "dropped") for name in names])


def cohere_form(body: bytes, media_type: str) -> bytes:
    """The form with only the fields that Cohere knows, and the file last."""
    spans = field_spans(body, media_type)
    mark = delimiter(media_type)
    parts = [
        body[body.rfind(mark, 0, start) : end + len(b"\r\n")]
        for name in _FIELDS
        for start, end in spans.get(name, [])
    ]
    return b"".join([*parts, mark, b"--\r\n"])


def openai_response(exchange: Exchange, response: Response) -> Response:
    """The answer as OpenAI writes it. Raises ProviderUnavailable if its text cannot be read."""
    if _response_format(exchange) != "text" or not isinstance(response.body, bytes):
        return response
    try:
        text = msgspec.json.decode(response.body, type=_Transcription).text
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProviderUnavailable("The provider's answer cannot be read.") from error
    return replace(response, body=f"{text}\n".encode(), content_type="text/plain; charset=utf-8")


class _Transcription(msgspec.Struct):
    text: str


def _spans(exchange: Exchange) -> _Spans:
    request = exchange.request
    return field_spans(request.body, request.headers.get("content-type", ""))


def _response_format(exchange: Exchange) -> Any:
    spans = _spans(exchange).get("response_format")
    body = exchange.request.body
    return body[slice(*spans[0])].decode("utf-8", "replace") if spans else None
