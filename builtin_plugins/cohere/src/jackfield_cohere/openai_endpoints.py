"""Transcription for OpenAI's clients, whose form Cohere understands but for some of its fields.

Cohere reads a form as it arrives: every other field has to come before the file.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from jackfield import Endpoint, Exchange, Response
from jackfield.dialects import Dialect, Loss, installed
from jackfield.errors import InvalidRequest, ProviderUnavailable
from jackfield.forms import field_spans

OPENAI: Final[Dialect] = installed("openai.resource")
PATH: Final = "/v2/audio/transcriptions"
_FIELDS: Final = ("model", "language", "temperature", "file")
"""Cohere's own, in the order in which they are sent."""

_READ: Final = frozenset({*_FIELDS, "response_format", "stream"})
_BOUNDARY: Final = re.compile(r'boundary="?([^";]+)', re.IGNORECASE)

_Spans = Mapping[str, list[tuple[int, int]]]


def may_be_served(endpoint: Endpoint) -> bool:
    """Whether one of OpenAI's other endpoints is for audio."""
    return endpoint.permission == "inference" and endpoint.operation == "audio"


def is_served(exchange: Exchange) -> bool:
    """Whether a request is one for a transcription."""
    wanted = exchange.request.params.get("rest") == "transcriptions"
    return wanted and exchange.request.method == "POST"


def check(exchange: Exchange) -> None:
    """Raise InvalidRequest for a form without what Cohere needs, or with what it cannot do."""
    spans = _spans(exchange)
    if "file" not in spans or "language" not in spans:
        name = "file" if "file" not in spans else "language"
        raise InvalidRequest(f"Cohere needs '{name}' in a multipart form.", param=name)
    if exchange.stream:
        raise InvalidRequest("Cohere does not stream transcriptions.", param="stream")
    if (form := _format(exchange)) not in (None, "json", "text"):
        raise InvalidRequest(f"Cohere does not answer in {form!r}.", param="response_format")


def left_out(exchange: Exchange) -> tuple[Loss, ...]:
    """The fields that Cohere does not know."""
    names = sorted(_spans(exchange).keys() - _READ)
    return tuple([Loss(f"audio.{name.removesuffix('[]')}", name, "dropped") for name in names])


def rewritten(body: bytes, media_type: str) -> bytes:
    """The form with Cohere's own fields alone, the file last."""
    spans = field_spans(body, media_type)
    found = _BOUNDARY.search(media_type)
    mark = b"--" + (found[1].strip() if found else "").encode("latin-1", "replace")
    parts = [
        body[body.rfind(mark, 0, start) : end + len(b"\r\n")]
        for name in _FIELDS
        for start, end in spans.get(name, [])
    ]
    return b"".join([*parts, mark, b"--\r\n"])


def in_openais_form(exchange: Exchange, response: Response) -> Response:
    """The answer. Raises ProviderUnavailable if it should be a bare text and has none."""
    if _format(exchange) != "text" or not isinstance(response.body, bytes):
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


def _format(exchange: Exchange) -> Any:
    spans = _spans(exchange).get("response_format")
    body = exchange.request.body
    return body[slice(*spans[0])].decode("utf-8", "replace") if spans else None
